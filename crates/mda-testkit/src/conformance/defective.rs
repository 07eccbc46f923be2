//! Backends with a defect, to see the suite fail.

use mda_core::backend::{Backend, BackendError, Device, Probe, Program, RunOutput, Session, Unsupported};
use mda_core::reference::Reference;
use mda_core::{Model, Tensor};

/// The reference, but what a run answers goes through a function.
pub(super) struct Defective(pub(super) fn(&mut RunOutput));

struct DefectiveProgram(Box<dyn Program>, fn(&mut RunOutput));

struct DefectiveSession(Box<dyn Session>, fn(&mut RunOutput));

impl Backend for Defective {
    fn id(&self) -> &str {
        "defective"
    }

    fn devices(&self) -> Vec<Device> {
        Reference.devices()
    }

    fn unsupported(&self, model: &Model) -> Vec<Unsupported> {
        Reference.unsupported(model)
    }

    fn compile(&self, model: &Model, d: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        Ok(Box::new(DefectiveProgram(Reference.compile(model, d, probes)?, self.0)))
    }
}

impl Program for DefectiveProgram {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(DefectiveSession(self.0.session()?, self.1)))
    }
}

impl Session for DefectiveSession {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        let mut output = self.0.run(batch)?;
        self.1(&mut output);
        Ok(output)
    }
}
