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
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Activations that would take more bytes than this are computed anew from further back instead of being held.
const MOST_BYTES_HELD: usize = 1 << 28;

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
            return Ok(Values { base, stretch: None, shape });
        }
        let part = segment(model, &from, node)?;
        let own = part.graph().find(&graph.node(node).name).filter(|&id| id != part.graph().output());
        let probes: Vec<Probe> = own.map(Probe::Value).into_iter().collect();
        let program = self.runner.backend.compile(&part, self.runner.device, &probes).map_err(RunError::from)?;
        let session = program.session().map_err(RunError::from)?;
        Ok(Values { base, stretch: Some((session, part.input_shape())), shape })
    }
}

/// A value for all images, batch by batch.
pub(super) struct Values<'f> {
    base: Base<'f>,
    stretch: Option<(Box<dyn Session>, Shape)>,
    shape: Shape,
}

enum Base<'f> {
    /// Values that enter together.
    Held(Vec<std::slice::Iter<'f, Tensor>>),
    Images(Batches<'f>),
}

impl<'f> Values<'f> {
    fn start(&mut self) -> Option<Result<Cow<'f, Tensor>, RepairError>> {
        match &mut self.base {
            Base::Held(values) => {
                let batches: Vec<&'f Tensor> = values.iter_mut().filter_map(Iterator::next).collect();
                match batches[..] {
                    [] => None,
                    [only] => Some(Ok(Cow::Borrowed(only))),
                    _ => Some(behind_one_another(&batches).map(Cow::Owned)),
                }
            }
            Base::Images(batches) => {
                let batch = batches.next()?;
                let owned = batch.map(|batch| Cow::Owned(batch.images));
                Some(owned.map_err(|error| RunError::Source(error).into()))
            }
        }
    }

    fn forward(&mut self, batch: Cow<'f, Tensor>) -> Result<Cow<'f, Tensor>, RepairError> {
        let Some((session, input)) = &mut self.stretch else { return Ok(batch) };
        let count = batch.shape().first().copied().unwrap_or(0);
        let reshaped = if batch.shape() == input.batched(count) {
            batch
        } else {
            Cow::Owned(batch.into_owned().reshape(input.batched(count))?)
        };
        let mut output = session.run(&reshaped).map_err(RunError::from)?;
        let value = output.probes.pop().unwrap_or(output.logits);
        Ok(Cow::Owned(value.reshape(self.shape.batched(count))?))
    }
}

impl<'f> Iterator for Values<'f> {
    type Item = Result<Cow<'f, Tensor>, RepairError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.start()?;
        Some(batch.and_then(|batch| self.forward(batch)))
    }
}

/// Maps of one extent, `[N, C, H, W]`, with the channels of all.
fn behind_one_another(batches: &[&Tensor]) -> Result<Tensor, RepairError> {
    let [count, _, height, width] = batches[0].shape() else { return Ok(batches[0].clone()) };
    let channels = batches.iter().map(|batch| batch.shape()[1]).sum();
    let rows = (0..*count).flat_map(|n| batches.iter().flat_map(move |batch| batch.row(n)));
    Ok(Tensor::new([*count, channels, *height, *width], rows.copied().collect())?)
}
