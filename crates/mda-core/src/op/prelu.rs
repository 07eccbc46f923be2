//! A leaky ReLU whose slopes are trained, one a channel.

use super::activation::{leaky, leaky_derivative};
use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, ParameterSpec, Shape};
use serde::{Deserialize, Serialize};

/// `x` above zero, `weight[c] * x` below; `weight` is `[C]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PRelu {}

impl Operation for PRelu {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        only(inputs)
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        vec![ParameterSpec::trained("weight", [inputs[0].channels()])]
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        channelwise::ties(channel)
    }

    fn cut(&self, cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        let weight = cut.parameters.get("weight").select(0, cut.kept);
        Ok(Rewritten { op: self.clone().into(), parameters: vec![("weight", weight)] })
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        let mut joined = channelwise::join_equal(join)?;
        joined.node.parameters = vec![channelwise::gather_parameter(join, "weight")];
        Ok(joined)
    }

    fn evaluate(&self, inputs: &[&Tensor], _output: Shape, parameters: NodeParameters<'_>) -> Tensor {
        let slopes = parameters.get("weight").data();
        channelwise::map(inputs[0], |c, x| leaky(slopes[c], f64::from(x)) as f32)
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let slopes = backward.parameters.get("weight").data();
        let mut gradient =
            channelwise::map(backward.inputs[0], |c, x| leaky_derivative(slopes[c], f64::from(x)) as f32);
        gradient.data_mut().iter_mut().zip(backward.gradient.data()).for_each(|(d, g)| *d *= g);
        vec![gradient]
    }

    fn parameter_gradients(&self, backward: &Backward<'_>) -> Vec<(&'static str, Tensor)> {
        let below = |_, g: f64, x: f64| if x > 0.0 { 0.0 } else { g * x };
        vec![("weight", channelwise::sums(backward.gradient, below, backward.inputs[0]))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;
    use crate::graph::Graph;
    use crate::observe::gradient::gradients;
    use crate::op::{Flatten, Input};
    use crate::run::reference::evaluate;

    #[test]
    fn every_channel_has_its_slope() {
        let mut graph = Graph::new();
        graph.push("input", Input { channels: 2, height: 1, width: 2 }, &[]);
        graph.push("prelu", PRelu {}, &["input"]);
        graph.push("flatten", Flatten {}, &["prelu"]);
        let slopes = [("prelu.weight".to_owned(), Tensor::vector(vec![0.5, -0.25]))].into_iter().collect();
        let names = ["a", "b", "c", "d"].map(String::from).into();
        let model = Model::new("prelu", graph.validate().unwrap(), slopes, names).unwrap();
        let batch = Tensor::new([1, 2, 1, 2], vec![-2.0, 3.0, -4.0, 0.0]).unwrap();
        let values = evaluate(&model, &batch, |_, _| {});
        assert_eq!(values[2].data(), [-1.0, 3.0, 1.0, 0.0]);
        let seed = Tensor::new([1, 4], vec![2.0, 2.0, 2.0, 2.0]).unwrap();
        let gradients = gradients(&model, &values, seed);
        assert_eq!(gradients[0].as_ref().unwrap().data(), [1.0, 2.0, -0.5, -0.5]);
    }
}
