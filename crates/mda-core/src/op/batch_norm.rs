//! Batch normalisation with running statistics, over maps or features.

use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::graph::{NodeParameters, ParameterSpec, Shape};
use crate::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// `y = (x - running_mean) / sqrt(running_var + eps) * weight + bias`, per channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchNorm {
    /// Added to the variance before the root.
    pub eps: f32,
}

const SUFFIXES: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

impl BatchNorm {
    /// The per-channel `(scale, shift)` with `y = scale * x + shift`, computed in f64.
    pub fn affine(&self, parameters: NodeParameters<'_>) -> Vec<(f64, f64)> {
        let [weight, bias, mean, var] = SUFFIXES.map(|suffix| parameters.get(suffix).data());
        let of = |c: usize| {
            let scale = f64::from(weight[c]) / (f64::from(var[c]) + f64::from(self.eps)).sqrt();
            (scale, f64::from(bias[c]) - scale * f64::from(mean[c]))
        };
        (0..weight.len()).map(of).collect()
    }
}

impl Operation for BatchNorm {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        if self.eps.is_finite() && self.eps >= 0.0 {
            only(inputs)
        } else {
            Err(ShapeError::new("a finite eps of at least 0", self.eps.to_string()))
        }
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let shape = [inputs[0].channels()];
        vec![
            ParameterSpec::trained("weight", shape),
            ParameterSpec::trained("bias", shape),
            ParameterSpec::statistic("running_mean", shape),
            ParameterSpec::statistic("running_var", shape),
        ]
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        channelwise::ties(channel)
    }

    fn cut(&self, cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        let parameters = SUFFIXES.map(|suffix| (suffix, cut.parameters.get(suffix).select(0, cut.kept)));
        Ok(Rewritten { op: self.clone().into(), parameters: parameters.into() })
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        let mut joined = channelwise::join_equal(join)?;
        joined.node.parameters = SUFFIXES.map(|suffix| channelwise::gather_parameter(join, suffix)).into();
        Ok(joined)
    }

    fn evaluate(&self, inputs: &[&Tensor], _output: Shape, parameters: NodeParameters<'_>) -> Tensor {
        let affine = self.affine(parameters);
        channelwise::map(inputs[0], |c, x| (affine[c].0 * f64::from(x) + affine[c].1) as f32)
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let affine = self.affine(backward.parameters);
        vec![channelwise::map(backward.gradient, |c, g| (affine[c].0 * f64::from(g)) as f32)]
    }
}
