//! `cargo xtask sanitize`: the plugin boundary and the reader of mapped model files under AddressSanitizer, which also finds
//! what is never freed.
//!
//! The toolchain's own runtime is used, so nothing has to be installed; the flags that ask for it are unstable, hence
//! `RUSTC_BOOTSTRAP`. Programs and the libraries that they load are all built with it.

use anyhow::{Context, ensure};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The runtime is in the program, and the libraries look for it there.
const FLAGS: &str = "-Zsanitizer=address -Clink-arg=-rdynamic";

/// What is run: the tests of `mda-plugin` with the libraries that are its examples, and those of the native model file, which
/// is read where it is mapped.
const RUNS: [(&str, &[&str]); 2] = [
    ("the plugin boundary", &["--package=mda-plugin"]),
    ("the reader of mapped model files", &["--package=mda-formats", "--lib", "native::"]),
];

/// Runs every one, and fails after the last where one has failed.
pub(crate) fn run() -> anyhow::Result<()> {
    let target = crate::dist::target()?;
    ensure!(target.contains("linux"), "the sanitizer's runtime is looked for on Linux only, this is {target}");
    let mut failed = Vec::new();
    for (what, arguments) in RUNS {
        let start = Instant::now();
        let tested = Command::new(env!("CARGO"))
            .args(["test", "--locked"])
            .args(arguments)
            .current_dir(crate::root())
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", FLAGS)
            .env("CARGO_BUILD_TARGET", &target)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("starting cargo test {}", arguments.join(" ")))?;
        let said = String::from_utf8_lossy(&tested.stdout);
        print!("{said}");
        let (count, seconds) = (passed(&said), start.elapsed().as_secs_f64());
        eprintln!("{what} under AddressSanitizer: {count} tests passed in {seconds:.0} s, {}", tested.status);
        if !tested.status.success() || count == 0 {
            failed.push(what);
        }
    }
    ensure!(failed.is_empty(), "failed under AddressSanitizer, or without a test: {}", failed.join(", "));
    Ok(())
}

/// How many tests have passed, of what `cargo test` says: a filter that finds none proves nothing.
fn passed(said: &str) -> usize {
    let results =
        said.lines().filter_map(|line| line.strip_prefix("test result: ")?.split_once(". ")?.1.split_once(" passed"));
    results.filter_map(|(count, _)| count.parse::<usize>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_passed_is_counted() {
        let said = "running 2 tests\ntest result: ok. 17 passed; 0 failed; 0 ignored\n\n\
            test result: FAILED. 3 passed; 1 failed; 0 ignored\n";
        assert_eq!((passed(said), passed("test result: ok. 0 passed; 0 failed"), passed("")), (20, 0, 0));
    }
}
