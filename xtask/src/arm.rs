//! `cargo xtask arm`: the CPU backend on 64-bit ARM, in QEMU's emulation of it where this machine is another.

use crate::emulated;
use crate::prove::Extent;
use anyhow::{Context, ensure};
use std::process::{Command, Stdio};

const TARGET: &str = "aarch64-unknown-linux-gnu";
/// The cross linker and where its libraries lie, as Debian's packages have them.
const SETTINGS: [(&str, &str); 2] = [
    ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc"),
    ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", "qemu-aarch64 -L /usr/aarch64-linux-gnu"),
];

/// Builds the tests and runs them.
pub(crate) fn prove(extent: Extent) -> anyhow::Result<()> {
    let emulated = crate::dist::target()? != TARGET;
    let output = Command::new(env!("CARGO"))
        .args(["test", "--locked", "--package=mda-backend-cpu", "--target", TARGET])
        .args(emulated::targets(extent))
        .arg("--")
        .args(emulated::filters(extent))
        .current_dir(crate::root())
        .envs(SETTINGS.into_iter().filter(|_| emulated))
        .stderr(Stdio::inherit())
        .output()
        .context("starting cargo test")?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    ensure!(
        output.status.success(),
        "the CPU backend cannot be built or fails for {TARGET}\nhint: elsewhere than on ARM this takes `rustup target add {TARGET}` \
         and the packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user"
    );
    emulated::check(&said)
}
