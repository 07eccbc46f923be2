//! What makes steps of slopes.

use crate::method::Optimiser;
use crate::run::backend::TrainedNumbers;
use std::ops::Range;

/// How much of a momentum stays, in SGD.
const MOMENTUM: f32 = 0.9;
/// How much of the mean slope and of the mean squared slope stays, in AdamW.
const BETAS: [f32; 2] = [0.9, 0.999];
/// What keeps AdamW from dividing by zero.
const EPSILON: f32 = 1e-8;

/// Means of slopes over past steps, one number for each trained number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Momenta {
    pub(super) steps: u64,
    pub(super) first: Vec<f32>,
    /// Of squares; empty in SGD.
    pub(super) second: Vec<f32>,
}

impl Momenta {
    /// Before the first step.
    pub(super) fn new(optimiser: Optimiser, count: usize) -> Self {
        let second = match optimiser {
            Optimiser::Sgd => Vec::new(),
            Optimiser::AdamW => vec![0.0; count],
        };
        Self { steps: 0, first: vec![0.0; count], second }
    }

    /// Takes a step of size `rate`. Weights of layers lose `decay` times that of themselves before.
    pub(super) fn step(
        &mut self,
        trained: &TrainedNumbers,
        [rate, decay]: [f64; 2],
        numbers: &mut [f32],
        gradient: &[f32],
    ) {
        self.steps += 1;
        if decay > 0.0 {
            let kept = (1.0 - rate * decay) as f32;
            decaying(trained).for_each(|range| numbers[range].iter_mut().for_each(|x| *x *= kept));
        }
        let slopes = numbers.iter_mut().zip(gradient).zip(&mut self.first);
        if self.second.is_empty() {
            let rate = rate as f32;
            slopes.for_each(|((x, &g), mean)| {
                *mean = MOMENTUM * *mean + g;
                *x -= rate * (g + MOMENTUM * *mean);
            });
            return;
        }
        let [first, second] = BETAS.map(|beta| 1.0 - f64::from(beta).powf(self.steps as f64));
        let (rate, root) = ((rate / first) as f32, second.sqrt() as f32);
        slopes.zip(&mut self.second).for_each(|(((x, &g), mean), square)| {
            *mean = BETAS[0] * *mean + (1.0 - BETAS[0]) * g;
            *square = BETAS[1] * *square + (1.0 - BETAS[1]) * g * g;
            *x -= rate * *mean / (square.sqrt() / root + EPSILON);
        });
    }
}

/// The weights of convolutions and linear layers: not biases, scales, shifts and slopes, which have one axis.
fn decaying(trained: &TrainedNumbers) -> impl Iterator<Item = Range<usize>> + '_ {
    let weights = trained.tensors().iter().filter(|tensor| tensor.shape.len() > 1);
    weights.map(|tensor| tensor.range.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::op::{Flatten, Input, Linear};

    /// A weight and a bias, each one number.
    fn two() -> TrainedNumbers {
        let mut graph = Graph::new();
        graph.push("x", Input { channels: 1, height: 1, width: 1 }, &[]);
        graph.push("flat", Flatten {}, &["x"]);
        graph.push("fc", Linear { out_features: 1, bias: true }, &["flat"]);
        TrainedNumbers::new(&graph.validate().unwrap())
    }

    /// Three steps from 1 and 2 with slopes 0.5 and -2, then -1 and 1, then 0.25 and 0, rate 0.1, decay 0.5 for the weight.
    fn walked(optimiser: Optimiser) -> Vec<f32> {
        let (trained, mut numbers) = (two(), vec![1.0, 2.0]);
        let mut momenta = Momenta::new(optimiser, 2);
        for slopes in [[0.5, -2.0], [-1.0, 1.0], [0.25, 0.0]] {
            momenta.step(&trained, [0.1, 0.5], &mut numbers, &slopes);
        }
        numbers
    }

    fn close(found: Vec<f32>, expected: [f32; 2]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}, not {expected:?}");
    }

    /// Worked out by hand. The means are 0.5, -0.55 and -0.245 for the weight, -2, -0.8 and -0.72 for the bias.
    #[test]
    fn nesterov_looks_ahead() {
        close(walked(Optimiser::Sgd), [0.910_712_5, 2.416_8]);
    }

    /// As PyTorch's AdamW has it, with the same decay for the weight and none for the bias.
    #[test]
    fn adamw_is_that_of_pytorch() {
        close(walked(Optimiser::AdamW), [0.815_573_9, 2.147_221_6]);
    }
}
