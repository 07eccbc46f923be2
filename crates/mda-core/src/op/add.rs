//! Elementwise sum: residual connections.

use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// The sum of two or more values of one shape; nothing is broadcast. Its inputs' channels are kept or cut together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Add {}

impl Operation for Add {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        match inputs {
            [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|shape| shape == first) => Ok(*first),
            _ => {
                let got = inputs.iter().map(Shape::to_string).collect::<Vec<_>>().join(" and ");
                Err(ShapeError::new("two or more inputs of one shape", got))
            }
        }
    }

    fn ties(&self, inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        (0..inputs.len()).map(|input| (input, channel)).collect()
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    /// The joining pass hands over inputs whose lanes agree.
    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::join_equal(join)
    }

    fn evaluate(&self, inputs: &[&Tensor], _output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        let mut sum = inputs[0].clone();
        for other in &inputs[1..] {
            for (a, b) in sum.data_mut().iter_mut().zip(other.data()) {
                *a += b;
            }
        }
        sum
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        vec![backward.gradient.clone(); backward.inputs.len()]
    }
}
