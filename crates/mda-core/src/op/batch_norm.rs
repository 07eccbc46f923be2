//! Batch normalisation with running statistics, over maps or features.

use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, ParameterSpec, Shape};
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

    /// What is subtracted from a channel, and what it is divided by then, in f64.
    pub fn normalization(&self, parameters: NodeParameters<'_>) -> Vec<(f64, f64)> {
        let [mean, var] = ["running_mean", "running_var"].map(|suffix| parameters.get(suffix).data());
        let of = |(&mean, &var): (&f32, &f32)| (f64::from(mean), (f64::from(var) + f64::from(self.eps)).sqrt());
        mean.iter().zip(var).map(of).collect()
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

    fn check_numbers(&self, parameters: NodeParameters<'_>) -> Result<(), ShapeError> {
        let var = parameters.get("running_var").data();
        match var.iter().position(|&var| !(var >= 0.0 && var + self.eps > 0.0)) {
            None => Ok(()),
            Some(position) => {
                let name = parameters.name("running_var");
                let expected = format!("variances in `{name}` of at least 0, above 0 with eps = {:?} added", self.eps);
                Err(ShapeError::new(expected, format!("{:?} at position {position}", var[position])))
            }
        }
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

    fn parameter_gradients(&self, backward: &Backward<'_>) -> Vec<(&'static str, Tensor)> {
        let normalization = self.normalization(backward.parameters);
        let normalized = |c: usize, g: f64, x: f64| {
            let (mean, deviation) = normalization[c];
            g * (x - mean) / deviation
        };
        let (gradient, input) = (backward.gradient, backward.inputs[0]);
        vec![
            ("weight", channelwise::sums(gradient, normalized, input)),
            ("bias", channelwise::sums(gradient, |_, g, _| g, input)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;
    use crate::graph::{Graph, GraphErrors};
    use crate::op::{Flatten, Input};

    fn model(eps: f32, var: [f32; 2]) -> Result<Model, GraphErrors> {
        let mut graph = Graph::new();
        graph.push("input", Input { channels: 2, height: 1, width: 1 }, &[]);
        graph.push("layer1.bn", BatchNorm { eps }, &["input"]);
        graph.push("flatten", Flatten {}, &["layer1.bn"]);
        let one = || Tensor::vector(vec![1.0; 2]);
        let tensors = [one(), one(), one(), Tensor::vector(var.to_vec())];
        let names = SUFFIXES.iter().map(|suffix| format!("layer1.bn.{suffix}"));
        Model::new("bn", graph.validate()?, names.zip(tensors).collect(), vec!["a".into(), "b".into()])
    }

    #[test]
    fn variances_whose_root_is_no_divisor_are_refused() {
        let told = |eps, var| model(eps, var).unwrap_err().to_string();
        let negative = told(1e-5, [1.0, -0.25]);
        assert!(
            negative.contains("layer1.bn (BatchNorm)") && negative.contains("`layer1.bn.running_var`"),
            "{negative}"
        );
        assert!(negative.contains("got -0.25 at position 1"), "{negative}");
        assert!(told(0.1, [-0.05, 1.0]).contains("-0.05 at position 0"), "eps does not make up for it");
        assert!(told(0.0, [1.0, 0.0]).contains("above 0 with eps = 0.0 added, got 0.0 at position 1"));
        assert!(told(-1e-5, [1.0, 1.0]).contains("eps of at least 0"));
        assert!(model(0.0, [1.0, 2.0]).is_ok() && model(1e-5, [0.0, 1.0]).is_ok());
    }
}
