//! Backends with a defect, to see the suite fail.

use mda_core::op::{Op, Window};
use mda_core::run::backend::{Backend, BackendError, Device, Probe, Program, RunOutput, Session, Unsupported};
use mda_core::run::reference::Reference;
use mda_core::{Model, Tensor};
use std::sync::Arc;

/// What is done to what a run of so many images of a model answers.
pub(super) type Defect = fn(&Model, usize, &mut RunOutput);

/// The reference, but what a run answers goes through a function.
pub(super) struct Defective(pub(super) Defect);

struct DefectiveProgram(Box<dyn Program>, Arc<Model>, Defect);

struct DefectiveSession(Box<dyn Session>, Arc<Model>, Defect);

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
        Ok(Box::new(DefectiveProgram(Reference.compile(model, d, probes)?, Arc::new(model.clone()), self.0)))
    }
}

impl Program for DefectiveProgram {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(DefectiveSession(self.0.session()?, Arc::clone(&self.1), self.2)))
    }
}

impl Session for DefectiveSession {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        let mut output = self.0.run(batch)?;
        self.2(&self.1, batch.shape()[0], &mut output);
        Ok(output)
    }
}

/// Forgets channels that are far smaller than their neighbours, as a format of few bits would.
pub(super) fn small_channels(_: &Model, _: usize, output: &mut RunOutput) {
    let largest = |numbers: &[f32]| numbers.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    for tensor in std::iter::once(&mut output.logits).chain(&mut output.probes) {
        let [images, channels] = [tensor.shape()[0], tensor.shape()[1]];
        let (inner, all) = (tensor.len() / (images * channels), largest(tensor.data()));
        for channel in 0..channels {
            let of_image = |n: usize| (n * channels + channel) * inner..(n * channels + channel + 1) * inner;
            if (0..images).all(|n| largest(&tensor.data()[of_image(n)]) < 1e-5 * all) {
                (0..images).for_each(|n| tensor.data_mut()[of_image(n)].fill(0.0));
            }
        }
    }
}

/// Is wrong where a matrix product fills at least 128 tiles of 64 filters by 64 positions.
pub(super) fn large_tiles(model: &Model, images: usize, output: &mut RunOutput) {
    let product = |node: &mda_core::graph::Node| {
        let groups = match &node.op {
            Op::Conv2d(conv) => conv.groups,
            Op::Linear(_) => 1,
            _ => return false,
        };
        let filters = node.shape.channels() / groups;
        filters > 32 && groups * filters.div_ceil(64) * (images * node.shape.positions()).div_ceil(64) >= 128
    };
    wrong_at_the_end(model.graph().nodes().iter().any(product), output);
}

/// Is wrong in the last image where the columns of a convolution over the whole batch take more than 8 MiB.
pub(super) fn many_columns(model: &Model, images: usize, output: &mut RunOutput) {
    let graph = model.graph();
    let columns = |node: &mda_core::graph::Node| match &node.op {
        Op::Conv2d(conv) => {
            let channels = graph.node(node.inputs[0]).shape.channels();
            images * channels * conv.window.taps() * node.shape.positions() * size_of::<f32>() > 8 << 20
        }
        _ => false,
    };
    wrong_at_the_end(images > 1 && graph.nodes().iter().any(columns), output);
}

/// Is wrong where a map that is laid out with its padding takes far more than the map.
pub(super) fn wide_windows(model: &Model, _: usize, output: &mut RunOutput) {
    let padded = |window: &Window, [height, width]: [usize; 2]| {
        let along = |axis: usize| window.padding.along(axis).into_iter().sum::<usize>();
        (height + along(0)) * (width + along(1)) > 1 << 16
    };
    let graph = model.graph();
    let wide = |node: &mda_core::graph::Node| {
        let window = match &node.op {
            Op::Conv2d(conv) => conv.window,
            Op::MaxPool(pool) => pool.window,
            Op::AvgPool(pool) => pool.window,
            _ => return false,
        };
        padded(&window, graph.node(node.inputs[0]).shape.spatial())
    };
    wrong_at_the_end(graph.nodes().iter().any(wide), output);
}

fn wrong_at_the_end(is_wrong: bool, output: &mut RunOutput) {
    if let (true, Some(last)) = (is_wrong, output.logits.data_mut().last_mut()) {
        *last += 1.0;
    }
}
