//! Project tasks: `cargo xtask ci` checks everything that a change must pass, `cargo xtask bench` measures.

mod arm;
mod avx512;
mod bench;
mod ci;
mod dist;
mod emulated;
mod gpu_check;
mod libtorch;
mod prove;
mod rust_version;
mod sanitize;
mod tidy;
mod verify_formats;

use clap::Parser;
use prove::Extent;
use std::path::{Path, PathBuf};

/// Tasks of the MDA project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Check formatting, lints, documentation, the tidiness rules, run all tests, and prove the parts whose files changed.
    Ci(ci::Options),
    /// Run the expensive parts in full, and record the files with which they pass.
    Prove(prove::Options),
    /// Compare speed and memory with other programs, and print Markdown.
    Bench(bench::Options),
    /// Pack the program, its plugins and their papers into an archive under `dist`, and try it out.
    Dist,
    /// Run the micro-kernels and one network of the CPU backend on 64-bit ARM, under QEMU.
    Arm(Emulated),
    /// Run the micro-kernels and one network of the CPU backend with AVX-512, under Bochs where the processor has none.
    Avx512(Emulated),
    /// Run the plugin boundary and the reader of mapped model files under AddressSanitizer.
    Sanitize,
    /// Check only the tidiness rules of STYLE.md.
    Tidy,
    /// Fetch the LibTorch that the tch backend is built with, and print what its build needs in the environment.
    SetupLibtorch,
    /// Compare every architecture with PyTorch and ONNX Runtime, and print the documentation's table.
    VerifyFormats(verify_formats::VerifyFormats),
    /// Build what checks the GPU backends on an NVIDIA machine, into dist/gpu-check.
    GpuCheck,
}

/// How much to run on a processor that is emulated.
#[derive(Debug, clap::Args)]
struct Emulated {
    /// Run all tests of the CPU backend.
    #[arg(long)]
    all: bool,
}

impl Emulated {
    fn extent(&self) -> Extent {
        if self.all { Extent::Full } else { Extent::Short }
    }
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Ci(options) => ci::run(&options),
        Task::Prove(options) => prove::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Dist => dist::run(),
        Task::Arm(emulated) => arm::prove(emulated.extent()),
        Task::Avx512(emulated) => avx512::prove(emulated.extent()),
        Task::Sanitize => sanitize::run(),
        Task::Tidy => tidy::run(),
        Task::SetupLibtorch => libtorch::set_up(),
        Task::VerifyFormats(arguments) => verify_formats::run(&arguments),
        Task::GpuCheck => gpu_check::run(),
    }
}

/// The workspace.
fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
