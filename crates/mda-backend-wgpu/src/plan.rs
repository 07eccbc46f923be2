//! The plan of a model: dispatches in order, the constants that they read, and where every value lives.

use crate::command::{Command, Dispatch, Source, View};
use crate::error::unsupported;
use crate::gpu::Gpu;
use crate::layers::{self, Constants, Convolution, Finish};
use crate::limits::Limits;
use crate::observe;
use mda_core::Model;
use mda_core::graph::NodeId;
use mda_core::op::{Op, Window};
use mda_core::run::backend::fusion;
use mda_core::run::backend::fusion::Chain;
use mda_core::run::backend::placement;
use mda_core::run::backend::placement::Placement;
use mda_core::run::backend::{BackendError, Probe, Reading};
use mda_core::tensor::Shape;

/// A model, ready to run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub commands: Vec<Command>,
    pub constants: Vec<wgpu::Buffer>,
    /// Numbers that each buffer of values needs for one image.
    pub slots: Vec<usize>,
    /// The shape of every answer for one image, as tensors have it: the logits, then the probes.
    pub answers: Vec<Vec<usize>>,
    /// Whether an answer is computed, and so needs a buffer of its own on the device.
    pub computed: Vec<bool>,
    pub input: Shape,
}

impl Plan {
    /// Plans `model` for `gpu` and uploads its weights.
    ///
    /// # Errors
    /// [`BackendError::BadProbe`], and [`BackendError::Unsupported`] for a node whose value, weights or tables are larger
    /// than what the device lets a shader see, or with which all of them are larger than what it grants. Nothing has been
    /// uploaded then.
    pub(crate) fn new(gpu: &Gpu, model: &Model, probes: &[Probe]) -> Result<Self, BackendError> {
        Self::with(Constants::measured(gpu.limits()), gpu.limits(), model, probes)?;
        let plan = Self::with(Constants::on(gpu), gpu.limits(), model, probes)?;
        // Weights are on their way only when something is submitted.
        gpu.queue().submit([]);
        Ok(plan)
    }

    /// Plans `model` with its weights in `constants`.
    pub(crate) fn with<'a>(
        constants: Constants<'a>,
        limits: Limits,
        model: &'a Model,
        probes: &[Probe],
    ) -> Result<Self, BackendError> {
        let graph = model.graph();
        let readings = probes.iter().map(|&probe| Reading::new(model, probe)).collect::<Result<Vec<_>, _>>()?;
        let mut observed = vec![false; graph.nodes().len()];
        readings.iter().for_each(|reading| observed[reading.value] = true);
        let chains = fusion::chains(model, &observed);
        let placement = placement::place(model, &chains);
        check_sizes(limits, model, &placement, &readings)?;

        let mut plan = Planning { model, placement, constants, commands: Vec::new() };
        plan.observe(&readings, graph.input());
        for chain in &chains {
            plan.layer(chain)?;
            plan.observe(&readings, chain.end);
        }
        plan.commands.push(Command::Answer { from: plan.view(graph.output()), answer: 0 });
        plan.check_params(limits)?;
        let logits = graph.node(graph.output()).shape.batched(1);
        let computed = readings.iter().map(observe::is_computed);
        Ok(Self {
            commands: plan.commands,
            constants: plan.constants.into_buffers(),
            slots: plan.placement.slots,
            computed: std::iter::once(false).chain(computed).collect(),
            answers: std::iter::once(logits).chain(readings.into_iter().map(|reading| reading.shape)).collect(),
            input: model.input_shape(),
        })
    }

    /// The dispatches, in order.
    pub(crate) fn dispatches(&self) -> impl Iterator<Item = &Dispatch> {
        self.commands.iter().filter_map(|command| match command {
            Command::Dispatch(dispatch) => Some(dispatch),
            Command::Answer { .. } => None,
        })
    }

    /// Numbers in one image's share of an answer.
    pub(crate) fn answer_size(&self, answer: usize) -> usize {
        self.answers[answer].iter().product()
    }
}

struct Planning<'a> {
    model: &'a Model,
    placement: Placement,
    constants: Constants<'a>,
    commands: Vec<Command>,
}

