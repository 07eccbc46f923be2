//! Methods, backends and lists of images that there are not, or that leave nothing.

use super::{FAILED, refused, with_mnist};

#[test]
fn methods_that_there_are_not() {
    let bench = with_mnist();
    let cases = [
        ("--formulation=magic", FAILED, &["magic", "model-lego"][..]),
        ("--formulation=", FAILED, &["model-lego"]),
        ("--formulation=obs+", FAILED, &["model-lego"]),
        ("--formulation=obs+l1", FAILED, &["obs+l1 are 2 formulations", "--keep-params"]),
        ("--formulation=obs+magic --keep-params=30%", FAILED, &["magic", "model-lego"]),
        ("--formulation=graph,colour=red", FAILED, &["colour"]),
        ("--formulation=graph,alpha", FAILED, &["alpha"]),
        ("--formulation=graph,alpha=much", FAILED, &["much", "0.0..1.0"]),
        ("--formulation=graph,seed=3", FAILED, &["seed", "random"]),
        ("--formulation=graph,measure=magic", FAILED, &["magic"]),
        ("--repair=glue", FAILED, &["glue", "ridge"]),
        ("--alpha=1.5", FAILED, &["0.0..1.0", "1.5"]),
        ("--alpha=-0.1", FAILED, &["0.0..1.0"]),
        ("--beta=NaN", FAILED, &["0.0..1.0", "NaN"]),
        ("--beta=0.99999", FAILED, &["nothing of", "0.99999", "hint:"]),
        ("--backend=abacus", FAILED, &["abacus", "cpu", "hint:"]),
        ("--backend=cpu:7", FAILED, &["7"]),
        ("--backend=:7", FAILED, &["NAME:DEVICE", "hint:"]),
        ("--backend=cpu:", FAILED, &["NAME:DEVICE", "hint:"]),
        ("--plugin=none.so", FAILED, &["plugin none.so", "cannot be read"]),
        ("--plugin=mnist/categories.txt", FAILED, &["plugin mnist/categories.txt"]),
    ];
    refused(&bench, "disassemble m.safetensors --data=mnist --task=0-2 -o=out.safetensors", &cases);
}

#[test]
fn lists_of_images_that_are_none() {
    let bench = with_mnist();
    bench.write("text", "these are not numbers");
    bench.write("words.json", "[\"one\"]");
    bench.write("negative.json", "[-1]");
    bench.write("far.json", "[0, 99999999]");
    bench.write("none.json", "[]");
    bench.write("other.json", "{\"selected\": [1]}");
    let cases = [
        ("--images=nowhere.json", FAILED, &["nowhere.json", "No such file"][..]),
        ("--images=text", FAILED, &["text is no list of train image positions"]),
        ("--images=words.json", FAILED, &["words.json is no list"]),
        ("--images=negative.json", FAILED, &["negative.json is no list"]),
        ("--images=far.json", FAILED, &["image 99999999 is listed", "the train split has"]),
        ("--images=other.json", FAILED, &["other.json is no list"]),
        ("--images=none.json", FAILED, &["image"]),
    ];
    refused(&bench, "disassemble m.safetensors --data=mnist --task=0-2 -o=out.safetensors", &cases);
}
