//! The front of a pass over the layers of a model: activations that later layers start from.

use super::RepairError;
use super::segment::{bottlenecks, segment};
use crate::graph::NodeId;
use crate::model::Model;
use crate::run::backend::Session;
use crate::run::{Batches, ImageSource};
use crate::run::{RunError, Runner};
use crate::tensor::Shape;
use crate::tensor::Tensor;
use std::borrow::Cow;

/// Activations that would take more bytes than this are computed anew from further back instead of being held.
const MOST_BYTES_HELD: usize = 1 << 28;

/// One value of a model for all images of a set; everything behind it is computed from there.
pub(super) struct Frontier<'a> {
    runner: Runner<'a>,
    images: &'a dyn ImageSource,
    indices: &'a [usize],
    at: NodeId,
    /// The value `at`, batch by batch; the images themselves are read again from their source.
    held: Option<Vec<Tensor>>,
}

impl<'a> Frontier<'a> {
    /// A frontier at the input of `model`.
    pub(super) fn new(runner: &Runner<'a>, model: &Model, images: &'a dyn ImageSource, indices: &'a [usize]) -> Self {
        Self { runner: *runner, images, indices, at: model.graph().input(), held: None }
    }

    /// Moves to the last bottleneck up to `node` that can be held. Layers of `model` up to there must not change any more.
    ///
    /// # Errors
    /// [`RepairError`] where running fails.
    pub(super) fn advance(&mut self, model: &Model, node: NodeId) -> Result<(), RepairError> {
        let graph = model.graph();
        let fits = |&id: &NodeId| {
            let bytes = graph.node(id).shape.elements().checked_mul(4 * self.indices.len());
            bytes.is_some_and(|bytes| bytes <= MOST_BYTES_HELD)
        };
        let ahead = |id: &NodeId| *id > self.at && *id <= node && fits(id);
        if let Some(next) = bottlenecks(graph).into_iter().rfind(ahead) {
            let values = self.values(model, next)?.map(|value| value.map(Cow::into_owned));
            let held = values.collect::<Result<Vec<_>, _>>()?;
            (self.at, self.held) = (next, Some(held));
        }
        Ok(())
    }

    /// The value `node`, at the frontier or behind it, batch by batch, `[N, C, H, W]` or `[N, F]`.
    ///
    /// # Errors
    /// [`RepairError`] where the backend refuses the stretch.
    pub(super) fn values(&self, model: &Model, node: NodeId) -> Result<Values<'_>, RepairError> {
        let base = match &self.held {
            Some(batches) => Base::Held(batches.iter()),
            None => Base::Images(self.images.batches(self.indices, self.runner.batch_size)),
        };
        let shape = model.graph().node(node).shape;
        if node == self.at {
            return Ok(Values { base, stretch: None, shape });
        }
        let part = segment(model, self.at, node)?;
        let program = self.runner.backend.compile(&part, self.runner.device, &[]).map_err(RunError::from)?;
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
    Held(std::slice::Iter<'f, Tensor>),
    Images(Batches<'f>),
}

impl<'f> Values<'f> {
    fn start(&mut self) -> Option<Result<Cow<'f, Tensor>, RepairError>> {
        match &mut self.base {
            Base::Held(batches) => batches.next().map(|batch| Ok(Cow::Borrowed(batch))),
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
        let output = session.run(&reshaped).map_err(RunError::from)?;
        Ok(Cow::Owned(output.logits.reshape(self.shape.batched(count))?))
    }
}

impl<'f> Iterator for Values<'f> {
    type Item = Result<Cow<'f, Tensor>, RepairError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.start()?;
        Some(batch.and_then(|batch| self.forward(batch)))
    }
}
