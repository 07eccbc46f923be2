//! Channels picked, repeated, permuted or inserted as zeros.

use super::{Backward, Cut, Join, Joined, Lane, Op, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// Output channel `j` is input channel `channels[j]`, or zero where that is `None` (the padding of a CIFAR ResNet's
/// parameter-free shortcut).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectChannels {
    /// Where every output channel comes from.
    pub channels: Vec<Option<usize>>,
}

impl Operation for SelectChannels {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let shape = only(inputs)?;
        match self.channels.iter().flatten().find(|&&c| c >= shape.channels()) {
            None => Ok(shape.with_channels(self.channels.len())),
            Some(c) => Err(ShapeError::new(format!("channels below {}", shape.channels()), format!("channel {c}"))),
        }
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        self.channels[channel].map(|source| (0, source)).into_iter().collect()
    }

    fn cut(&self, cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        let position = |source: usize| cut.kept_inputs[0].binary_search(&source).ok();
        let channels = cut.kept.iter().map(|&c| self.channels[c].and_then(position)).collect();
        Ok(Rewritten::plain(Self { channels }))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::require_equal(join, |op| matches!(op, Op::SelectChannels(_)))?;
        let mut lanes = Vec::new();
        let mut channels = Vec::new();
        for (part, p) in join.parts.iter().enumerate() {
            let Op::SelectChannels(op) = p.op else { unreachable!("checked above") };
            for (channel, source) in op.channels.iter().enumerate() {
                lanes.push(Lane { part, channel });
                let wanted = |channel| Lane { part, channel };
                channels.push(source.and_then(|s| join.lanes[0].iter().position(|lane| *lane == wanted(s))));
            }
        }
        Ok(Joined { node: Rewritten::plain(Self { channels }), lanes })
    }

    fn evaluate(&self, inputs: &[&Tensor], output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        let batch = inputs[0].shape()[0];
        let positions = output.positions();
        let mut result = Tensor::zeros(output.batched(batch));
        let planes = result.data_mut().chunks_mut(positions).enumerate();
        for (plane, numbers) in planes {
            let (n, c) = (plane / self.channels.len(), plane % self.channels.len());
            if let Some(source) = self.channels[c] {
                numbers.copy_from_slice(&inputs[0].row(n)[source * positions..(source + 1) * positions]);
            }
        }
        result
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let input = backward.inputs[0];
        let positions: usize = input.shape()[2..].iter().product();
        let mut gradient = Tensor::zeros(input.shape());
        let per_sample = input.shape()[1] * positions;
        for (n, sample) in gradient.data_mut().chunks_mut(per_sample).enumerate() {
            for (plane, &source) in backward.gradient.row(n).chunks(positions).zip(&self.channels) {
                let Some(source) = source else { continue };
                let target = &mut sample[source * positions..(source + 1) * positions];
                target.iter_mut().zip(plane).for_each(|(sum, g)| *sum += g);
            }
        }
        vec![gradient]
    }
}
