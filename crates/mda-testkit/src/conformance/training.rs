//! Whether a backend that trains answers the derivatives that the reference answers.

use super::case::{Case, unexpected};
use super::report::{Failure, Outcome};
use crate::generate::random_images;
use crate::random::Random;
use mda_core::run::backend::{Backend, BackendError, TrainedNumbers};
use mda_core::run::reference::Reference;
use mda_core::{Model, Tensor};
use std::ops::Range;

/// The largest difference, relative to the largest number of the tensor.
const ALLOWED: f32 = 1e-3;
const REASON: &str =
    "f32 sums over all positions of all images, of products whose errors have passed through all layers twice";
/// Tensors whose derivatives are smaller than this share of the largest of the model are compared with that: they are what is left of
/// sums that cancel.
const SMALL: f32 = 1e-4;

/// Images of a batch, from one step to the next: one part and several, growing and shrinking.
const BATCHES: [usize; 3] = [2, 19, 1];

impl Case {
    /// The case's model, trained.
    pub(super) fn run_training(&self, backend: &dyn Backend, device: Option<&str>, batches: &[usize]) -> Outcome {
        super::case::guarded(|| trained(self.model(), backend, device, batches))
    }
}

/// The cases of models that are small enough for the reference, with their batches.
pub(super) fn batches(name: &str) -> &'static [usize] {
    if name.starts_with("random graph") { &BATCHES[1..] } else { &BATCHES[..1] }
}

fn trained(model: &Model, backend: &dyn Backend, device: Option<&str>, batches: &[usize]) -> Result<Outcome, Failure> {
    if let Some(reason) = backend.untrainable(model) {
        return match backend.train(model, device) {
            Err(BackendError::Unsupported { .. } | BackendError::Failed { .. }) => Ok(Outcome::Skipped { reason }),
            Err(error) => Err(unexpected(error)),
            Ok(_) => Err(Failure::Wrong(format!("it trains what it says it cannot: {reason}"))),
        };
    }
    let numbers = TrainedNumbers::new(model.graph());
    let mut given = numbers.of(model);
    let mut own = backend.train(model, device).map_err(unexpected)?;
    let mut reference = Reference.train(model, None).map_err(unexpected)?;
    let mut random = Random::new(11);
    let mut worst: f32 = 0.0;
    for (seed, &count) in batches.iter().enumerate() {
        let batch = random_images(model, count, seed as u64);
        let shape = [count, model.categories().len()];
        let slopes: Vec<f32> = (0..shape[0] * shape[1]).map(|_| random.below(2001) as f32 / 1000.0 - 1.0).collect();
        let slopes = Tensor::new(shape, slopes).expect("one slope a logit");
        let loss = |range: Range<usize>, logits: &Tensor| linear(&slopes, range, logits);
        let mut gradients = [vec![0.0; given.len()], vec![f32::NAN; given.len()]];
        let expected = reference.step(&batch, &given, &loss, &mut gradients[0]).map_err(unexpected)?;
        let found = own.step(&batch, &given, &loss, &mut gradients[1]).map_err(unexpected)?;
        let scale = slopes.len() as f64 * 1e-4 * (1.0 + expected.abs());
        if (expected - found).abs() > scale || found.is_nan() {
            return Err(Failure::Wrong(format!("the loss of {count} images should be {expected}, it is {found}")));
        }
        worst = worst.max(compared(model, &numbers, &gradients, count)?);
        // The next batch meets other numbers.
        given.iter_mut().for_each(|number| *number *= 1.0 + 0.01 * (random.below(21) as f32 - 10.0));
    }
    Ok(Outcome::Passed { difference: worst, allowed: ALLOWED })
}

/// A loss whose derivatives by the logits are `slopes`.
fn linear(slopes: &Tensor, range: Range<usize>, logits: &Tensor) -> (f64, Tensor) {
    let own = slopes.select(0, &range.collect::<Vec<_>>());
    let loss = own.data().iter().zip(logits.data()).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    (loss, own)
}

fn compared(
    model: &Model,
    numbers: &TrainedNumbers,
    [expected, found]: &[Vec<f32>; 2],
    count: usize,
) -> Result<f32, Failure> {
    let largest = |numbers: &[f32]| numbers.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let least = SMALL * largest(expected);
    let mut worst: f32 = 0.0;
    for tensor in numbers.tensors() {
        let (expected, found) = (&expected[tensor.range.clone()], &found[tensor.range.clone()]);
        let scale = largest(expected).max(least);
        for (at, (&a, &b)) in expected.iter().zip(found).enumerate() {
            let difference = if a == b { 0.0 } else { (a - b).abs() / scale };
            if difference > ALLOWED || difference.is_nan() {
                let name = format!("{}.{}", model.graph().node(tensor.node).name, tensor.suffix);
                return Err(Failure::Differs {
                    tensor: format!("the derivative of {count} images by `{name}`"),
                    position: vec![at],
                    expected: a,
                    got: b,
                    difference,
                    allowed: format!("{ALLOWED:.0e}: {REASON}"),
                });
            }
            worst = worst.max(difference);
        }
    }
    Ok(worst)
}