impl Planning<'_> {
    fn view(&self, id: NodeId) -> View {
        let shape = self.model.graph().node(id).shape;
        match self.placement.places[id] {
            Some(place) => View { buffer: Source::Slot(place.slot), offset: place.offset, stride: place.stride, shape },
            None => View { buffer: Source::Images, offset: 0, stride: shape.elements(), shape },
        }
    }

    /// What is read off the value of `id` as soon as it is complete; the first answer is the logits.
    fn observe(&mut self, readings: &[Reading], id: NodeId) {
        for (index, reading) in readings.iter().enumerate() {
            if placement::root(self.model, reading.value) == id {
                self.commands.extend(observe::commands(reading, self.view(reading.value), index + 1));
            }
        }
    }

    /// Checks that what all dispatches are told fits a buffer.
    fn check_params(&self, limits: Limits) -> Result<(), BackendError> {
        let count = self.commands.iter().filter(|command| command.is_dispatch()).count() as u64;
        let (bytes, most) = (count.saturating_mul(limits.params_stride()), limits.buffer);
        if bytes <= most {
            return Ok(());
        }
        let graph = self.model.graph();
        let reason =
            format!("the parameters of {count} dispatches take {bytes} bytes; a buffer of this device at most {most}");
        Err(unsupported(&graph.node(graph.output()).name, reason))
    }

    fn layer(&mut self, chain: &Chain) -> Result<(), BackendError> {
        let model = self.model;
        let node = model.graph().node(chain.head);
        let inputs: Vec<View> = node.inputs.iter().map(|&input| self.view(input)).collect();
        let out = self.view(chain.end);
        let finish = Finish::new(chain.residual.map(|id| self.view(id)), chain.clamp.as_ref(), chain.activation);
        self.constants.enter(&node.name);
        let constants = &mut self.constants;
        let weight = || model.node_parameters(chain.head).get("weight").data();
        let dispatches = match &node.op {
            Op::Conv2d(conv) => {
                let (window, groups) = (conv.window, conv.groups);
                let layer = Convolution { node, window, groups, x: inputs[0], out, finish };
                layer.dispatches(constants, weight(), &chain.affine)?
            }
            Op::Linear(_) => {
                let window = Window::square(1, 1, 0);
                let layer = Convolution { node, window, groups: 1, x: inputs[0], out, finish };
                layer.dispatches(constants, weight(), &chain.affine)?
            }
            Op::BatchNorm(_) | Op::Normalize(_) | Op::Clamp(_) | Op::Activation(_) | Op::Add(_) => {
                layers::pointwise(constants, &inputs, out, &chain.affine, finish)?
            }
            Op::PRelu(_) => vec![layers::leak(constants, weight(), inputs[0], out)?],
            Op::Multiply(_) => vec![layers::product(inputs[0], inputs[1], out, finish)],
            Op::MaxPool(pool) => vec![layers::maximum(pool, inputs[0], out)],
            Op::AvgPool(pool) => vec![layers::average(pool, inputs[0], out)],
            Op::GlobalAvgPool(_) => vec![layers::mean(inputs[0], out)],
            Op::SelectChannels(op) => vec![layers::select(constants, &op.channels, inputs[0], out)?],
            Op::Concat(_) => layers::concat(constants, &inputs, out)?,
            Op::Input(_) | Op::Flatten(_) => unreachable!("neither heads a chain"),
        };
        self.commands.extend(dispatches.into_iter().map(Command::Dispatch));
        Ok(())
    }
}

/// Checks that one image of everything fits the buffers that shaders see.
fn check_sizes(limits: Limits, model: &Model, placement: &Placement, readings: &[Reading]) -> Result<(), BackendError> {
    let bytes = |numbers: usize| (numbers as u64).saturating_mul(4);
    let nodes = model.graph().nodes();
    // A buffer is as large as the largest value in it.
    let values = nodes.iter().zip(&placement.places).enumerate();
    let stored = values.filter(|&(id, (_, place))| place.is_some() || id == model.graph().input());
    let values = stored.map(|(id, (node, _))| (id, "its value", bytes(node.shape.elements())));
    let probes = readings.iter().map(|reading| (reading.node, "a probe at it", bytes(reading.shape.iter().product())));
    match values.chain(probes).find(|&(.., bytes)| bytes > limits.bytes) {
        None => Ok(()),
        Some((id, what, bytes)) => Err(unsupported(&nodes[id].name, too_large(what, bytes, limits))),
    }
}

/// Why something cannot be had on a device.
pub(crate) fn too_large(what: &str, bytes: u64, limits: Limits) -> String {
    format!("{what} takes {bytes} bytes an image; a shader of this device sees at most {} at once", limits.bytes)
}
