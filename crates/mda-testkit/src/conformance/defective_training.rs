//! Trainers with a defect, to see the suite fail.

use super::training::batches;
use super::{Report, trained_cases};
use mda_core::run::backend::{
    Backend, BackendError, Device, Loss, Probe, Program, TrainedNumbers, Trainer, Unsupported,
};
use mda_core::run::reference::Reference;
use mda_core::{Model, Tensor};

/// What is done to the derivatives of a model.
type Defect = fn(&Model, &TrainedNumbers, &mut [f32]);

/// The reference, but its derivatives go through a function.
struct Defective(Defect);

struct DefectiveTrainer {
    own: Box<dyn Trainer>,
    model: Model,
    defect: Defect,
}

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
        Reference.compile(model, d, probes)
    }

    fn untrainable(&self, _model: &Model) -> Option<String> {
        None
    }

    fn train(&self, model: &Model, device: Option<&str>) -> Result<Box<dyn Trainer>, BackendError> {
        let own = Reference.train(model, device)?;
        Ok(Box::new(DefectiveTrainer { own, model: model.clone(), defect: self.0 }))
    }
}

impl Trainer for DefectiveTrainer {
    fn step(
        &mut self,
        batch: &Tensor,
        numbers: &[f32],
        loss: &Loss<'_>,
        gradient: &mut [f32],
    ) -> Result<f64, BackendError> {
        let loss = self.own.step(batch, numbers, loss, gradient)?;
        (self.defect)(&self.model, &TrainedNumbers::new(self.model.graph()), gradient);
        Ok(loss)
    }
}

/// How many cases a defect fails.
fn failures(defect: Defect) -> usize {
    let backend = Defective(defect);
    let mut report = Report::new(backend.id(), None);
    for case in trained_cases() {
        report.push(&case.name, case.run_training(&backend, None, batches(&case.name)));
    }
    report.failures().count()
}

/// Changes the derivatives by the tensors called `suffix`.
fn change(numbers: &TrainedNumbers, gradient: &mut [f32], suffix: &str, f: impl Fn(&mut f32)) {
    for tensor in numbers.tensors().iter().filter(|tensor| tensor.suffix == suffix) {
        gradient[tensor.range.clone()].iter_mut().for_each(&f);
    }
}

#[test]
fn wrong_derivatives_are_found() {
    assert_eq!(failures(|_, _, _| {}), 0);
    assert!(failures(|_, numbers, gradient| change(numbers, gradient, "weight", |g| *g *= 1.01)) > 60);
    assert!(failures(|_, numbers, gradient| change(numbers, gradient, "bias", |g| *g = 0.0)) > 40);
    assert!(failures(|_, _, gradient| gradient.last_mut().into_iter().for_each(|g| *g = f32::NAN)) > 60);
    assert!(failures(|_, _, gradient| gradient.reverse()) > 40);
}
