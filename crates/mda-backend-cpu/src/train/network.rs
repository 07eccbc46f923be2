//! A model as it is trained: its steps with packed weights, and where each step's derivatives go.

use super::affine::Affine;
use super::input_gradient::{InputGradient, sees_input};
use super::spread::Spread;
use crate::kernel::Simd;
use crate::layer::{Convolution, Epilogue};
use mda_core::graph::NodeId;
use mda_core::op::{ActivationKind, AvgPool, MaxPool, Op, Window};
use mda_core::run::backend::fusion::{Chain, chains};
use mda_core::run::backend::placement::root;
use mda_core::run::backend::{TrainedNumbers, Unsupported};
use mda_core::tensor::Shape;
use mda_core::{Model, Tensor};
use rayon::prelude::*;
use std::ops::Range;

/// A model, ready to be trained.
pub(super) struct Network<S> {
    pub(super) simd: S,
    pub(super) steps: Vec<Step<S>>,
    pub(super) shapes: Vec<Shape>,
    /// For every value, the node that computes its numbers: Flatten is another name.
    pub(super) roots: Vec<NodeId>,
    pub(super) input: NodeId,
    pub(super) output: NodeId,
    /// Raw derivatives of one part of a batch: by folded weights and shifts.
    pub(super) raw: usize,
}

/// Some nodes that are computed together; their value is the last one's.
pub(super) struct Step<S> {
    pub(super) kind: Kind<S>,
    /// What is read.
    pub(super) inputs: Vec<NodeId>,
    /// For each input, whether anything trained comes before it.
    pub(super) wanted: Vec<bool>,
    pub(super) residual: Option<(NodeId, bool)>,
    pub(super) epilogue: Epilogue,
    pub(super) value: NodeId,
    pub(super) affine: Affine,
    /// Scales and shifts of all links together.
    pub(super) folded: Vec<(f64, f64)>,
    /// Where the derivatives by the shifts go; empty where nothing is shifted by anything trained.
    pub(super) sums: Range<usize>,
    /// Where those by the folded weights, or by the scales of what has none, go.
    pub(super) products: Range<usize>,
}

pub(super) enum Kind<S> {
    Layer(Box<TrainedLayer<S>>),
    Scale,
    Bend(ActivationKind),
    Leak { trained: Range<usize>, slopes: Vec<f32> },
    Maximum(MaxPool),
    Average(AvgPool),
    GlobalAverage,
    Add,
    Multiply,
    Concat,
    Select(Vec<Option<usize>>),
}

/// A convolution or linear layer.
pub(super) struct TrainedLayer<S> {
    pub(super) forward: Convolution<S>,
    /// `None` where nothing trained comes before it, or where it sees nothing of that.
    pub(super) backward: Option<InputGradient<S>>,
    pub(super) spread: Spread,
    /// Where its weights stand among the trained numbers.
    pub(super) trained: Range<usize>,
}

/// What the steps are made of.
struct Maker<'a, S> {
    simd: S,
    model: &'a Model,
    trained: &'a TrainedNumbers,
    /// For every value, whether it depends on anything trained.
    depends: Vec<bool>,
    raw: usize,
}

