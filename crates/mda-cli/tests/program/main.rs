//! The program as its users meet it: what it prints, what it writes, and how it fails.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod book;
mod catalogue;
mod evaluate;
mod failures;
mod images;
mod import;
mod job;
mod library;
mod plugins;
mod predict;
mod printing;
mod report;
mod shown;
mod study;
mod tune;
mod unlabelled;
mod writing;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that is gone when the test ends, with the demo's embedded files at hand.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `mda` in the folder.
    fn mda(&self, arguments: &[&str]) -> Output {
        self.mda_where(&[], arguments)
    }

    /// Runs `mda` in the folder with these variables set.
    fn mda_where(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        let program = Command::new(env!("CARGO_BIN_EXE_mda"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("MDA_BACKEND")
            .env_remove("MDA_PLUGIN_PATH")
            .env_remove("MDA_SHARED")
            .envs(variables.iter().copied())
            .output();
        program.unwrap()
    }

    /// Runs `mda`, which must succeed, and answers what it printed.
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.mda(arguments);
        assert!(output.status.success(), "mda {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `mda`, which must fail without a panic and without output, and answers what it said.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.mda(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "mda {arguments:?} succeeded");
        assert!(!said.contains("panicked"), "mda {arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "mda {arguments:?} printed results before it failed");
        said
    }
}

/// One of the files that the program carries.
fn asset(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mda-kit/assets").join(name).to_str().unwrap().to_owned()
}
