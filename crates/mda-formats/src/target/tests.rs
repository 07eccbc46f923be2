//! What is refused, and that refusing changes nothing.

use super::*;
use crate::{native, test_models};
use std::collections::BTreeMap;

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

#[test]
fn only_files_of_the_same_kind_are_replaced_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let model = test_models::tiny();
    native::write(&model, &path("model")).unwrap();
    crate::onnx::export(&model, &path("exported")).unwrap();
    for (name, bytes) in [
        ("zip", &b"PK\x03\x04 and so on"[..]),
        ("pickle", &[0x80, 2, 1, 2, 3]),
        ("state", b"\x02\0\0\0\0\0\0\0{}"),
        ("notes", b"dear diary"),
    ] {
        fs::write(path(name), bytes).unwrap();
    }
    fs::write(path("empty"), "").unwrap();
    let before = contents(folder.path());
    let check = |name: &str, kind, force| Target::new(&path(name), kind, Guard { inputs: &[], force });
    for (name, found) in [
        ("exported", "an ONNX file"),
        ("zip", "a PyTorch checkpoint or another zip archive"),
        ("pickle", "a PyTorch checkpoint or another pickle"),
        ("state", "a safetensors file without a graph"),
        ("notes", "a file of another kind"),
    ] {
        match check(name, Kind::Model, false) {
            Err(TargetError::OtherKind { found: told, expected: "a model file of MDA", .. }) => assert_eq!(told, found),
            other => panic!("{name}: {other:?}"),
        }
        check(name, Kind::Model, true).unwrap();
    }
    assert!(matches!(check("model", Kind::Onnx, false), Err(TargetError::OtherKind { .. })));
    for (name, kind) in [("model", Kind::Model), ("exported", Kind::Onnx), ("empty", Kind::Model), ("new", Kind::Onnx)]
    {
        check(name, kind, false).unwrap();
    }
    assert_eq!(contents(folder.path()), before, "checking writes nothing");
}

#[test]
fn inputs_are_never_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let model = test_models::tiny();
    fs::create_dir(path("data")).unwrap();
    for name in ["model", "other", "data/model"] {
        native::write(&model, &path(name)).unwrap();
    }
    fs::write(path("data/images"), "pixels").unwrap();
    fs::hard_link(path("model"), path("hard")).unwrap();
    let (source, data) = (path("model"), path("data"));
    let check = |name: &str| Target::new(&path(name), Kind::Model, Guard { inputs: &[&source, &data], force: true });
    for name in ["model", "data/../model", "./model", "hard", "data/images"] {
        assert!(matches!(check(name), Err(TargetError::Input { .. })), "{name}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("model", path("link")).unwrap();
        assert!(matches!(check("link"), Err(TargetError::Input { .. })));
    }
    for name in ["other", "data/model", "data/new"] {
        check(name).unwrap();
    }
}

#[test]
fn names_that_promise_another_format_are_refused() {
    let check = |name: &str, kind| Target::new(Path::new(name), kind, Guard { inputs: &[], force: true });
    for name in ["a.onnx", "a.ONNX", "a.pth", "a.pt", "a.ckpt", "recipe.toml"] {
        assert!(matches!(check(name, Kind::Model), Err(TargetError::Name { .. })), "{name}");
    }
    for name in ["a.safetensors", "a.pt"] {
        assert!(matches!(check(name, Kind::Onnx), Err(TargetError::Name { .. })), "{name}");
    }
}

#[test]
fn folders_that_take_no_file_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let error = Target::new(&folder.path().join("none/model"), Kind::Model, Guard::default()).unwrap_err();
    assert!(error.to_string().contains("there is no folder"), "{error}");
    fs::write(folder.path().join("file"), "x").unwrap();
    assert!(Target::new(&folder.path().join("file/model"), Kind::Model, Guard::default()).is_err());
    assert!(Target::new(folder.path(), Kind::Model, Guard::default()).is_err());
}

#[test]
fn a_folder_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("new/results");
    let fill = |name: &str| {
        let results = Folder::new(&target, &[], false).unwrap();
        fs::create_dir(results.path().join("inner")).unwrap();
        fs::write(results.path().join("inner").join(name), name).unwrap();
        results
    };
    drop(fill("lost"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    fill("first").finish().unwrap();
    fill("second").finish().unwrap();
    drop(fill("lost"));
    assert_eq!(contents(&target.join("inner")).len(), 2);
    assert_eq!(fs::read_dir(&target).unwrap().count(), 1, "nothing temporary stays");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::create_dir(folder.path().join("plain")).unwrap();
        assert_eq!(mode(&target), mode(&folder.path().join("plain")));
    }
}

#[test]
fn a_folder_replaces_its_own_files_only() {
    let folder = tempfile::tempdir().unwrap();
    let own = |kind| [(PathBuf::from("part"), kind)];
    let check = |kind, force| Folder::new(folder.path(), &own(kind), force).map(drop);
    fs::write(folder.path().join("part"), "mine").unwrap();
    check(Kind::Exactly(b"mine"), false).unwrap();
    assert!(matches!(check(Kind::Exactly(b"yours"), false), Err(TargetError::OtherKind { .. })));
    assert!(matches!(check(Kind::ManualPage, false), Err(TargetError::OtherKind { .. })));
    check(Kind::ManualPage, true).unwrap();
    assert!(Folder::new(&folder.path().join("part"), &[], true).is_err());
}
