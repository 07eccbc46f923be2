//! What a backend that trains is: it answers the derivative of a loss by every trained number of a model.
//!
//! Trained are the weights and biases of layers, the scales and shifts of BatchNorm, and slopes. Statistics of BatchNorm are fixed: a
//! batch is computed as when the model runs, so images do not depend on their neighbours and a batch may be cut into parts.

use super::BackendError;
use crate::graph::{GraphErrors, NodeId, ValidGraph};
use crate::model::Model;
use crate::tensor::Tensor;
use std::ops::Range;

/// The loss of some images of a batch, which are named by their places in it, from their logits, `[N, K]`: its sum over these images,
/// and its derivative by every logit.
pub type Loss<'a> = dyn Fn(Range<usize>, &Tensor) -> (f64, Tensor) + Sync + 'a;

/// Derivatives of a model's loss; one thread at a time.
pub trait Trainer: Send {
    /// The loss of a batch, `[N, C, H, W]`, summed over its images, where the model has the trained numbers `numbers`, in the order of
    /// [`TrainedNumbers`]. The loss's derivative by each of them goes to the same place of `gradient`.
    ///
    /// `loss` is asked for every image once, for some or for all of them together.
    ///
    /// # Errors
    /// [`BackendError::BadBatch`] for a batch of another shape, and whatever the device reports.
    ///
    /// # Panics
    /// Where there are more or fewer numbers than the model has.
    fn step(
        &mut self,
        batch: &Tensor,
        numbers: &[f32],
        loss: &Loss<'_>,
        gradient: &mut [f32],
    ) -> Result<f64, BackendError>;
}

/// One trained tensor of a model, and where its numbers stand among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainedTensor {
    /// The node.
    pub node: NodeId,
    /// The last part of its name.
    pub suffix: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub range: Range<usize>,
}

/// All trained numbers of a model as one list: node by node, in the order in which nodes name their tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainedNumbers {
    tensors: Vec<TrainedTensor>,
    len: usize,
}

impl TrainedNumbers {
    /// Those of a model with this graph.
    pub fn new(graph: &ValidGraph) -> Self {
        let mut all = Self { tensors: Vec::new(), len: 0 };
        for node in 0..graph.nodes().len() {
            for spec in graph.parameter_specs(node).into_iter().filter(|spec| spec.trained) {
                let end = all.len + spec.shape.iter().product::<usize>();
                all.tensors.push(TrainedTensor { node, suffix: spec.suffix, shape: spec.shape, range: all.len..end });
                all.len = end;
            }
        }
        all
    }

    /// The tensors, in order.
    pub fn tensors(&self) -> &[TrainedTensor] {
        &self.tensors
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is trained.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where a node's tensor stands; `None` where it has no such tensor.
    pub fn range(&self, node: NodeId, suffix: &str) -> Option<Range<usize>> {
        let own = |tensor: &&TrainedTensor| tensor.node == node && tensor.suffix == suffix;
        self.tensors.iter().find(own).map(|tensor| tensor.range.clone())
    }

    /// The numbers that `model`, of this graph, has.
    pub fn of(&self, model: &Model) -> Vec<f32> {
        let numbers = |tensor: &TrainedTensor| model.node_parameters(tensor.node).get(tensor.suffix).data().to_vec();
        self.tensors.iter().flat_map(numbers).collect()
    }

    /// `model` with these numbers.
    ///
    /// # Errors
    /// [`GraphErrors`] where one of them is not finite.
    ///
    /// # Panics
    /// Where there are fewer numbers than the model has.
    pub fn in_model(&self, model: &Model, numbers: &[f32]) -> Result<Model, GraphErrors> {
        let mut parameters = model.parameters().clone();
        for tensor in &self.tensors {
            let own = Tensor::new(tensor.shape.clone(), numbers[tensor.range.clone()].to_vec());
            let name = model.node_parameters(tensor.node).name(tensor.suffix);
            parameters.insert(name, own.expect("as many numbers as the shape has"));
        }
        model.with_parameters(model.graph().clone(), parameters)
    }
}
