//! The reference backend: every operation evaluated naively with f64 accumulation. It is the oracle that the real
//! backends are compared with, and far too slow for anything else.

use crate::graph::{GraphErrors, NodeId};
use crate::model::Model;
use crate::op::{Op, Window};
use crate::run::backend::{
    Backend, BackendError, Device, Loss, Probe, Program, RunOutput, Session, TrainedNumbers, Trainer, Unsupported,
    check_batch,
};
use crate::run::reverse::reverse;
use crate::tensor::Tensor;
use std::sync::Arc;

/// The reference backend, `reference`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

#[derive(Clone)]
struct Compiled {
    model: Arc<Model>,
    probes: Arc<[Probe]>,
}

impl Backend for Reference {
    fn id(&self) -> &str {
        "reference"
    }

    fn devices(&self) -> Vec<Device> {
        vec![Device { id: "cpu".into(), description: "naive evaluation, one thread".into() }]
    }

    fn unsupported(&self, _model: &Model) -> Vec<Unsupported> {
        Vec::new()
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        if device.is_some_and(|device| device != "cpu") {
            return Err(BackendError::no_device(self.id(), device, self.devices()));
        }
        probes.iter().try_for_each(|probe| probe.shape(model, 1).map(drop))?;
        Ok(Box::new(Compiled { model: Arc::new(model.clone()), probes: probes.into() }))
    }

    fn untrainable(&self, _model: &Model) -> Option<String> {
        None
    }

    fn train(&self, model: &Model, device: Option<&str>) -> Result<Box<dyn Trainer>, BackendError> {
        self.compile(model, device, &[])?;
        Ok(Box::new(Training { model: model.clone(), trained: TrainedNumbers::new(model.graph()) }))
    }
}

struct Training {
    model: Model,
    trained: TrainedNumbers,
}

impl Trainer for Training {
    fn step(
        &mut self,
        batch: &Tensor,
        numbers: &[f32],
        loss: &Loss<'_>,
        gradient: &mut [f32],
    ) -> Result<f64, BackendError> {
        let count = check_batch(self.model.input_shape(), batch)?;
        let failed =
            |error: GraphErrors| BackendError::Failed { backend: "reference".into(), message: error.to_string() };
        let model = self.trained.in_model(&self.model, numbers).map_err(failed)?;
        let values = evaluate(&model, batch, |_, _| {});
        let (loss, seed) = loss(0..count, &values[model.graph().output()]);
        gradient.fill(0.0);
        reverse(&model, &values, seed, |id, backward| {
            for (suffix, own) in model.graph().node(id).op.operation().parameter_gradients(backward) {
                let range = self.trained.range(id, suffix).expect("a gradient of a trained tensor");
                gradient[range].copy_from_slice(own.data());
            }
        });
        Ok(loss)
    }
}

impl Program for Compiled {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(self.clone()))
    }
}

impl Session for Compiled {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        check_batch(self.model.input_shape(), batch)?;
        let values = evaluate(&self.model, batch, |_, _| {});
        let probes = self.probes.iter().map(|&probe| observe(&self.model, &values, probe)).collect();
        Ok(RunOutput { logits: values[self.model.graph().output()].clone(), probes })
    }
}

/// Every value of the graph for a batch that fits it. `edit` may change each value before its consumers see it, which is
/// how masked models are computed.
///
/// # Panics
/// Where the batch has another shape than the model's input.
pub fn evaluate(model: &Model, batch: &Tensor, edit: impl Fn(NodeId, &mut Tensor)) -> Vec<Tensor> {
    let graph = model.graph();
    let mut values: Vec<Tensor> = Vec::with_capacity(graph.nodes().len());
    for (id, node) in graph.nodes().iter().enumerate() {
        let inputs: Vec<&Tensor> = match node.op {
            Op::Input(_) => vec![batch],
            _ => node.inputs.iter().map(|&input| &values[input]).collect(),
        };
        let mut value = node.op.operation().evaluate(&inputs, node.shape, model.node_parameters(id));
        edit(id, &mut value);
        values.push(value);
    }
    values
}

fn observe(model: &Model, values: &[Tensor], probe: Probe) -> Tensor {
    let node = model.graph().node(probe.node());
    match (probe, &node.op) {
        (Probe::Value(id), _) => values[id].clone(),
        (Probe::Input(_), _) => values[node.inputs[0]].clone(),
        (Probe::WindowSum(_), Op::Conv2d(conv)) => {
            window_sums(&conv.window, node.shape.spatial(), &values[node.inputs[0]])
        }
        (Probe::WindowSum(_), _) => unreachable!("compile checked the probes"),
        (Probe::Moments(id), _) => moments(&values[id]),
    }
}

fn window_sums(window: &Window, output: [usize; 2], input: &Tensor) -> Tensor {
    let [batch, channels, height, width] = [0, 1, 2, 3].map(|axis| input.shape()[axis]);
    let mut data = Vec::with_capacity(batch * channels * window.taps());
    for plane in input.data().chunks(height * width) {
        for (ky, kx) in (0..window.kernel[0]).flat_map(|ky| (0..window.kernel[1]).map(move |kx| (ky, kx))) {
            let rows = (0..output[0]).filter_map(|row| window.source(0, row, ky, height));
            let columns = || (0..output[1]).filter_map(|column| window.source(1, column, kx, width));
            let sum: f64 = rows.flat_map(|y| columns().map(move |x| f64::from(plane[y * width + x]))).sum();
            data.push(sum as f32);
        }
    }
    Tensor::new([batch, channels, window.taps()], data).expect("one sum a channel and tap")
}

fn moments(value: &Tensor) -> Tensor {
    let [batch, channels] = [value.shape()[0], value.shape()[1]];
    let positions: usize = value.shape()[2..].iter().product();
    let pair = |plane: &[f32]| {
        let sum: f64 = plane.iter().map(|&x| f64::from(x)).sum();
        let squares: f64 = plane.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        [sum as f32, squares as f32]
    };
    let data = value.data().chunks(positions).flat_map(pair).collect();
    Tensor::new([batch, channels, 2], data).expect("two numbers a channel")
}
