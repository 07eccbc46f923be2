//! Maps to features: `[N, C, H, W]` to `[N, C*H*W]`.

use super::{Backward, Cut, Join, Joined, Lane, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// Row-major flattening; the `H*W` features of one channel are kept or cut together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flatten {}

impl Operation for Flatten {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(Shape::Features(only(inputs)?.elements()))
    }

    fn ties(&self, inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        vec![(0, channel / inputs[0].positions())]
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        let mut joined = channelwise::join_equal(join)?;
        let positions = join.parts[0].inputs[0].positions();
        let block = |lane: &Lane| {
            let Lane { part, channel } = *lane;
            (0..positions).map(move |p| Lane { part, channel: channel * positions + p })
        };
        joined.lanes = join.lanes[0].iter().flat_map(block).collect();
        Ok(joined)
    }

    fn evaluate(&self, inputs: &[&Tensor], output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        let flat = inputs[0].clone().reshape(output.batched(inputs[0].shape()[0]));
        flat.expect("flattening keeps the number of elements")
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let maps = backward.gradient.clone().reshape(backward.inputs[0].shape());
        vec![maps.expect("flattening keeps the number of elements")]
    }
}
