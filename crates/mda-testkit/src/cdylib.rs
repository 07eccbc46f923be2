//! Building libraries with cargo, for tests that load them.
//!
//! Cargo does not build a `cdylib` for the tests of another package, so the tests ask for it themselves. In a warm target
//! folder that takes a moment.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of this workspace.
pub fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("this crate lies two folders below the root").to_owned()
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
