//! `cargo xtask avx512`: the CPU backend with AVX-512, in Bochs's emulation of it where this machine has none.
//!
//! QEMU emulates no AVX-512. Bochs does, but it runs a whole machine: a Linux kernel starts in it, runs the test programs
//! instead of a system, and reports over the serial port.

mod disc;
mod kernel;
mod machine;

use crate::emulated;
use crate::prove::Extent;
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the emulation takes, as Debian calls it.
const PACKAGES: &str = "bochs bochs-sdl bochsbios busybox-static cpio isolinux syslinux-common xorriso";

/// Why `cargo test` has proved as much, where it has.
pub(crate) fn tested() -> Option<&'static str> {
    has_avx512().then_some("this processor has AVX-512, so the tests have run with it")
}

/// Runs the tests here, or builds them and runs them in Bochs.
pub(crate) fn prove(extent: Extent) -> anyhow::Result<()> {
    let said = if has_avx512() { here(extent)? } else { in_bochs(extent)? };
    emulated::check(&said)
}

/// What the tests say, run on this processor.
fn here(extent: Extent) -> anyhow::Result<String> {
    eprintln!("avx512: this processor has AVX-512");
    let mut command = cargo_test(extent);
    command.arg("--").args(emulated::filters(extent)).env("MDA_INSTRUCTIONS", "AVX-512");
    let output = command.stderr(Stdio::inherit()).output().context("starting cargo test")?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    ensure!(output.status.success(), "the CPU backend fails with AVX-512");
    Ok(said.into_owned())
}

/// What the tests say, run in Bochs.
fn in_bochs(extent: Extent) -> anyhow::Result<String> {
    ensure!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "the tests that Bochs runs are built for this machine, which has to be Linux on x86-64"
    );
    let work = crate::target().join("avx512");
    std::fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
    let work = work.canonicalize().with_context(|| format!("finding {}", work.display()))?;
    let kernel = kernel::find(&work)?;
    disc::make(&work, &kernel, &build(extent)?, emulated::filters(extent))?;
    let (passed, said) = machine::run(&work)?;
    ensure!(passed, "the CPU backend fails with AVX-512: see the tests above");
    eprintln!("avx512: all tests passed");
    Ok(said)
}

/// Whether this processor has what the backend asks for.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
    wide && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512dq")
}

/// Whether this processor has what the backend asks for.
#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

fn cargo_test(extent: Extent) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--locked", "--package=mda-backend-cpu"]).args(emulated::targets(extent));
    command.current_dir(crate::root());
    command
}

/// The test programs, built for this machine.
fn build(extent: Extent) -> anyhow::Result<Vec<PathBuf>> {
    let mut cargo = cargo_test(extent);
    cargo.args(["--no-run", "--message-format=json-render-diagnostics"]).stderr(Stdio::inherit());
    let output = cargo.output().context("starting cargo test")?;
    ensure!(output.status.success(), "the tests of the CPU backend cannot be built");
    let mut programs = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: serde_json::Value = serde_json::from_str(line).with_context(|| format!("cargo wrote {line}"))?;
        if message["profile"]["test"] == true {
            programs.extend(message["executable"].as_str().map(PathBuf::from));
        }
    }
    ensure!(!programs.is_empty(), "cargo names no test program of the CPU backend");
    Ok(programs)
}

/// What a program answers, which has to succeed.
fn ask(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("starting {command:?}\nhint: this takes the packages {PACKAGES}"))?;
    ensure!(output.status.success(), "{command:?} failed");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Copies a file that a package brings.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    std::fs::copy(from, to).map(|_| ()).with_context(|| {
        format!("copying {} to {}\nhint: this takes the packages {PACKAGES}", from.display(), to.display())
    })
}
