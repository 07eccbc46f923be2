//! The exact reverse pass: derivatives of a scalar function of the logits by every value and every trained parameter.

use crate::graph::NodeId;
use crate::model::Model;
use crate::op::Backward;
use crate::tensor::Tensor;

/// The derivative of a scalar by every value, where `values` holds every value of the graph for one batch, by node, and
/// `seed` (`[N, K]`) the scalar's derivative by the logits. `None` where the logits do not depend on a value. `each` is called with
/// every node that they depend on, from the last one on, and what its derivatives follow from.
///
/// At a kink the derivative is that of the flat side for a clamp, and goes to the first of equal maxima for a pool.
///
/// # Panics
/// Where a value or the seed has another shape than its node.
pub(crate) fn reverse(
    model: &Model,
    values: &[Tensor],
    seed: Tensor,
    mut each: impl FnMut(NodeId, &Backward<'_>),
) -> Vec<Option<Tensor>> {
    let graph = model.graph();
    let mut gradients: Vec<Option<Tensor>> = vec![None; graph.nodes().len()];
    gradients[graph.output()] = Some(seed);
    for (id, node) in graph.nodes().iter().enumerate().rev() {
        let Some(gradient) = &gradients[id] else { continue };
        let inputs: Vec<&Tensor> = node.inputs.iter().map(|&input| &values[input]).collect();
        let backward = Backward { inputs: &inputs, gradient, parameters: model.node_parameters(id) };
        each(id, &backward);
        for (&input, part) in node.inputs.iter().zip(node.op.operation().backward(&backward)) {
            match &mut gradients[input] {
                None => gradients[input] = Some(part),
                Some(sum) => sum.data_mut().iter_mut().zip(part.data()).for_each(|(a, b)| *a += b),
            }
        }
    }
    gradients
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::op::{Activation, ActivationKind, Conv2d, Flatten, GlobalAvgPool, Input, Linear, Multiply, PRelu};
    use crate::run::backend::{Backend, TrainedNumbers};
    use crate::run::reference::Reference;
    use crate::tensor::Uniform;
    use crate::test_graphs::{random_batch, random_model, with_random_parameters};

    /// A gate and slopes, which random graphs lack.
    fn gated(uniform: &mut Uniform) -> Model {
        let mut graph = Graph::new();
        graph.push("input", Input { channels: 2, height: 5, width: 4 }, &[]);
        graph.push("conv", Conv2d::dense(4, 3, 1, 1, true), &["input"]);
        graph.push("slopes", PRelu {}, &["conv"]);
        graph.push("mean", GlobalAvgPool {}, &["slopes"]);
        graph.push("squeezed", Conv2d::dense(4, 1, 1, 0, true), &["mean"]);
        graph.push("gate", Activation { kind: ActivationKind::Sigmoid }, &["squeezed"]);
        graph.push("gated", Multiply {}, &["slopes", "gate"]);
        graph.push("flat", Flatten {}, &["gated"]);
        graph.push("logits", Linear { out_features: 3, bias: true }, &["flat"]);
        with_random_parameters(&graph, uniform)
    }

    /// The directional derivative along a random direction of all trained numbers, beside difference quotients.
    #[test]
    fn parameter_gradients_agree_with_finite_differences() {
        const STEP: f32 = 2e-3;
        let mut smooth = 0;
        for seed in 0..60 {
            let mut uniform = Uniform::new(seed);
            let model = if seed % 4 == 0 { gated(&mut uniform) } else { random_model(&mut uniform) };
            let batch = random_batch(&model, 2, &mut uniform);
            let outputs = Tensor::new([2, 3], (0..6).map(|_| uniform.signed()).collect()).unwrap();
            let trained = TrainedNumbers::new(model.graph());
            let numbers = trained.of(&model);
            let direction: Vec<f32> = numbers.iter().map(|_| uniform.signed()).collect();
            let mut trainer = Reference.train(&model, None).unwrap();
            let loss = |_: std::ops::Range<usize>, logits: &Tensor| {
                let products = logits.data().iter().zip(outputs.data()).map(|(&a, &b)| f64::from(a) * f64::from(b));
                (products.sum(), outputs.clone())
            };
            let mut at = |step: f32, gradient: &mut [f32]| {
                let moved: Vec<f32> = numbers.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
                trainer.step(&batch, &moved, &loss, gradient).unwrap()
            };
            let mut gradient = vec![0.0; numbers.len()];
            let (after, before) = (at(STEP, &mut gradient), at(-STEP, &mut gradient));
            let here = at(0.0, &mut gradient);
            let exact: f64 = gradient.iter().zip(&direction).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            let (right, left) = ((after - here) / f64::from(STEP), (here - before) / f64::from(STEP));
            // A kink or a strong curve between the sides makes them differ; f32 values around 1 leave about 1e-3 at this step.
            let tolerance = 2e-2 * (1.0 + exact.abs());
            if (right - left).abs() < tolerance {
                smooth += 1;
                assert!(((right + left) / 2.0 - exact).abs() < tolerance, "seed {seed}: {right} against {exact}");
            }
        }
        assert!(smooth >= 20, "only {smooth} of 60 graphs had no kink nearby");
    }
}