impl<S: Simd> Network<S> {
    /// Plans the training of `model`.
    ///
    /// # Errors
    /// The nodes that cannot be trained.
    pub(super) fn new(simd: S, model: &Model, trained: &TrainedNumbers) -> Result<Self, Vec<Unsupported>> {
        let graph = model.graph();
        // The derivative of an activation needs what went into it.
        let mut observed = vec![false; graph.nodes().len()];
        let bent = graph.nodes().iter().filter(|node| matches!(node.op, Op::Activation(_)));
        bent.for_each(|node| observed[node.inputs[0]] = true);
        let depends = vec![false; graph.nodes().len()];
        let mut maker = Maker { simd, model, trained, depends, raw: 0 };
        let (mut steps, mut refused) = (Vec::new(), Vec::new());
        for chain in chains(model, &observed) {
            match maker.step(&chain) {
                Ok(step) => steps.push(step),
                Err(node) => refused.push(node),
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        let shapes = graph.nodes().iter().map(|node| node.shape).collect();
        let roots = (0..graph.nodes().len()).map(|id| root(model, id)).collect();
        Ok(Self { simd, steps, shapes, roots, input: graph.input(), output: graph.output(), raw: maker.raw })
    }

    /// Takes other numbers.
    pub(super) fn set(&mut self, numbers: &[f32]) {
        self.steps.par_iter_mut().for_each(|step| {
            step.folded = step.affine.composed(numbers);
            let shifts = step.epilogue.shift.iter_mut().zip(&step.folded);
            shifts.for_each(|(to, &(_, shift))| *to = shift as f32);
            match &mut step.kind {
                Kind::Layer(layer) => {
                    let weight = &numbers[layer.trained.clone()];
                    let scales: Vec<f64> = step.folded.iter().map(|&(scale, _)| scale).collect();
                    layer.forward.pack(weight, &scales);
                    layer.backward.iter_mut().for_each(|backward| backward.pack(weight, &step.folded));
                }
                Kind::Leak { trained, slopes } => slopes.copy_from_slice(&numbers[trained.clone()]),
                _ => {}
            }
        });
    }

    /// The derivatives by the trained numbers, which are `numbers`, from the raw ones.
    pub(super) fn unfold(&self, numbers: &[f32], raw: &[f32], gradient: &mut [f32]) {
        for step in &self.steps {
            let (sums, products) = (&raw[step.sums.clone()], &raw[step.products.clone()]);
            match &step.kind {
                Kind::Layer(layer) => {
                    let weight = &numbers[layer.trained.clone()];
                    let filter = weight.len() / step.folded.len();
                    if !sums.is_empty() {
                        // What the layer computes is linear in its weights: no value of it is needed.
                        let rows = weight.chunks_exact(filter).zip(products.chunks_exact(filter));
                        let product = |(w, d): (&[f32], &[f32])| {
                            w.iter().zip(d).map(|(&w, &d)| f64::from(w) * f64::from(d)).sum::<f64>()
                        };
                        step.affine.unfold(numbers, sums, &rows.map(product).collect::<Vec<_>>(), gradient);
                    }
                    let to = gradient[layer.trained.clone()].chunks_exact_mut(filter);
                    for ((to, from), &(scale, _)) in to.zip(products.chunks_exact(filter)).zip(&step.folded) {
                        to.iter_mut().zip(from).for_each(|(to, &d)| *to = (f64::from(d) * scale) as f32);
                    }
                }
                Kind::Leak { trained, .. } => gradient[trained.clone()].copy_from_slice(products),
                _ if !sums.is_empty() => {
                    let products: Vec<f64> = products.iter().map(|&product| f64::from(product)).collect();
                    step.affine.unfold(numbers, sums, &products, gradient);
                }
                _ => {}
            }
        }
    }
}

impl<S: Simd> Maker<'_, S> {
    fn take(&mut self, count: usize) -> Range<usize> {
        self.raw += count;
        self.raw - count..self.raw
    }

    fn step(&mut self, chain: &Chain) -> Result<Step<S>, Unsupported> {
        let model = self.model;
        let graph = model.graph();
        let node = graph.node(chain.head);
        let inputs = node.inputs.clone();
        let depends = |id: NodeId| self.depends[root(model, id)];
        let wanted: Vec<bool> = inputs.iter().map(|&input| depends(input)).collect();
        let residual = chain.residual.map(|id| (id, depends(id)));
        let affine = Affine::new(model, &self.path(chain), self.trained);
        let kind = self.kind(chain.head, wanted.first().copied().unwrap_or(false))?;
        let channels = node.shape.channels();
        let (sums, products) = match &kind {
            Kind::Layer(layer) => {
                let sums = if affine.is_trained() { channels } else { 0 };
                (self.take(sums), self.take(layer.trained.len()))
            }
            Kind::Leak { .. } => (self.take(0), self.take(channels)),
            Kind::Scale if affine.is_trained() => (self.take(channels), self.take(channels)),
            _ => (self.take(0), self.take(0)),
        };
        let trained = !products.is_empty();
        self.depends[chain.end] = trained || wanted.contains(&true) || residual.is_some_and(|(_, depends)| depends);
        let epilogue = Epilogue::new(vec![0.0; channels], chain.clamp.as_ref(), None);
        let folded = vec![(1.0, 0.0); channels];
        Ok(Step { kind, inputs, wanted, residual, epilogue, value: chain.end, affine, folded, sums, products })
    }

    /// The nodes of a chain, from its head on.
    fn path(&self, chain: &Chain) -> Vec<NodeId> {
        let mut path = vec![chain.end];
        let mut id = chain.end;
        while id != chain.head {
            let inputs = &self.model.graph().node(id).inputs;
            // A sum has the chain and what is added; a chain's value has one reader, so they differ.
            let own = inputs.iter().copied().find(|&input| input >= chain.head && Some(input) != chain.residual);
            id = own.unwrap_or(chain.head);
            path.push(id);
        }
        path.reverse();
        path
    }

    fn kind(&self, head: NodeId, wanted: bool) -> Result<Kind<S>, Unsupported> {
        let graph = self.model.graph();
        let node = graph.node(head);
        Ok(match &node.op {
            Op::Conv2d(conv) => self.layer(head, conv.window, conv.groups, wanted)?,
            Op::Linear(_) => self.layer(head, Window::square(1, 1, 0), 1, wanted)?,
            Op::BatchNorm(_) | Op::Normalize(_) | Op::Clamp(_) => Kind::Scale,
            Op::Activation(op) => Kind::Bend(op.kind),
            Op::PRelu(_) => {
                let trained = self.trained.range(head, "weight").unwrap_or_default();
                Kind::Leak { slopes: vec![0.0; trained.len()], trained }
            }
            Op::MaxPool(pool) => Kind::Maximum(pool.clone()),
            Op::AvgPool(pool) => Kind::Average(pool.clone()),
            Op::GlobalAvgPool(_) => Kind::GlobalAverage,
            Op::Add(_) => Kind::Add,
            Op::Multiply(_) => Kind::Multiply,
            Op::Concat(_) => Kind::Concat,
            Op::SelectChannels(op) => Kind::Select(op.channels.clone()),
            Op::Input(_) | Op::Flatten(_) => unreachable!("neither heads a chain"),
        })
    }

    fn layer(&self, head: NodeId, window: Window, groups: usize, wanted: bool) -> Result<Kind<S>, Unsupported> {
        let graph = self.model.graph();
        let node = graph.node(head);
        let extents = [graph.node(node.inputs[0]).shape.spatial(), node.shape.spatial()];
        let trained = self.trained.range(head, "weight").unwrap_or_default();
        let shape = self.model.node_parameters(head).get("weight").shape().to_vec();
        let (simd, sizes) = (self.simd, [shape[0], shape[1]]);
        let refused = || Unsupported { node: node.name.clone(), reason: "its padding is too large to train it".into() };
        let backward = match wanted && sees_input(&window, extents) {
            true => Some(InputGradient::new(simd, &window, groups, extents, sizes).ok_or_else(refused)?),
            false => None,
        };
        let spread =
            Spread::new(&window, extents, S::LANES, groups, [sizes[0] / groups, sizes[1]]).ok_or_else(refused)?;
        let forward = Convolution::new(simd, window, groups, extents, &Tensor::zeros(shape), &vec![1.0; sizes[0]]);
        Ok(Kind::Layer(Box::new(TrainedLayer { forward, backward, spread, trained })))
    }
}
