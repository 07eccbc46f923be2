//! The backend traits over plans.

use crate::devices::{self, ID, failed};
use crate::plan::Plan;
use mda_core::run::backend::{
    Backend, BackendError, Device, Probe, Program, RunOutput, Session, Unsupported, check_batch,
};
use mda_core::tensor::Shape;
use mda_core::{Model, Tensor};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

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
        let plan = Plan::new(model, probes, devices::open(device)?)?;
        Ok(Box::new(Compiled { plan: Mutex::new(plan), input: model.input_shape() }))
    }
}

/// LibTorch's tensors may move to another thread but not be shared, so every session takes references of its own.
struct Compiled {
    plan: Mutex<Plan>,
    input: Shape,
}

impl Program for Compiled {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner).shallow_clone();
        Ok(Box::new(Running { plan, input: self.input }))
    }
}

struct Running {
    plan: Plan,
    input: Shape,
}

impl Session for Running {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        check_batch(self.input, batch)?;
        self.plan.run(batch).map_err(failed)
    }
}
