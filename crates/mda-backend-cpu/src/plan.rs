//! The plan of a model: its steps with packed weights, and where every value lives.

use crate::buffer::{Buffer, Workspace};
use crate::kernel::Simd;
use crate::layer::{
    Depthwise, Epilogue, Finish, Gemm, Winograd, add, average, concat, global_average, maximum, normalize, select,
};
use crate::maps::{Maps, MapsMut};
use crate::observe::Observation;
use mda_core::Model;
use mda_core::graph::NodeId;
use mda_core::op::{AvgPool, Conv2d, MaxPool, Op, Window};
use mda_core::run::backend::Unsupported;
use mda_core::run::backend::fusion;
use mda_core::run::backend::fusion::Chain;
use mda_core::run::backend::placement;
use mda_core::run::backend::placement::{Place, Placement};
use mda_core::tensor::Shape;

/// Bytes of buffers that a session aims to stay within, by running a large batch in several parts.
const SESSION_BYTES: usize = 96 << 20;
/// Bytes of the values of one image beyond which a model is refused: the largest value that a graph may have takes them alone.
const IMAGE_BYTES: usize = 8 << 30;
/// Images in a part, at most: enough for wide matrix products in layers of few positions.
const PART: usize = 64;

/// A model, ready to run.
pub(crate) struct Plan<S> {
    simd: S,
    steps: Vec<Step<S>>,
    /// Where every node's value lives; `None` for the graph's input.
    places: Vec<Option<Place>>,
    /// Numbers that each buffer needs for one image.
    slots: Vec<usize>,
    shapes: Vec<Shape>,
    /// What is read off the graph's input.
    seen_at_input: Vec<usize>,
    observations: Vec<Observation>,
    output: NodeId,
    input: Shape,
}

/// Some nodes that are computed together.
struct Step<S> {
    layer: Layer<S>,
    inputs: Vec<NodeId>,
    residual: Option<NodeId>,
    epilogue: Epilogue,
    output: NodeId,
    /// What is read off its value.
    seen: Vec<usize>,
}

enum Layer<S> {
    Gemm(Gemm<S>),
    Winograd(Winograd<S>),
    Depthwise(Depthwise<S>),
    Normalize(Vec<f32>),
    Maximum(MaxPool),
    Average(AvgPool),
    GlobalAverage,
    Add,
    Concat(Vec<(usize, NodeId)>),
    Select(Vec<Option<usize>>),
}

/// The memory of one session.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    slots: Vec<Buffer>,
    workspace: Workspace,
}

impl<S: Simd> Plan<S> {
    /// Plans `model` so that everything in `observations` can be observed.
    ///
    /// # Errors
    /// The node with the largest value, where one image's values take more than a session may.
    pub(crate) fn new(simd: S, model: &Model, observations: Vec<Observation>) -> Result<Self, Unsupported> {
        let graph = model.graph();
        let mut observed = vec![false; graph.nodes().len()];
        observations.iter().for_each(|observation| observed[observation.value] = true);
        let chains = fusion::chains(model, &observed);
        let Placement { places, slots } = placement::place(model, &chains);
        check_size(model, &places, &slots)?;
        let seen = |value: NodeId| {
            let at = |(_, observation): &(usize, &Observation)| placement::root(model, observation.value) == value;
            observations.iter().enumerate().filter(at).map(|(index, _)| index).collect()
        };
        let step = |chain: &Chain| Step {
            layer: layer(simd, model, chain, &places),
            inputs: graph.node(chain.head).inputs.clone(),
            residual: chain.residual,
            epilogue: Epilogue::new(
                chain.affine.iter().map(|&(_, shift)| shift as f32).collect(),
                chain.clamp.as_ref(),
            ),
            output: chain.end,
            seen: seen(chain.end),
        };
        Ok(Self {
            simd,
            steps: chains.iter().map(step).collect(),
            slots,
            shapes: graph.nodes().iter().map(|node| node.shape).collect(),
            seen_at_input: seen(graph.input()),
            output: graph.output(),
            input: model.input_shape(),
            places,
            observations,
        })
    }

    /// What is observed, in the order of the probes.
    pub(crate) fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// Images in each part of a batch of `count`; the parts are as equal as they can be.
    pub(crate) fn part(&self, count: usize) -> usize {
        let image = self.slots.iter().sum::<usize>().max(1) * size_of::<f32>();
        let most = (SESSION_BYTES / image).clamp(1, PART);
        count.div_ceil(count.div_ceil(most))
    }

    /// Runs `images` images. Writes their logits to `logits`, `[images, K]`, and every observation's answers to its slice
    /// of `answers`.
    pub(crate) fn run(
        &self,
        memory: &mut Memory,
        input: &[f32],
        images: usize,
        logits: &mut [f32],
        answers: &mut [&mut [f32]],
    ) {
        memory.slots.resize_with(self.slots.len(), Buffer::default);
        for (slot, size) in memory.slots.iter_mut().zip(&self.slots) {
            slot.reserve(size * images);
        }
        let input = Maps::new(input, images, self.input.elements(), self.input);
        self.observe(&self.seen_at_input, &memory.slots, input, answers);
        for step in &self.steps {
            let Some(place) = self.places[step.output] else { continue };
            let mut written = std::mem::take(&mut memory.slots[place.slot]);
            let shape = self.shapes[step.output];
            let output = MapsMut::new(&mut written[place.offset..], images, place.stride, shape);
            self.step(step, &memory.slots, &mut memory.workspace, input, output);
            memory.slots[place.slot] = written;
            self.observe(&step.seen, &memory.slots, input, answers);
        }
        let value = self.value(&memory.slots, input, self.output);
        logits.chunks_exact_mut(value.shape().elements()).enumerate().for_each(|(n, row)| {
            row.copy_from_slice(value.image(n));
        });
    }

