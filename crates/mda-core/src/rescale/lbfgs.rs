//! Minimising a smooth convex function of a few hundred numbers (L-BFGS; Nocedal and Wright, "Numerical Optimization",
//! algorithm 7.4, with a backtracking line search).

use std::collections::VecDeque;

/// Steps that shape the next direction.
const MEMORY: usize = 10;
const MOST_STEPS: usize = 500;
/// The search ends where no entry of the gradient is larger.
const FLAT: f64 = 1e-7;
/// A step must bring this share of the decrease that the gradient promises.
const SUFFICIENT: f64 = 1e-4;

/// A step and what it did to the gradient.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    product: f64,
}

/// The minimum of `function`, which answers value and gradient, searched from `start`.
pub(super) fn minimise(function: impl Fn(&[f64]) -> (f64, Vec<f64>), start: Vec<f64>) -> Vec<f64> {
    let mut at = start;
    let (mut value, mut gradient) = function(&at);
    let mut pairs: VecDeque<Pair> = VecDeque::new();
    for _ in 0..MOST_STEPS {
        if gradient.iter().all(|g| g.abs() <= FLAT) {
            break;
        }
        let direction = direction(&gradient, &pairs);
        let slope = dot(&direction, &gradient);
        let Some((next, next_value, next_gradient)) = search(&function, &at, value, &direction, slope) else { break };
        let step: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let product = dot(&step, &change);
        if product > 1e-12 * dot(&change, &change) {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back(Pair { step, change, product });
        }
        (at, value, gradient) = (next, next_value, next_gradient);
    }
    at
}

/// The first of 1, 1/2, 1/4, ... of `direction` that decreases the function enough; none where rounding forbids it.
fn search(
    function: &impl Fn(&[f64]) -> (f64, Vec<f64>),
    at: &[f64],
    value: f64,
    direction: &[f64],
    slope: f64,
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let mut length = 1.0;
    for _ in 0..40 {
        let next: Vec<f64> = at.iter().zip(direction).map(|(x, d)| x + length * d).collect();
        let (next_value, gradient) = function(&next);
        if next_value <= value + SUFFICIENT * length * slope && next_value < value {
            return Some((next, next_value, gradient));
        }
        length /= 2.0;
    }
    None
}

/// The two-loop recursion: minus the gradient, shaped by the last steps.
fn direction(gradient: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut weights = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let weight = dot(&pair.step, &direction) / pair.product;
        add(&mut direction, -weight, &pair.change);
        weights.push(weight);
    }
    match pairs.back() {
        Some(last) => {
            let scale = last.product / dot(&last.change, &last.change);
            direction.iter_mut().for_each(|d| *d *= scale);
        }
        None => {
            let length = dot(gradient, gradient).sqrt().max(1.0);
            direction.iter_mut().for_each(|d| *d /= length);
        }
    }
    for (pair, weight) in pairs.iter().zip(weights.into_iter().rev()) {
        let other = dot(&pair.change, &direction) / pair.product;
        add(&mut direction, weight - other, &pair.step);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, other: &[f64]) {
    to.iter_mut().zip(other).for_each(|(x, y)| *x += factor * y);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretched_bowl_has_one_bottom() {
        let function = |x: &[f64]| {
            let (a, b) = (x[0] - 3.0, x[1] + 2.0);
            let value = a * a + 100.0 * b * b + 0.5 * (a + b).powi(4);
            let shared = 2.0 * (a + b).powi(3);
            (value, vec![2.0 * a + shared, 200.0 * b + shared])
        };
        let found = minimise(function, vec![-7.0, 9.0]);
        assert!((found[0] - 3.0).abs() < 1e-6 && (found[1] + 2.0).abs() < 1e-6, "{found:?}");
    }
}
