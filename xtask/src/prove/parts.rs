//! The parts that run when their files change, and which files those are.
//!
//! A list names what decides whether the part passes and what no other test would catch: the code that only this part runs,
//! what that is compared with, and how the part is run. A newer compiler or a newer lint changes none of them; such a change
//! comes with `cargo xtask prove`.

use super::Extent;
use crate::{arm, avx512, libtorch};

/// One of them.
pub(crate) struct Part {
    /// What it is called in the record and on the command line.
    pub(crate) name: &'static str,
    /// What it proves.
    pub(crate) about: &'static str,
    /// The files it depends on, or the folders that hold them, from the root, in lists that parts may share.
    pub(crate) files: &'static [&'static [&'static str]],
    /// The packages it depends on whose versions `Cargo.lock` has.
    pub(crate) locked: &'static [&'static str],
    /// Runs it.
    pub(crate) run: fn(Extent) -> anyhow::Result<()>,
    /// Why the tests have run it on this machine already, if they have.
    pub(crate) tested: fn() -> Option<&'static str>,
}

/// Of the CPU backend only kernels, and the layers that are compiled around them, differ by instruction set. The rest is the same
/// Rust on every processor, and tested on this one.
const KERNELS: &[&str] = &[
    "crates/mda-backend-cpu/Cargo.toml",
    "crates/mda-backend-cpu/src/backend.rs",
    "crates/mda-backend-cpu/src/kernel",
    "crates/mda-backend-cpu/src/layer",
    "crates/mda-backend-cpu/tests/oracle",
];

/// All of them.
pub(crate) const PARTS: [Part; 3] = [
    Part {
        name: "tch",
        about: "lints, documentation and tests of what needs LibTorch",
        // Operations, graphs and tensors change often, but they are what the backend is written against and compared with:
        // no other backend shows that this one still follows. Of plugins only the macro differs from what the others test.
        files: &[&[
            "crates/mda-backend-tch",
            "crates/mda-core/src/graph",
            "crates/mda-core/src/model/mod.rs",
            "crates/mda-core/src/op",
            "crates/mda-core/src/run/backend",
            "crates/mda-core/src/run/reference.rs",
            "crates/mda-core/src/tensor",
            "crates/mda-plugin/src/guest/mod.rs",
            "crates/mda-testkit/src/conformance",
            "plugins/tch",
            "xtask/src/libtorch.rs",
        ]],
        locked: &["tch", "torch-sys"],
        run: libtorch::prove,
        tested: || None,
    },
    Part {
        name: "arm",
        about: "the CPU backend on 64-bit ARM",
        files: &[KERNELS, &["xtask/src/arm.rs"]],
        locked: &[],
        run: arm::prove,
        tested: || None,
    },
    Part {
        name: "avx512",
        about: "the CPU backend with AVX-512",
        files: &[KERNELS, &["xtask/src/avx512", "xtask/src/avx512.rs"]],
        locked: &[],
        run: avx512::prove,
        tested: avx512::tested,
    },
];
