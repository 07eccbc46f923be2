//! A scale and a shift for every logit, folded into a model.

use crate::graph::{GraphErrors, GraphNode};
use crate::model::Model;
use crate::op::{Normalize, Op};
use crate::tensor::Tensor;

/// `logit'[k] = scale[k] * logit[k] + shift[k]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitAffine {
    /// One factor a category.
    pub scale: Vec<f32>,
    /// One summand a category.
    pub shift: Vec<f32>,
}

impl LogitAffine {
    /// Leaves `count` logits as they are.
    pub fn identity(count: usize) -> Self {
        Self { scale: vec![1.0; count], shift: vec![0.0; count] }
    }

    /// The part for the categories `range`.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self { scale: self.scale[range.clone()].to_vec(), shift: self.shift[range].to_vec() }
    }

    /// Applies itself to logits `[N, K]`, row-major, in place.
    pub fn apply(&self, logits: &mut Tensor) {
        for row in logits.data_mut().chunks_mut(self.scale.len()) {
            for ((logit, scale), shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
                *logit = scale * *logit + shift;
            }
        }
    }

    /// The model whose logits are rescaled: folded into the last linear layer, or, where the logits are not computed by
    /// one, appended as a per-category [`Normalize`].
    ///
    /// # Errors
    /// [`GraphErrors`] where a scale is zero or a number is not finite.
    ///
    /// # Panics
    /// Where the number of scales or shifts is not the number of logits.
    pub fn fold_into(&self, model: &Model) -> Result<Model, GraphErrors> {
        let graph = model.graph();
        let output = graph.node(graph.output());
        assert_eq!((self.scale.len(), self.shift.len()), (output.shape.channels(), output.shape.channels()));
        let mut rewritten = graph.to_graph();
        let mut parameters = model.parameters().clone();
        let only_consumer = graph.consumers()[graph.output()].is_empty();
        match &output.op {
            Op::Linear(linear) if only_consumer => {
                let own = model.node_parameters(graph.output());
                let mut weight = own.get("weight").clone();
                let bias = if linear.bias { own.get("bias").clone() } else { Tensor::zeros([self.scale.len()]) };
                let columns = weight.shape()[1];
                for (row, scale) in weight.data_mut().chunks_mut(columns).zip(&self.scale) {
                    row.iter_mut().for_each(|w| *w *= scale);
                }
                let mut bias = bias.reshape([1, self.scale.len()]).expect("the same count");
                self.apply(&mut bias);
                parameters.insert(format!("{}.weight", output.name), weight);
                parameters.insert(format!("{}.bias", output.name), Tensor::vector(bias.into_data()));
                if let Op::Linear(linear) = &mut rewritten.nodes[graph.output()].op {
                    linear.bias = true;
                }
            }
            _ => {
                let mean = self.scale.iter().zip(&self.shift).map(|(scale, shift)| -shift / scale).collect();
                let std = self.scale.iter().map(|scale| 1.0 / scale).collect();
                let name = format!("{}.rescaled", output.name);
                let op = Normalize { mean, std }.into();
                rewritten.nodes.push(GraphNode { name: name.clone(), op, inputs: vec![output.name.clone()] });
                rewritten.output = name;
            }
        }
        model.with_parameters(rewritten.validate()?, parameters)
    }
}
