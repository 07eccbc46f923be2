//! A backend that counts what it runs: the multiply-adds of every batch, whichever stretch of a model it is of.

use super::Headway;
use mda_core::Model;
use mda_core::Tensor;
use mda_core::run::backend::{
    Backend, BackendError, Device, Loss, Probe, Program, RunOutput, Session, Trainer, Unsupported,
};

/// Runs everything on `backend` and adds it to `headway`.
pub(super) struct Counted<'a> {
    pub(super) backend: &'a dyn Backend,
    pub(super) headway: Headway,
}

impl Backend for Counted<'_> {
    fn id(&self) -> &str {
        self.backend.id()
    }

    fn devices(&self) -> Vec<Device> {
        self.backend.devices()
    }

    fn unavailable(&self) -> Option<String> {
        self.backend.unavailable()
    }

    fn unsupported(&self, model: &Model) -> Vec<Unsupported> {
        self.backend.unsupported(model)
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        let own = self.backend.compile(model, device, probes)?;
        Ok(Box::new(CountedProgram { own, macs: model.size().macs, headway: self.headway.clone() }))
    }

    fn untrainable(&self, model: &Model) -> Option<String> {
        self.backend.untrainable(model)
    }

    fn train(&self, model: &Model, device: Option<&str>) -> Result<Box<dyn Trainer>, BackendError> {
        let own = self.backend.train(model, device)?;
        let macs = PASSES * model.size().macs;
        Ok(Box::new(CountedTrainer { own, macs, headway: self.headway.clone() }))
    }
}

struct CountedProgram {
    own: Box<dyn Program>,
    /// Of one image.
    macs: u64,
    headway: Headway,
}

impl Program for CountedProgram {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(CountedSession { own: self.own.session()?, macs: self.macs, headway: self.headway.clone() }))
    }
}

struct CountedSession {
    own: Box<dyn Session>,
    macs: u64,
    headway: Headway,
}

impl Session for CountedSession {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        let output = self.own.run(batch)?;
        self.headway.add(self.macs * batch.shape().first().map_or(0, |&images| images as u64));
        Ok(output)
    }
}

/// Forward once, and back to inputs and to weights.
pub(crate) const PASSES: u64 = 3;

struct CountedTrainer {
    own: Box<dyn Trainer>,
    /// Of one image, all passes.
    macs: u64,
    headway: Headway,
}

impl Trainer for CountedTrainer {
    fn step(
        &mut self,
        batch: &Tensor,
        numbers: &[f32],
        loss: &Loss<'_>,
        gradient: &mut [f32],
    ) -> Result<f64, BackendError> {
        let loss = self.own.step(batch, numbers, loss, gradient)?;
        self.headway.add(self.macs * batch.shape().first().map_or(0, |&images| images as u64));
        Ok(loss)
    }
}
