//! The backend traits over plans.

use crate::devices::{self, ID, failed};
use crate::plan::Plan;
use mda_core::backend::{Backend, BackendError, Device, Probe, Program, RunOutput, Session, Unsupported, check_batch};
use mda_core::graph::Shape;
use mda_core::{Model, Tensor};
use std::sync::Arc;

/// The candle backend, `candle`.
///
/// Devices are `cpu` and, with the feature `cuda` on a machine with an NVIDIA driver, `cuda:0`, `cuda:1`, ...
#[derive(Clone, Copy, Debug, Default)]
pub struct CandleBackend;

impl CandleBackend {
    /// The backend; nothing is opened before a model is compiled.
    pub fn new() -> Self {
        Self
    }
}

impl Backend for CandleBackend {
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
        Ok(Box::new(Compiled { plan: Arc::new(plan), input: model.input_shape() }))
    }
}

#[derive(Clone)]
struct Compiled {
    plan: Arc<Plan>,
    input: Shape,
}

impl Program for Compiled {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(self.clone()))
    }
}

impl Session for Compiled {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        check_batch(self.input, batch)?;
        self.plan.run(batch).map_err(failed)
    }
}
