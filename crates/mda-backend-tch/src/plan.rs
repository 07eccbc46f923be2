//! A model compiled for a device: its layers in order, and what the probes look at.

use crate::devices::failed;
use crate::layer::Layer;
use crate::observe::Observation;
use crate::transfer::{Result, leave, upload};
use mda_core::graph::NodeId;
use mda_core::run::backend::schedule::{Step, schedule};
use mda_core::run::backend::{BackendError, Probe, RunOutput};
use mda_core::{Model, Tensor as Numbers};
use tch::{Device, TchError, Tensor};

/// A compiled model, to be run by one thread.
pub(crate) struct Plan {
    device: Device,
    steps: Vec<(Layer, Step)>,
    observations: Vec<Observation>,
    input: NodeId,
    output: NodeId,
    values: usize,
}

impl Plan {
    /// Puts `model` on `device`.
    ///
    /// # Errors
    /// [`BackendError::BadProbe`], and whatever the device reports.
    pub(crate) fn new(model: &Model, probes: &[Probe], device: Device) -> std::result::Result<Self, BackendError> {
        let observations = probes.iter().map(|&probe| Observation::new(model, probe, device));
        let observations = observations.collect::<std::result::Result<_, _>>()?;
        let on_device = |step: Step| Ok((Layer::new(model, &step, device)?, step));
        let steps = schedule(model, probes).into_iter().map(on_device).collect::<Result<_>>().map_err(failed)?;
        let graph = model.graph();
        let (input, output) = (graph.input(), graph.output());
        Ok(Self { device, steps, observations, input, output, values: graph.nodes().len() })
    }

    /// The same plan for another thread, over the same numbers.
    pub(crate) fn shallow_clone(&self) -> Self {
        let steps = self.steps.iter().map(|(layer, step)| (layer.shallow_clone(), step.clone())).collect();
        let observations = self.observations.iter().map(Observation::shallow_clone).collect();
        Self { steps, observations, ..*self }
    }

    /// Runs a batch that fits the model.
    pub(crate) fn run(&self, batch: &Numbers) -> Result<RunOutput> {
        let _inference = tch::no_grad_guard();
        let mut values: Vec<Option<Tensor>> = (0..self.values).map(|_| None).collect();
        let mut answers: Vec<Option<Tensor>> = self.observations.iter().map(|_| None).collect();
        let mut observe = |id: NodeId, value: &Tensor| {
            let mut watching = self.observations.iter().zip(&mut answers).filter(|(seen, _)| seen.value == id);
            watching.try_for_each(|(seen, answer)| seen.take(value).map(|taken| *answer = Some(taken)))
        };
        let images = upload(batch, self.device)?;
        observe(self.input, &images)?;
        values[self.input] = Some(images);
        for (layer, step) in &self.steps {
            let inputs: Vec<&Tensor> = step.inputs.iter().filter_map(|&id| values[id].as_ref()).collect();
            let value = layer.run(&inputs)?;
            observe(step.output, &value)?;
            values[step.output] = Some(value);
            step.freed.iter().for_each(|&id| values[id] = None);
        }
        let complete = |value: &Option<Tensor>| {
            value.as_ref().map_or_else(|| Err(TchError::Torch("a value was never computed".into())), leave)
        };
        Ok(RunOutput {
            logits: complete(&values[self.output])?,
            probes: answers.iter().map(complete).collect::<Result<_>>()?,
        })
    }
}
