//! The fully connected layer.

use super::conv2d::stack_bias;
use super::{Backward, Cut, Join, Joined, Op, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, ParameterSpec, Shape};
use serde::{Deserialize, Serialize};

/// `y = x * weight^T + bias` over features; `weight` is `[Q, P]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linear {
    /// Q, the number of output features.
    pub out_features: usize,
    /// Whether there is a `bias`, `[Q]`.
    pub bias: bool,
}

impl Linear {
    fn rewritten(&self, weight: Tensor, bias: Option<Tensor>) -> Rewritten {
        let op = Self { out_features: weight.shape()[0], ..self.clone() };
        let parameters = std::iter::once(("weight", weight)).chain(bias.map(|bias| ("bias", bias))).collect();
        Rewritten { op: op.into(), parameters }
    }
}

impl Operation for Linear {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        match only(inputs)? {
            Shape::Features(_) => Ok(Shape::Features(self.out_features)),
            shape @ Shape::Map { .. } => {
                Err(ShapeError::new("features [N, F]; put a Flatten before", shape.to_string()))
            }
        }
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let weight = ParameterSpec::trained("weight", [self.out_features, inputs[0].channels()]);
        let bias = self.bias.then(|| ParameterSpec::trained("bias", [self.out_features]));
        std::iter::once(weight).chain(bias).collect()
    }

    fn ties(&self, _inputs: &[Shape], _channel: usize) -> Vec<(usize, usize)> {
        Vec::new()
    }

    fn cut(&self, cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        let weight = cut.parameters.get("weight").select(0, cut.kept).select(1, cut.kept_inputs[0]);
        Ok(self.rewritten(weight, self.bias.then(|| cut.parameters.get("bias").select(0, cut.kept))))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::require_equal(join, |op| matches!(op, Op::Linear(linear) if linear.bias == self.bias))?;
        let (lanes, kept_in) = (join.stacked_output(), join.lanes[0]);
        let mut weight = Tensor::zeros([lanes.len(), kept_in.len()]);
        for (index, number) in weight.data_mut().iter_mut().enumerate() {
            let (q, p) = (lanes[index / kept_in.len()], kept_in[index % kept_in.len()]);
            if q.part == p.part {
                *number = join.parts[q.part].parameters.get("weight").row(q.channel)[p.channel];
            }
        }
        let bias = self.bias.then(|| stack_bias(join, &lanes));
        Ok(Joined { node: self.rewritten(weight, bias), lanes })
    }

    fn evaluate(&self, inputs: &[&Tensor], output: Shape, parameters: NodeParameters<'_>) -> Tensor {
        let (input, weight) = (inputs[0], parameters.get("weight"));
        let bias = self.bias.then(|| parameters.get("bias").data());
        let batch = input.shape()[0];
        let mut data = Vec::with_capacity(batch * self.out_features);
        for n in 0..batch {
            for q in 0..self.out_features {
                let products = input.row(n).iter().zip(weight.row(q)).map(|(&x, &w)| f64::from(x) * f64::from(w));
                data.push((products.sum::<f64>() + bias.map_or(0.0, |bias| f64::from(bias[q]))) as f32);
            }
        }
        Tensor::new(output.batched(batch), data).expect("one number a feature")
    }

    fn macs(&self, inputs: &[Shape], _output: Shape) -> u64 {
        (inputs[0].channels() as u64).saturating_mul(self.out_features as u64)
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let weight = backward.parameters.get("weight");
        let mut gradient = Tensor::zeros(backward.inputs[0].shape());
        let features = weight.shape()[1];
        for (x, outputs) in
            gradient.data_mut().chunks_mut(features).zip(backward.gradient.data().chunks(self.out_features))
        {
            for (q, &g) in outputs.iter().enumerate().filter(|&(_, &g)| g != 0.0) {
                x.iter_mut().zip(weight.row(q)).for_each(|(x, &w)| *x += g * w);
            }
        }
        vec![gradient]
    }

    fn parameter_gradients(&self, backward: &Backward<'_>) -> Vec<(&'static str, Tensor)> {
        let (input, gradient) = (backward.inputs[0], backward.gradient);
        let mut weight = Tensor::zeros(backward.parameters.get("weight").shape());
        let features = weight.shape()[1];
        for (index, number) in weight.data_mut().iter_mut().enumerate() {
            let (q, p) = (index / features, index % features);
            let product = |n: usize| f64::from(gradient.row(n)[q]) * f64::from(input.row(n)[p]);
            *number = (0..input.shape()[0]).map(product).sum::<f64>() as f32;
        }
        let bias = self.bias.then(|| ("bias", channelwise::sums(gradient, |_, g, _| g, gradient)));
        std::iter::once(("weight", weight)).chain(bias).collect()
    }
}
