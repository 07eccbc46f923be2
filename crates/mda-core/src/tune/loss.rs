//! What is learned: the teacher's soft answers, and labels where they count.

use crate::method::Tuning;
use crate::tensor::Tensor;
use std::ops::Range;

/// What is wanted of the images of a batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// The probability of every logit, `[N, K]`; of a model with one logit, that logit. Empty where no answers count.
    pub(super) soft: Vec<f32>,
    /// The logit that an image's label stands for.
    pub(super) labels: Vec<Option<usize>>,
}

/// How far logits are from what is wanted.
///
/// The divergence of Kullback and Leibler between the answers softened by a temperature, times its square, as in Hinton, Vinyals and
/// Dean, "Distilling the Knowledge in a Neural Network" (2015); and the cross-entropy with labels. One logit alone has no
/// probabilities: half of the squared difference from the teacher's counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Criterion {
    temperature: f64,
    labels: f64,
}

impl Criterion {
    /// As a tuning has it. Without a teacher labels alone count.
    pub(super) fn new(tuning: &Tuning, taught: bool) -> Self {
        Self { temperature: tuning.temperature, labels: if taught { tuning.labels } else { 1.0 } }
    }

    /// What a teacher's logits ask for.
    pub(super) fn soften(&self, logits: &[f32]) -> Vec<f32> {
        match *logits {
            [one] => vec![one],
            _ => softmax(logits, self.temperature).into_iter().map(|p| p as f32).collect(),
        }
    }

    /// The loss of the images `range` of what is wanted, summed, and its derivative by their logits, `[N, K]`, times `scale`.
    pub(super) fn of(&self, wanted: &Wanted, range: Range<usize>, logits: &Tensor, scale: f64) -> (f64, Tensor) {
        let categories = logits.shape()[1];
        let (mut loss, mut seed) = (0.0, Vec::with_capacity(logits.len()));
        let soft = 1.0 - self.labels;
        for (image, row) in range.zip(logits.data().chunks(categories)) {
            let mut slope = vec![0.0; categories];
            if soft > 0.0 && !wanted.soft.is_empty() {
                let asked = &wanted.soft[image * categories..(image + 1) * categories];
                loss += soft * self.divergence(asked, row, soft, &mut slope);
            }
            if let Some(label) = wanted.labels.get(image).copied().flatten().filter(|_| self.labels > 0.0) {
                let p = softmax(row, 1.0);
                loss -= self.labels * p[label].max(f64::MIN_POSITIVE).ln();
                slope.iter_mut().zip(&p).for_each(|(slope, p)| *slope += self.labels * p);
                slope[label] -= self.labels;
            }
            seed.extend(slope.into_iter().map(|slope| (scale * slope) as f32));
        }
        (loss, Tensor::new(logits.shape(), seed).expect("one number a logit"))
    }

    /// The divergence of one image, whose derivative, times `weight`, is added to `slope`.
    fn divergence(&self, asked: &[f32], logits: &[f32], weight: f64, slope: &mut [f64]) -> f64 {
        if let ([asked], [logit], [slope]) = (asked, logits, &mut *slope) {
            let difference = f64::from(*logit) - f64::from(*asked);
            *slope += weight * difference;
            return 0.5 * difference * difference;
        }
        let t = self.temperature;
        let mut sum = 0.0;
        for ((&asked, p), slope) in asked.iter().zip(softmax(logits, t)).zip(slope) {
            let asked = f64::from(asked);
            if asked > 0.0 {
                sum += asked * (asked / p.max(f64::MIN_POSITIVE)).ln();
            }
            *slope += weight * t * (p - asked);
        }
        t * t * sum
    }
}

/// The probabilities of logits that are divided by a temperature.
fn softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exp: Vec<f64> = logits.iter().map(|&x| (f64::from(x - largest) / temperature).exp()).collect();
    let sum: f64 = exp.iter().sum();
    exp.into_iter().map(|e| e / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(numbers: &[f32]) -> Tensor {
        Tensor::new([1, numbers.len()], numbers.to_vec()).unwrap()
    }

    #[test]
    fn slopes_agree_with_difference_quotients() {
        let logits = [0.7, -1.3, 2.1];
        for (labels, teacher) in [(0.0, true), (0.4, true), (0.0, false)] {
            let criterion = Criterion::new(&Tuning { labels, temperature: 3.0, ..Default::default() }, teacher);
            let soft = if teacher { criterion.soften(&[1.0, 0.5, -0.5]) } else { Vec::new() };
            let wanted = Wanted { soft, labels: vec![Some(1)] };
            let (_, seed) = criterion.of(&wanted, 0..1, &tensor(&logits), 1.0);
            for k in 0..3 {
                let moved = |step: f32| {
                    let mut moved = logits;
                    moved[k] += step;
                    criterion.of(&wanted, 0..1, &tensor(&moved), 1.0).0
                };
                let quotient = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                assert!((quotient - f64::from(seed.data()[k])).abs() < 1e-4, "{labels} {k}: {quotient} {seed:?}");
            }
        }
    }

    #[test]
    fn equal_answers_are_no_loss_and_labels_count_only_where_they_shall() {
        let criterion = Criterion::new(&Tuning::default(), true);
        let wanted = Wanted { soft: criterion.soften(&[1.0, 2.0]), labels: vec![Some(0)] };
        let (loss, seed) = criterion.of(&wanted, 0..1, &tensor(&[3.0, 4.0]), 1.0);
        assert!(loss.abs() < 1e-6 && seed.data().iter().all(|g| g.abs() < 1e-6), "{loss} {seed:?}");
        let one = Wanted { soft: criterion.soften(&[5.0]), labels: vec![None] };
        let (loss, seed) = criterion.of(&one, 0..1, &tensor(&[3.0]), 0.5);
        assert_eq!((loss, seed.data()), (2.0, &[-1.0][..]));
    }
}
