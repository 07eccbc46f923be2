//! The backend: which devices it has, and how it compiles.

use crate::devices::{self, ID};
use crate::library::LibTorch;
use mda_core::Model;
use mda_core::run::backend::{Backend, BackendError, Device, Probe, Program, Unsupported, tensor_library};
use std::num::NonZeroUsize;

/// The LibTorch backend, `tch`.
///
/// Devices are `cpu` and, where LibTorch's CUDA part loads and finds a driver, `cuda:0`, `cuda:1`, ...
#[derive(Clone, Copy, Debug, Default)]
pub struct TchBackend;

impl TchBackend {
    /// The backend; nothing is loaded before it is asked.
    pub fn new() -> Self {
        Self
    }

    /// The backend on `threads` threads of the processor. LibTorch has one such number a process.
    pub fn with_threads(threads: NonZeroUsize) -> Self {
        tch::set_num_threads(i32::try_from(threads.get()).unwrap_or(i32::MAX));
        Self
    }
}

impl Backend for TchBackend {
    fn id(&self) -> &str {
        ID
    }

    fn devices(&self) -> Vec<Device> {
        devices::list()
    }

    fn unsupported(&self, _model: &Model) -> Vec<Unsupported> {
        Vec::new()
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        tensor_library::compile(LibTorch(devices::open(device)?), model, probes)
    }
}
