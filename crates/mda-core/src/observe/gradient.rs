//! The exact reverse pass: derivatives of a scalar function of the logits by every value of the graph.

use crate::model::Model;
use crate::run::reverse::reverse;
use crate::tensor::Tensor;

/// The derivative of a scalar by every value, as `reverse` has it.
///
/// # Panics
/// Where a value or the seed has another shape than its node.
pub fn gradients(model: &Model, values: &[Tensor], seed: Tensor) -> Vec<Option<Tensor>> {
    reverse(model, values, seed, |_, _| {})
}

/// The derivative of the softmax probability of `category` by the logits, `[N, K]`: `p[c] * (1[k = c] - p[k])`.
///
/// Where the model is sure, `1 - p[c]` is formed from the other probabilities, so that it does not round to zero.
///
/// # Panics
/// Where `category` is not below K.
pub fn softmax_gradient(logits: &Tensor, category: usize) -> Tensor {
    let p = softmax(logits);
    let of_row = |p: &[f64]| {
        let others: f64 = p.iter().enumerate().filter(|&(k, _)| k != category).map(|(_, p)| p).sum();
        let own = p[category];
        p.iter().enumerate().map(|(k, &p)| (own * if k == category { others } else { -p }) as f32).collect::<Vec<_>>()
    };
    let data = p.chunks(logits.shape()[1]).flat_map(of_row).collect();
    Tensor::new(logits.shape(), data).expect("one number a logit")
}

/// The derivative of the negative logarithm of that probability (the cross-entropy) by the logits: `p[k] - 1[k = c]`.
///
/// # Panics
/// Where `category` is not below K.
pub fn cross_entropy_gradient(logits: &Tensor, category: usize) -> Tensor {
    let p = softmax(logits);
    let of_row = |p: &[f64]| {
        let others: f64 = p.iter().enumerate().filter(|&(k, _)| k != category).map(|(_, p)| p).sum();
        p.iter().enumerate().map(|(k, &p)| if k == category { -others } else { p } as f32).collect::<Vec<_>>()
    };
    let data = p.chunks(logits.shape()[1]).flat_map(of_row).collect();
    Tensor::new(logits.shape(), data).expect("one number a logit")
}

fn softmax(logits: &Tensor) -> Vec<f64> {
    let of_row = |row: &[f32]| {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exp: Vec<f64> = row.iter().map(|&x| f64::from(x - max).exp()).collect();
        let sum: f64 = exp.iter().sum();
        exp.into_iter().map(move |e| e / sum).collect::<Vec<_>>()
    };
    logits.data().chunks(logits.shape()[1]).flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::reference::evaluate;
    use crate::tensor::Uniform;
    use crate::test_graphs::{random_batch, random_model};

    fn functional(model: &Model, batch: &Tensor, seed: &Tensor) -> f64 {
        let values = evaluate(model, batch, |_, _| {});
        let products = values[model.graph().output()].data().iter().zip(seed.data());
        products.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    fn moved(batch: &Tensor, direction: &Tensor, step: f32) -> Tensor {
        let data = batch.data().iter().zip(direction.data()).map(|(x, d)| x + step * d).collect();
        Tensor::new(batch.shape(), data).unwrap()
    }

    #[test]
    fn directional_derivatives_agree_with_finite_differences() {
        const STEP: f32 = 1e-3;
        let mut smooth = 0;
        for seed in 0..60 {
            let mut uniform = Uniform::new(seed);
            let model = random_model(&mut uniform);
            let batch = random_batch(&model, 2, &mut uniform);
            let outputs = Tensor::new([2, 3], (0..6).map(|_| uniform.signed()).collect()).unwrap();
            let direction = random_batch(&model, 2, &mut uniform);
            let values = evaluate(&model, &batch, |_, _| {});
            let gradients = gradients(&model, &values, outputs.clone());
            let gradient = gradients[model.graph().input()].as_ref().unwrap();
            let exact: f64 =
                gradient.data().iter().zip(direction.data()).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            let at = |step| functional(&model, &moved(&batch, &direction, step), &outputs);
            let (here, after, before) = (at(0.0), at(STEP), at(-STEP));
            let (right, left) = ((after - here) / f64::from(STEP), (here - before) / f64::from(STEP));
            // Where the sides differ, a clamp or a pool has a kink between them and the difference quotient means
            // nothing. The quotient of f32 values around 1 is good to about 1e-3 at this step.
            let tolerance = 5e-3 * (1.0 + exact.abs());
            if (right - left).abs() < tolerance {
                smooth += 1;
                assert!((right - exact).abs() < tolerance, "seed {seed}: {right} against {exact}");
            }
        }
        assert!(smooth >= 30, "only {smooth} of 60 graphs had no kink nearby");
    }

    #[test]
    fn a_sure_model_still_has_a_gradient() {
        let logits = Tensor::new([1, 3], vec![40.0, 0.0, 1.0]).unwrap();
        let gradient = softmax_gradient(&logits, 0);
        let expected = [(-40.0f64).exp() + (-39.0f64).exp(), -(-40.0f64).exp(), -(-39.0f64).exp()];
        for (&got, expected) in gradient.data().iter().zip(expected) {
            assert!((f64::from(got) / expected - 1.0).abs() < 1e-5, "{got} against {expected}");
        }
        let loss = cross_entropy_gradient(&logits, 0);
        assert!((f64::from(loss.data()[0]) / -expected[0] - 1.0).abs() < 1e-5);
    }
}