    fn observe(&self, seen: &[usize], slots: &[Buffer], input: Maps<'_>, answers: &mut [&mut [f32]]) {
        for &index in seen {
            let observation = &self.observations[index];
            observation.take(self.simd, self.value(slots, input, observation.value), answers[index]);
        }
    }

    fn value<'a>(&self, slots: &'a [Buffer], input: Maps<'a>, id: NodeId) -> Maps<'a> {
        let (shape, images) = (self.shapes[id], input.images());
        match self.places[id] {
            Some(place) => Maps::new(&slots[place.slot][place.offset..], images, place.stride, shape),
            None => Maps::new(input.data(), images, input.stride(), shape),
        }
    }

    fn step(&self, step: &Step<S>, slots: &[Buffer], workspace: &mut Workspace, input: Maps<'_>, output: MapsMut<'_>) {
        let value = |id: NodeId| self.value(slots, input, id);
        let first = || value(step.inputs[0]);
        let finish = Finish { epilogue: &step.epilogue, residual: step.residual.map(value) };
        match &step.layer {
            Layer::Gemm(gemm) => gemm.run(first(), output, &finish, &workspace.scratch),
            Layer::Winograd(winograd) => winograd.run(first(), output, &finish, workspace),
            Layer::Depthwise(depthwise) => depthwise.run(first(), output, &finish),
            Layer::Normalize(scale) => normalize(self.simd, scale, first(), output, &finish),
            Layer::Maximum(pool) => maximum(self.simd, pool, first(), output),
            Layer::Average(pool) => average(self.simd, pool, first(), output),
            Layer::GlobalAverage => global_average(self.simd, first(), output),
            Layer::Add => {
                let inputs: Vec<Maps<'_>> = step.inputs.iter().map(|&id| value(id)).collect();
                add(self.simd, &inputs, output, step.epilogue.bounds);
            }
            Layer::Concat(elsewhere) => {
                let inputs: Vec<_> = elsewhere.iter().map(|&(channel, id)| (channel, value(id))).collect();
                concat(&inputs, output);
            }
            Layer::Select(channels) => select(channels, first(), output),
        }
    }
}

/// Checks that one image's values stay within what a session may hold.
fn check_size(model: &Model, places: &[Option<Place>], slots: &[usize]) -> Result<(), Unsupported> {
    let bytes = |numbers: usize| numbers.saturating_mul(size_of::<f32>());
    let all = bytes(slots.iter().fold(0usize, |sum, &numbers| sum.saturating_add(numbers)));
    if all <= IMAGE_BYTES {
        return Ok(());
    }
    let stored = model.graph().nodes().iter().zip(places).filter(|(_, place)| place.is_some());
    let largest = stored.map(|(node, _)| node).max_by_key(|node| node.shape.elements());
    let node = largest.map(|node| node.name.clone()).unwrap_or_default();
    let own = bytes(largest.map_or(0, |node| node.shape.elements()));
    let reason =
        format!("its value takes {own} bytes an image, all that stand at once {all}; at most {IMAGE_BYTES} may");
    Err(Unsupported { node, reason })
}

fn layer<S: Simd>(simd: S, model: &Model, chain: &Chain, places: &[Option<Place>]) -> Layer<S> {
    let graph = model.graph();
    let node = graph.node(chain.head);
    let scale: Vec<f64> = chain.affine.iter().map(|&(scale, _)| scale).collect();
    let weight = || model.node_parameters(chain.head).get("weight");
    let input = node.inputs.first().map_or(node.shape, |&input| graph.node(input).shape);
    let extents = [input.spatial(), node.shape.spatial()];
    match &node.op {
        Op::Conv2d(Conv2d { window, groups, .. }) => {
            let channels = [input, node.shape].map(Shape::channels);
            if *groups > 1 && *groups == channels[0] {
                Layer::Depthwise(Depthwise::new(simd, *window, channels[0], weight(), &scale))
            } else if Winograd::<S>::suits(window, *groups, channels) {
                Layer::Winograd(Winograd::new(simd, window.padding, extents, weight(), &scale))
            } else {
                Layer::Gemm(Gemm::new(simd, *window, *groups, extents, weight(), &scale))
            }
        }
        Op::Linear(_) => Layer::Gemm(Gemm::new(simd, Window::square(1, 1, 0), 1, extents, weight(), &scale)),
        Op::BatchNorm(_) | Op::Normalize(_) | Op::Clamp(_) => {
            Layer::Normalize(scale.iter().map(|&scale| scale as f32).collect())
        }
        Op::MaxPool(pool) => Layer::Maximum(pool.clone()),
        Op::AvgPool(pool) => Layer::Average(pool.clone()),
        Op::GlobalAvgPool(_) => Layer::GlobalAverage,
        Op::Add(_) => Layer::Add,
        Op::SelectChannels(op) => Layer::Select(op.channels.clone()),
        Op::Concat(_) => {
            let mut elsewhere = Vec::new();
            let mut first = 0;
            for &id in &node.inputs {
                let shape = graph.node(id).shape;
                let here =
                    places[chain.head].map(|own| Place { offset: own.offset + first * shape.positions(), ..own });
                if places[id] != here {
                    elsewhere.push((first, id));
                }
                first += shape.channels();
            }
            Layer::Concat(elsewhere)
        }
        Op::Input(_) | Op::Flatten(_) => unreachable!("neither heads a chain"),
    }
}
