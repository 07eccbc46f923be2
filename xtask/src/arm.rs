//! `cargo xtask arm`: the tests of the CPU backend for 64-bit ARM, in QEMU's emulation of it where this machine is another.

use anyhow::{Context, ensure};
use std::process::Command;

const TARGET: &str = "aarch64-unknown-linux-gnu";
/// The cross linker and where its libraries lie, as Debian's packages have them.
const SETTINGS: [(&str, &str); 2] = [
    ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc"),
    ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", "qemu-aarch64 -L /usr/aarch64-linux-gnu"),
];

/// Builds and runs them.
pub(crate) fn run() -> anyhow::Result<()> {
    let emulated = crate::dist::target()? != TARGET;
    let status = Command::new(env!("CARGO"))
        .args(["test", "--locked", "--package=mda-backend-cpu", "--target", TARGET])
        .current_dir(crate::root())
        .envs(SETTINGS.into_iter().filter(|_| emulated))
        .status()
        .context("starting cargo test")?;
    ensure!(
        status.success(),
        "the CPU backend cannot be built or fails for {TARGET}\nhint: elsewhere than on ARM this takes `rustup target add {TARGET}` \
         and the packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user"
    );
    Ok(())
}
