//! Per-channel normalisation with fixed numbers: a source's input preparation, inside its graph.

use super::{Backward, Cut, Join, Joined, Op, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// `y = (x - mean[c]) / std[c]` for every channel or feature `c`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalize {
    /// What is subtracted, one number a channel.
    pub mean: Vec<f32>,
    /// What it is divided by, one non-zero number a channel.
    pub std: Vec<f32>,
}

impl Normalize {
    /// The same for images of `channels` channels: a single number stands for all of them, others stay.
    #[must_use]
    pub fn for_channels(self, channels: usize) -> Self {
        let spread = |numbers: Vec<f32>| match numbers[..] {
            [one] => vec![one; channels],
            _ => numbers,
        };
        Self { mean: spread(self.mean), std: spread(self.std) }
    }
}

impl Operation for Normalize {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let shape = only(inputs)?;
        let counts = (self.mean.len(), self.std.len());
        if counts != (shape.channels(), shape.channels()) {
            return Err(ShapeError::new(format!("{} means and stds", shape.channels()), format!("{counts:?}")));
        }
        let usable = self.mean.iter().chain(&self.std).all(|x| x.is_finite()) && self.std.iter().all(|&s| s != 0.0);
        if usable { Ok(shape) } else { Err(ShapeError::new("finite means and non-zero stds", format!("{self:?}"))) }
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        channelwise::ties(channel)
    }

    fn cut(&self, cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        let pick = |numbers: &[f32]| cut.kept.iter().map(|&c| numbers[c]).collect();
        Ok(Rewritten::plain(Self { mean: pick(&self.mean), std: pick(&self.std) }))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::require_equal(join, |op| matches!(op, Op::Normalize(_)))?;
        let pick = |of: fn(&Self) -> &[f32]| {
            let numbers = |part: usize| match join.parts[part].op {
                Op::Normalize(op) => of(op),
                _ => unreachable!("checked above"),
            };
            channelwise::gather(join, numbers)
        };
        let op = Self { mean: pick(|op| &op.mean), std: pick(|op| &op.std) };
        Ok(Joined { node: Rewritten::plain(op), lanes: join.lanes[0].to_vec() })
    }

    fn evaluate(&self, inputs: &[&Tensor], _output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        channelwise::map(inputs[0], |c, x| (x - self.mean[c]) / self.std[c])
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        vec![channelwise::map(backward.gradient, |c, g| g / self.std[c])]
    }
}
