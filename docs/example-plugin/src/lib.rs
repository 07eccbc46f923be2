//! An example: a backend in a library of its own.
//!
//! It evaluates the operations one after another with those that `mda-core` has for comparison, slowly. What a backend of
//! your own does in their place is up to you; the rest stays.

use mda_core::run::backend::{Backend, BackendError, Device, Probe, Program, RunOutput, Session, Unsupported, check_batch};
use mda_core::op::Op;
use mda_core::run::reference::evaluate;
use mda_core::{Model, Tensor};
use std::sync::Arc;

// The line that makes a plugin of it.
mda_plugin::export_backend!(Example);

/// The backend; what is expensive and common to all models belongs here, such as a connection to a device.
struct Example;

const ID: &str = "example";
const DEVICE: &str = "cpu";

impl Backend for Example {
    fn id(&self) -> &str {
        ID
    }

    fn devices(&self) -> Vec<Device> {
        vec![Device { id: DEVICE.into(), description: "an example, one thread".into() }]
    }

    fn unsupported(&self, _model: &Model) -> Vec<Unsupported> {
        // Go through `model.graph().nodes()` here if there are operations that you do not have.
        Vec::new()
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        if let Some(device) = device.filter(|&device| device != DEVICE) {
            let (backend, device) = (ID.into(), device.into());
            return Err(BackendError::NoDevice { backend, device, available: vec![DEVICE.into()] });
        }
        for probe in probes {
            probe.shape(model, 1)?;
        }
        Ok(Box::new(Compiled { model: Arc::new(model.clone()), probes: probes.into() }))
    }
}

/// The program, which sessions share; weights are packed or uploaded once, here.
#[derive(Clone)]
struct Compiled {
    model: Arc<Model>,
    probes: Arc<[Probe]>,
}

impl Program for Compiled {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        // Buffers that are kept between runs would be made here.
        Ok(Box::new(self.clone()))
    }
}

impl Session for Compiled {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        check_batch(self.model.input_shape(), batch)?;
        let values = evaluate(&self.model, batch, |_, _| {});
        let graph = self.model.graph();
        let observe = |&probe: &Probe| match probe {
            Probe::Value(id) => Ok(values[id].clone()),
            Probe::Input(id) => Ok(values[graph.node(id).inputs[0]].clone()),
            Probe::Moments(id) => numbers(probe, &self.model, batch, moments(&values[id])),
            Probe::WindowSum(id) => {
                let sums = window_sums(&self.model, id, &values[graph.node(id).inputs[0]]);
                numbers(probe, &self.model, batch, sums)
            }
        };
        let probes = self.probes.iter().map(observe).collect::<Result<_, _>>()?;
        Ok(RunOutput { logits: values[graph.output()].clone(), probes })
    }
}

/// A probe's answer in its shape.
fn numbers(probe: Probe, model: &Model, batch: &Tensor, data: Vec<f32>) -> Result<Tensor, BackendError> {
    let shape = probe.shape(model, batch.shape()[0])?;
    Tensor::new(shape, data).map_err(|error| BackendError::Failed { backend: ID.into(), message: error.to_string() })
}

/// Sum and sum of squares of every channel's plane.
fn moments(value: &Tensor) -> Vec<f32> {
    let positions: usize = value.shape()[2..].iter().product();
    let planes = value.data().chunks(positions);
    planes.flat_map(|plane| [plane.iter().sum::<f32>(), plane.iter().map(|x| x * x).sum()]).collect()
}

/// For every channel and kernel tap, the sum of the inputs that the tap meets.
fn window_sums(model: &Model, convolution: usize, input: &Tensor) -> Vec<f32> {
    let node = model.graph().node(convolution);
    let Op::Conv2d(conv) = &node.op else { return Vec::new() };
    let ([rows, columns], [height, width]) = (node.shape.spatial(), [input.shape()[2], input.shape()[3]]);
    let [kernel_rows, kernel_columns] = conv.window.kernel;
    let mut sums = Vec::new();
    for plane in input.data().chunks(height * width) {
        for tap in 0..kernel_rows * kernel_columns {
            let (ky, kx) = (tap / kernel_columns, tap % kernel_columns);
            let ys = (0..rows).filter_map(|row| conv.window.source(0, row, ky, height));
            let xs = || (0..columns).filter_map(|column| conv.window.source(1, column, kx, width));
            sums.push(ys.flat_map(|y| xs().map(move |x| plane[y * width + x])).sum());
        }
    }
    sums
}
