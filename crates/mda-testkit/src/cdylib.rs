//! Building libraries with cargo, for tests that load them.
//!
//! Cargo does not build a `cdylib` for the tests of another package, so the tests ask for it themselves.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The root of this workspace.
pub fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("this crate lies two folders below the root").to_owned()
}

/// Every `cdylib` of the workspace's default members and of their examples, by the name of its target.
///
/// All of them are built at once, with their development dependencies: packages get the features then that they have in
/// `cargo test`, so nothing is compiled twice.
///
/// # Panics
/// As [`build`].
pub fn libraries() -> &'static BTreeMap<String, PathBuf> {
    static LIBRARIES: LazyLock<BTreeMap<String, PathBuf>> =
        LazyLock::new(|| build(&workspace(), &["--locked", "--lib", "--examples"]));
    &LIBRARIES
}

/// The `cdylib` example `name` of the package whose integration test calls this; cargo builds examples before tests.
///
/// # Panics
/// Where it is not there, which happens where cargo was asked for one test alone.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_else(|error| panic!("asking where this test lies: {error}"));
    let file = format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let target = test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps");
    let library = target.join("examples").join(file);
    assert!(library.exists(), "{} is not there; `cargo test` without a choice of targets builds it", library.display());
    library
}

/// Runs `cargo build` in the folder `place` with `arguments` and answers every `cdylib` that it names, by the name of its
/// target.
///
/// # Panics
/// Where the build fails; cargo's own words are on stderr.
pub fn build(place: &Path, arguments: &[&str]) -> BTreeMap<String, PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--message-format=json-render-diagnostics"])
        .args(arguments)
        .current_dir(place)
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("starting cargo: {error}"));
    assert!(built.status.success(), "cargo build {} failed in {}", arguments.join(" "), place.display());
    String::from_utf8_lossy(&built.stdout).lines().filter_map(library).collect()
}

/// The name and the file of the `cdylib` that one of cargo's messages tells of.
fn library(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    target["crate_types"].as_array()?.iter().find(|kind| *kind == "cdylib")?;
    let mut files = message["filenames"].as_array()?.iter().filter_map(Value::as_str).map(PathBuf::from);
    let library = files.find(|file| file.extension().is_some_and(|end| end == std::env::consts::DLL_EXTENSION))?;
    Some((target["name"].as_str()?.to_owned(), library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_are_taken_from_the_messages() {
        let file = format!("/target/libp.{}", std::env::consts::DLL_EXTENSION);
        let message =
            |kind: &str| format!(r#"{{"target":{{"name":"p","crate_types":["{kind}"]}},"filenames":["{file}"]}}"#);
        assert_eq!(library(&message("cdylib")), Some(("p".into(), file.clone().into())));
        assert_eq!((library(&message("lib")), library("not JSON"), library("{}")), (None, None, None));
    }
}
