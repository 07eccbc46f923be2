//! The mean over all positions of a channel.

use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise, only_map};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// `[N, C, H, W]` to `[N, C, 1, 1]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalAvgPool {}

impl Operation for GlobalAvgPool {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let (channels, _) = only_map(inputs)?;
        Ok(Shape::Map { channels, height: 1, width: 1 })
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        channelwise::ties(channel)
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::join_equal(join)
    }

    fn evaluate(&self, inputs: &[&Tensor], output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        let input = inputs[0];
        let positions = input.shape()[2] * input.shape()[3];
        let mean = |plane: &[f32]| (plane.iter().map(|&x| f64::from(x)).sum::<f64>() / positions as f64) as f32;
        let data = input.data().chunks(positions).map(mean).collect();
        Tensor::new(output.batched(input.shape()[0]), data).expect("one mean a channel")
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let shape = backward.inputs[0].shape();
        let positions = shape[2] * shape[3];
        let spread = |&g: &f32| std::iter::repeat_n(g / positions as f32, positions);
        let data = backward.gradient.data().iter().flat_map(spread).collect();
        vec![Tensor::new(shape, data).expect("one number a position")]
    }
}
