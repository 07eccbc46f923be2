//! A model compiled for a device: its layers in order, and what the probes look at.

use crate::devices::failed;
use crate::layer::Layer;
use crate::observe::Observation;
use crate::transfer::{enter, leave};
use candle_core::{Device, Result, Tensor};
use mda_core::graph::NodeId;
use mda_core::run::backend::schedule::{Step, schedule};
use mda_core::run::backend::{BackendError, Probe, RunOutput};
use mda_core::{Model, Tensor as Numbers};

/// A compiled model.
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
        let graph = model.graph();
        let observations: Vec<Observation> = probes
            .iter()
            .map(|&probe| Observation::new(model, probe, &device))
            .collect::<std::result::Result<_, _>>()?;
        let on_device = |step: Step| Ok((Layer::new(model, &step, &device)?, step));
        let steps = schedule(model, probes).into_iter().map(on_device).collect::<Result<_>>().map_err(failed)?;
        let (input, output) = (graph.input(), graph.output());
        Ok(Self { device, steps, observations, input, output, values: graph.nodes().len() })
    }

    /// Runs a batch that fits the model.
    pub(crate) fn run(&self, batch: &Numbers) -> Result<RunOutput> {
        let mut values: Vec<Option<Tensor>> = vec![None; self.values];
        let mut answers: Vec<Option<Tensor>> = self.observations.iter().map(|_| None).collect();
        let mut observe = |id: NodeId, value: &Tensor| {
            let watching = self.observations.iter().zip(&mut answers).filter(|(seen, _)| seen.value == id);
            watching.into_iter().try_for_each(|(seen, answer)| seen.take(value).map(|taken| *answer = Some(taken)))
        };
        let images = enter(batch, &self.device)?;
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
            value.as_ref().map_or_else(|| Err(candle_core::Error::msg("a value was never computed")), leave)
        };
        Ok(RunOutput {
            logits: complete(&values[self.output])?,
            probes: answers.iter().map(complete).collect::<Result<_>>()?,
        })
    }
}
