//! The plan of a model: its steps with packed weights, and where every value lives.

use crate::kernel::Simd;
use crate::layer::{Convolution, Epilogue};
use crate::observe::Observation;
use crate::stretches::stretches;
use mda_core::Model;
use mda_core::graph::NodeId;
use mda_core::op::{AvgPool, Conv2d, MaxPool, Op, Window};
use mda_core::run::backend::Unsupported;
use mda_core::run::backend::fusion;
use mda_core::run::backend::fusion::Chain;
use mda_core::run::backend::placement;
use mda_core::run::backend::placement::{Place, Placement};
use mda_core::tensor::Shape;
use std::ops::Range;

/// Bytes of buffers that a session aims to stay within, by running a large batch in several shares.
const SESSION_BYTES: usize = 96 << 20;
/// Bytes of the values of one image beyond which a model is refused: the largest value that a graph may have takes them alone.
const IMAGE_BYTES: usize = 8 << 30;
/// Images in a share, at most: enough for wide matrix products in layers of few positions.
const SHARE: usize = 64;

/// A model, ready to run.
pub(crate) struct Plan<S> {
    pub(crate) simd: S,
    pub(crate) steps: Vec<Step<S>>,
    pub(crate) stretches: Vec<Stretch>,
    /// Where every node's value lives; `None` for the graph's input.
    pub(crate) places: Vec<Option<Place>>,
    /// Numbers that each buffer needs for one image.
    pub(crate) slots: Vec<usize>,
    /// The stretch that alone uses a buffer; `None` where values in it outlive one.
    pub(crate) owners: Vec<Option<usize>>,
    pub(crate) shapes: Vec<Shape>,
    /// What is read off the graph's input.
    pub(crate) seen_at_input: Vec<usize>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) output: NodeId,
    pub(crate) input: Shape,
}

/// Some nodes that are computed together.
pub(crate) struct Step<S> {
    pub(crate) layer: Layer<S>,
    pub(crate) inputs: Vec<NodeId>,
    pub(crate) residual: Option<NodeId>,
    pub(crate) epilogue: Epilogue,
    pub(crate) output: NodeId,
    /// What is read off its value.
    pub(crate) seen: Vec<usize>,
}

/// Neighbouring steps that take equally many images together.
pub(crate) struct Stretch {
    pub(crate) steps: Range<usize>,
    /// How many; `None` is all of them.
    pub(crate) together: Option<usize>,
    /// The buffers that only this stretch uses.
    pub(crate) slots: Vec<usize>,
}

pub(crate) enum Layer<S> {
    Convolution(Box<Convolution<S>>),
    Normalize(Vec<f32>),
    PRelu(Vec<f32>),
    Maximum(MaxPool),
    Average(AvgPool),
    GlobalAverage,
    Add,
    Multiply,
    Concat(Vec<(usize, NodeId)>),
    Select(Vec<Option<usize>>),
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
        let (of_chain, together) = stretches(model, &chains);
        let Placement { places, slots, owners } = placement::place_in_stretches(model, &chains, &of_chain);
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
                chain.activation,
            ),
            output: chain.end,
            seen: seen(chain.end),
        };
        let stretch = |(index, &together): (usize, &Option<usize>)| Stretch {
            steps: of_chain.partition_point(|&of| of < index)..of_chain.partition_point(|&of| of <= index),
            together,
            slots: (0..slots.len()).filter(|&slot| owners[slot] == Some(index)).collect(),
        };
        Ok(Self {
            simd,
            steps: chains.iter().map(step).collect(),
            stretches: together.iter().enumerate().map(stretch).collect(),
            slots,
            owners,
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

    /// Images of a batch of `count` that a session takes at a time: as equally many as they can be.
    pub(crate) fn share(&self, count: usize) -> usize {
        let size = |of: Option<usize>| {
            let owned = self.slots.iter().zip(&self.owners).filter(|&(_, &owner)| owner == of);
            owned.map(|(size, _)| size).sum::<usize>()
        };
        let all = self.stretches.iter().enumerate().filter(|(_, stretch)| stretch.together.is_none());
        let largest = all.map(|(index, _)| size(Some(index))).max().unwrap_or(0);
        let image = (size(None) + largest).max(1) * size_of::<f32>();
        let most = (SESSION_BYTES / image).clamp(1, SHARE);
        count.div_ceil(count.div_ceil(most))
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
            Layer::Convolution(Box::new(Convolution::new(simd, *window, *groups, extents, weight(), &scale)))
        }
        Op::Linear(_) => {
            Layer::Convolution(Box::new(Convolution::new(simd, Window::square(1, 1, 0), 1, extents, weight(), &scale)))
        }
        Op::BatchNorm(_) | Op::Normalize(_) | Op::Clamp(_) | Op::Activation(_) => {
            Layer::Normalize(scale.iter().map(|&scale| scale as f32).collect())
        }
        Op::PRelu(_) => Layer::PRelu(weight().data().to_vec()),
        Op::MaxPool(pool) => Layer::Maximum(pool.clone()),
        Op::AvgPool(pool) => Layer::Average(pool.clone()),
        Op::GlobalAvgPool(_) => Layer::GlobalAverage,
        Op::Add(_) => Layer::Add,
        Op::Multiply(_) => Layer::Multiply,
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
