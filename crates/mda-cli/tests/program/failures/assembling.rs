//! Components that do not go together.

use super::{Bench, FAILED, asset, refused, small_network};

#[test]
fn components_that_do_not_go_together() {
    let bench = Bench::new();
    small_network(&bench.path("ab"), "ab", 1, &["a", "b"]);
    small_network(&bench.path("cd"), "cd", 1, &["c", "d"]);
    small_network(&bench.path("bc"), "bc", 1, &["b", "c"]);
    small_network(&bench.path("colour"), "colour", 3, &["e", "f"]);
    std::fs::copy(asset("lenet5-mnist.safetensors"), bench.path("lenet")).unwrap();
    let cases = [
        ("ab none", FAILED, &["none", "No such file"][..]),
        ("ab ab", FAILED, &["both have a category `a`", "hint:"]),
        ("ab bc", FAILED, &["both have a category `b`", "--rename"]),
        ("ab ab --prefix-categories", FAILED, &["`ab:a`"]),
        ("ab colour", FAILED, &["`ab` takes images of", "`colour` of"]),
        ("ab lenet", FAILED, &["takes images of"]),
        ("ab cd --rename a=x", FAILED, &["K:OLD=NEW", "`a=x`"]),
        ("ab cd --rename 1:a", FAILED, &["K:OLD=NEW"]),
        ("ab cd --rename 0:a=x", FAILED, &["K:OLD=NEW", "from 1"]),
        ("ab cd --rename 3:a=x", FAILED, &["K:OLD=NEW"]),
        ("ab cd --rename 2:a=x", FAILED, &["component 2 has no category `a`", "c, d"]),
        ("ab cd --rename 1:a=b", FAILED, &["renaming the categories of ab"]),
        ("ab cd --rename 1:a=c", FAILED, &["both have a category `c`"]),
        ("ab cd --data=x", FAILED, &["2 components need 2 data sets"]),
        ("ab cd --data=x --data=y", FAILED, &["opening", "x"]),
        ("ab cd --rescale=evidence", FAILED, &["give one data set for every component"]),
        ("ab cd --rescale=ratio", FAILED, &["needs calibration images"]),
        ("ab cd --rescale=weight-align", FAILED, &["linear"]),
        ("ab cd --prior=train", FAILED, &["the scale is calibrated: by scale-shift-component"]),
        ("ab cd --form=block-diagonal --rescale=magnitude --data=x --data=y", FAILED, &["x"]),
    ];
    refused(&bench, "assemble -o=out.safetensors", &cases);
}
