//! Concatenation along the channels: Inception branches, dense blocks, the logits of parallel components.

use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// One or more values behind one another along axis 1; all other extents agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concat {}

impl Operation for Concat {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let total = inputs.iter().try_fold(0usize, |sum, shape| sum.checked_add(shape.channels()));
        match (inputs, total) {
            ([first, rest @ ..], Some(total))
                if rest.iter().all(|shape| shape.with_channels(1) == first.with_channels(1)) =>
            {
                Ok(first.with_channels(total))
            }
            _ => {
                let got = inputs.iter().map(Shape::to_string).collect::<Vec<_>>().join(" and ");
                Err(ShapeError::new("inputs that differ only in their channels", got))
            }
        }
    }

    fn ties(&self, inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        let mut offset = 0;
        for (input, shape) in inputs.iter().enumerate() {
            if channel < offset + shape.channels() {
                return vec![(input, channel - offset)];
            }
            offset += shape.channels();
        }
        Vec::new()
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    /// The lanes of the parts interleave: input by input, each with the channels of all parts.
    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        let mut joined = channelwise::join_equal(join)?;
        let mut offsets = vec![0; join.parts.len()];
        joined.lanes.clear();
        for (input, lanes) in join.lanes.iter().enumerate() {
            let shifted = lanes.iter().map(|lane| super::Lane { channel: offsets[lane.part] + lane.channel, ..*lane });
            joined.lanes.extend(shifted);
            for (offset, part) in offsets.iter_mut().zip(join.parts) {
                *offset += part.inputs[input].channels();
            }
        }
        Ok(joined)
    }

    fn evaluate(&self, inputs: &[&Tensor], output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        let batch = inputs[0].shape()[0];
        let data = (0..batch).flat_map(|n| inputs.iter().flat_map(move |input| input.row(n))).copied().collect();
        Tensor::new(output.batched(batch), data).expect("the shape rule adds the channels")
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let mut offset = 0;
        let mut part = |input: &&Tensor| {
            let size: usize = input.shape()[1..].iter().product();
            let of_sample = |n| &backward.gradient.row(n)[offset..offset + size];
            let data = (0..input.shape()[0]).flat_map(of_sample).copied().collect();
            offset += size;
            Tensor::new(input.shape(), data).expect("every input has its share of the channels")
        };
        backward.inputs.iter().map(&mut part).collect()
    }
}
