//! `cargo xtask sanitize`: the plugin boundary under AddressSanitizer, which also finds what is never freed.
//!
//! The toolchain's own runtime is used, so nothing has to be installed; the flags that ask for it are unstable, hence
//! `RUSTC_BOOTSTRAP`. Programs and the libraries that they load are all built with it.

use anyhow::{Context, ensure};
use std::process::Command;

/// The runtime is in the program, and the libraries look for it there.
const FLAGS: &str = "-Zsanitizer=address -Clink-arg=-rdynamic";

/// Runs the tests of `mda-plugin` with the libraries that are its examples.
pub(crate) fn run() -> anyhow::Result<()> {
    let target = crate::dist::target()?;
    ensure!(target.contains("linux"), "the sanitizer's runtime is looked for on Linux only, this is {target}");
    let status = Command::new(env!("CARGO"))
        .args(["test", "--locked", "--package=mda-plugin"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_BUILD_TARGET", &target)
        .status()
        .context("starting cargo test")?;
    ensure!(status.success(), "the plugin boundary fails under AddressSanitizer");
    Ok(())
}
