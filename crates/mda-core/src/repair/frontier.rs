//! The front of a pass over the layers of a model: activations that later layers start from, so that each layer is computed
//! once.

use super::RepairError;
use super::segment::{bottlenecks, reached, segment};
use crate::graph::{NodeId, ValidGraph};
use crate::model::Model;
use crate::run::backend::{Probe, Session};
use crate::run::{Batches, ImageSource};
use crate::run::{RunError, Runner};
use crate::tensor::Shape;
use crate::tensor::Tensor;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// Activations that would take more bytes than this are computed anew from further back instead of being held.
const MOST_BYTES_HELD: usize = 1 << 28;
/// How many batches are computed at a time: what one thread does between the layers of a batch keeps no other waiting.
const AT_A_TIME: usize = 2;

/// Some values of a model for all images of a set; everything behind them is computed from there.
pub(super) struct Frontier<'a> {
    runner: Runner<'a>,
    images: &'a dyn ImageSource,
    indices: &'a [usize],
    /// Values, batch by batch; the images themselves are read again from their source.
    held: BTreeMap<NodeId, Vec<Tensor>>,
}

impl<'a> Frontier<'a> {
    /// A frontier at the input of a model.
    pub(super) fn new(runner: &Runner<'a>, images: &'a dyn ImageSource, indices: &'a [usize]) -> Self {
        Self { runner: *runner, images, indices, held: BTreeMap::new() }
    }

    /// The images that it is of.
    pub(super) fn indices(&self) -> &'a [usize] {
        self.indices
    }

    /// Holds the value `node`, or, where it is too large, the last bottleneck before it that is not; what nothing needs any more
    /// is dropped. Layers of `model` up to there must not change any more.
    ///
    /// # Errors
    /// [`RepairError`] where running fails.
    pub(super) fn advance(&mut self, model: &Model, node: NodeId) -> Result<(), RepairError> {
        let graph = model.graph();
        if self.held.contains_key(&node) {
            return Ok(());
        }
        let last = self.held.last_key_value().map_or(graph.input(), |(&id, _)| id);
        let further = bottlenecks(graph).into_iter().rev().filter(|&id| id > last && id < node);
        let fits = |&id: &NodeId| id != graph.input() && self.bytes(graph, &self.live(graph, id)) <= MOST_BYTES_HELD;
        let Some(next) = std::iter::once(node).chain(further).find(fits) else { return Ok(()) };
        let live = self.live(graph, next);
        let values = self.values(model, next)?.map(|value| value.map(Cow::into_owned));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        self.held.insert(next, values);
        self.held.retain(|id, _| live.contains(id));
        Ok(())
    }

    /// Holds what several held values join in on their way to `node`, instead of them: the sum of a residual stream instead of
    /// its summands.
    ///
    /// # Errors
    /// As [`Frontier::advance`].
    pub(super) fn join(&mut self, model: &Model, node: NodeId) -> Result<(), RepairError> {
        let joined = reached(model.graph(), node, |id| self.held.contains_key(&id));
        if joined.len() > 1 { self.advance(model, node) } else { Ok(()) }
    }

    /// What later values are computed from once `next` is held.
    fn live(&self, graph: &ValidGraph, next: NodeId) -> Vec<NodeId> {
        reached(graph, graph.output(), |id| id == next || self.held.contains_key(&id))
    }

    fn bytes(&self, graph: &ValidGraph, nodes: &[NodeId]) -> usize {
        let bytes = |&id: &NodeId| graph.node(id).shape.elements().saturating_mul(4 * self.indices.len());
        nodes.iter().filter(|&&id| id != graph.input()).map(bytes).fold(0, usize::saturating_add)
    }

    /// The held values, or the input, that value `node` can be computed from.
    fn base(&self, graph: &ValidGraph, node: NodeId) -> Vec<NodeId> {
        let nearest = reached(graph, node, |id| self.held.contains_key(&id));
        let extent = |id: NodeId| match graph.node(id).shape {
            Shape::Map { height, width, .. } if self.held.contains_key(&id) => Some([height, width]),
            _ => None,
        };
        let first = nearest.first().and_then(|&id| extent(id));
        if nearest.len() == 1 || (first.is_some() && nearest.iter().all(|&id| extent(id) == first)) {
            return nearest;
        }
        let alone = |id: &NodeId| *id <= node && reached(graph, node, |at| at == *id) == [*id];
        vec![self.held.keys().rev().copied().find(alone).unwrap_or(graph.input())]
    }

    /// The value `node`, held or not, batch by batch, `[N, C, H, W]` or `[N, F]`.
    ///
    /// # Errors
    /// [`RepairError`] where the backend refuses the stretch.
    pub(super) fn values(&self, model: &Model, node: NodeId) -> Result<Values<'_>, RepairError> {
        let graph = model.graph();
        let from = self.base(graph, node);
        let held: Vec<_> = from.iter().filter_map(|id| self.held.get(id)).map(|batches| batches.iter()).collect();
        let base = match held.is_empty() {
            true => Base::Images(self.images.batches(self.indices, self.runner.batch_size)),
            false => Base::Held(held),
        };
        let shape = graph.node(node).shape;
        if from == [node] {
            return Ok(Values { base, stretch: None, ready: VecDeque::new() });
        }
        let part = segment(model, &from, node)?;
        let own = part.graph().find(&graph.node(node).name).filter(|&id| id != part.graph().output());
        let probes: Vec<Probe> = own.map(Probe::Value).into_iter().collect();
        let program = self.runner.backend.compile(&part, self.runner.device, &probes).map_err(RunError::from)?;
        let sessions = (0..AT_A_TIME).map(|_| program.session()).collect::<Result<_, _>>().map_err(RunError::from)?;
        Ok(Values {
            base,
            stretch: Some(Stretch { sessions, input: part.input_shape(), output: shape }),
            ready: VecDeque::new(),
        })
    }
}

