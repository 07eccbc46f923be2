//! The images: `[N, channels, height, width]`, pixel values in `0.0..=1.0`.

use super::{Backward, Cut, Join, Joined, Lane, Operation, RewriteError, Rewritten, ShapeError, channelwise};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// The only node without inputs; its channels are never cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Channels of an image.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
}

impl Operation for Input {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        if inputs.is_empty() {
            Ok(Shape::Map { channels: self.channels, height: self.height, width: self.width })
        } else {
            Err(ShapeError::new("no input", format!("{}", inputs.len())))
        }
    }

    fn ties(&self, _inputs: &[Shape], _channel: usize) -> Vec<(usize, usize)> {
        Vec::new()
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    /// The joined models look at the same image: its channels are part 0's until they are repeated for every part.
    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::require_equal(join, |op| op == join.parts[0].op)?;
        let lanes = (0..self.channels).map(|channel| Lane { part: 0, channel }).collect();
        Ok(Joined { node: Rewritten::plain(self.clone()), lanes })
    }

    fn evaluate(&self, inputs: &[&Tensor], _output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        inputs[0].clone()
    }

    fn backward(&self, _backward: &Backward<'_>) -> Vec<Tensor> {
        Vec::new()
    }
}
