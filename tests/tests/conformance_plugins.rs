//! Every plugin of this workspace, loaded from its library, in what of the conformance suite can differ there; and the plugin
//! author's example in all of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mda_core::run::backend::Backend;
use mda_plugin::host::load;
use mda_testkit::cdylib;
use mda_testkit::conformance::{self, Report};
use std::fs;
use std::path::Path;

fn conforms(library: &Path, name: &str, run: fn(&dyn Backend, Option<&str>) -> Report) {
    let backend = load(library, None).unwrap();
    assert_eq!((backend.id(), backend.version()), (name, env!("CARGO_PKG_VERSION")));
    let report = run(&backend, None);
    println!("{}\n{report}", backend.path().display());
    report.assert_passed();
}

#[test]
fn every_plugin_conforms() {
    let root = cdylib::workspace();
    let mut names: Vec<String> = fs::read_dir(root.join("plugins"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.iter().any(|name| name == "cpu"));
    for name in names {
        match cdylib::libraries().get(&format!("mda_plugin_{name}")) {
            Some(file) => conforms(file, &name, conformance::run_loaded),
            // No default member, because of what it needs to be built.
            None => {
                assert!(root.join(format!("plugins/{name}/tests/conformance.rs")).is_file(), "nothing tests `{name}`")
            }
        }
    }
}

/// A copy in a folder of its own, as somebody who starts from it would have it.
#[test]
fn the_example_plugin_builds_outside_the_workspace_and_conforms() {
    let root = cdylib::workspace();
    let (example, copy) = (root.join("docs/example-plugin"), tempfile::tempdir().unwrap());
    let manifest = fs::read_to_string(example.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\"../../crates/"));
    let crates = root.join("crates").display().to_string().replace('\\', "/");
    fs::write(copy.path().join("Cargo.toml"), manifest.replace("../../crates", &crates)).unwrap();
    fs::create_dir(copy.path().join("src")).unwrap();
    fs::copy(example.join("src/lib.rs"), copy.path().join("src/lib.rs")).unwrap();
    // The versions that are at hand already.
    fs::copy(root.join("Cargo.lock"), copy.path().join("Cargo.lock")).unwrap();
    // Its packages have other features than in this workspace, so they are compiled again: quickly, but for what computes.
    let (target, quick) = (root.join("target").display().to_string(), "profile.dev.package.'*'.opt-level=0");
    let core = "profile.dev.package.mda-core.opt-level=1";
    let plain = "profile.dev.debug=false";
    let arguments = ["--offline", "--target-dir", &target, "--config", quick, "--config", core, "--config", plain];
    let built = cdylib::build(copy.path(), &arguments);
    conforms(&built["mda_plugin_example"], "example", conformance::run);
}