/// A value for all images, batch by batch.
pub(super) struct Values<'f> {
    base: Base<'f>,
    /// What computes it; none where it is held.
    stretch: Option<Stretch>,
    ready: VecDeque<Result<Cow<'f, Tensor>, RepairError>>,
}

enum Base<'f> {
    /// Values that enter together.
    Held(Vec<std::slice::Iter<'f, Tensor>>),
    Images(Batches<'f>),
}

/// A part of a model that runs several batches at a time.
struct Stretch {
    sessions: Vec<Box<dyn Session>>,
    input: Shape,
    output: Shape,
}

/// A batch on its way in: one value, or several that enter together.
enum Start<'f> {
    Held(Vec<&'f Tensor>),
    Images(Tensor),
}

impl<'f> Base<'f> {
    fn next(&mut self) -> Option<Result<Start<'f>, RepairError>> {
        match self {
            Self::Held(values) => {
                let batches: Vec<&'f Tensor> = values.iter_mut().filter_map(Iterator::next).collect();
                (!batches.is_empty()).then_some(Ok(Start::Held(batches)))
            }
            Self::Images(batches) => {
                let batch = batches.next()?;
                Some(batch.map(|batch| Start::Images(batch.images)).map_err(|error| RunError::Source(error).into()))
            }
        }
    }
}

impl<'f> Start<'f> {
    fn value(self) -> Result<Cow<'f, Tensor>, RepairError> {
        match self {
            Self::Images(images) => Ok(Cow::Owned(images)),
            Self::Held(values) => match values[..] {
                [only] => Ok(Cow::Borrowed(only)),
                _ => behind_one_another(&values).map(Cow::Owned),
            },
        }
    }
}

impl Stretch {
    fn run(session: &mut dyn Session, [input, output]: [Shape; 2], start: Start<'_>) -> Result<Tensor, RepairError> {
        let batch = start.value()?;
        let count = batch.shape().first().copied().unwrap_or(0);
        let batch = if batch.shape() == input.batched(count) {
            batch
        } else {
            Cow::Owned(batch.into_owned().reshape(input.batched(count))?)
        };
        let mut answer = session.run(&batch).map_err(RunError::from)?;
        Ok(answer.probes.pop().unwrap_or(answer.logits).reshape(output.batched(count))?)
    }
}

impl<'f> Iterator for Values<'f> {
    type Item = Result<Cow<'f, Tensor>, RepairError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(Stretch { sessions, input, output }) = &mut self.stretch else {
            return self.base.next().map(|start| start.and_then(Start::value));
        };
        if self.ready.is_empty() {
            let base = &mut self.base;
            let starts: Vec<_> = std::iter::from_fn(|| base.next()).take(sessions.len()).collect();
            let run = |(start, session): (Result<Start<'f>, RepairError>, &mut Box<dyn Session>)| {
                Stretch::run(&mut **session, [*input, *output], start?).map(Cow::Owned)
            };
            let values: Vec<_> = starts.into_par_iter().zip(sessions).map(run).collect();
            self.ready.extend(values);
        }
        self.ready.pop_front()
    }
}

/// Maps of one extent, `[N, C, H, W]`, with the channels of all.
fn behind_one_another(batches: &[&Tensor]) -> Result<Tensor, RepairError> {
    let [count, _, height, width] = batches[0].shape() else { return Ok(batches[0].clone()) };
    let channels = batches.iter().map(|batch| batch.shape()[1]).sum();
    let mut rows = Vec::with_capacity(batches.iter().map(|batch| batch.data().len()).sum());
    for n in 0..*count {
        batches.iter().for_each(|batch| rows.extend_from_slice(batch.row(n)));
    }
    Ok(Tensor::new([*count, channels, *height, *width], rows)?)
}
