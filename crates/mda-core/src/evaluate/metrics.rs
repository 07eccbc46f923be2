//! What logits are worth: accuracies, confusion, and the area under the ROC curve.

use crate::run::LabelledLogits;
use serde::Serialize;

/// Logits whose labels are numbered as the logits are.
#[derive(Clone, Debug)]
pub struct Evaluation {
    logits: Vec<f32>,
    labels: Vec<usize>,
    categories: usize,
}

/// Correct images among all images of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accuracy {
    /// Images whose largest logit is their category's.
    pub correct: usize,
    /// Images.
    pub total: usize,
}

impl Accuracy {
    /// The share of correct images in percent; 0 where there is no image.
    pub fn percent(self) -> f64 {
        if self.total == 0 { 0.0 } else { 100.0 * self.correct as f64 / self.total as f64 }
    }

    /// Both together: an average over images, not over categories.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { correct: self.correct + other.correct, total: self.total + other.total }
    }
}

impl Evaluation {
    /// Takes logits whose labels already count the model's categories.
    ///
    /// # Panics
    /// Where a label is not below K.
    pub fn new(run: LabelledLogits) -> Self {
        let categories = run.logits.shape()[1];
        assert!(run.labels.iter().all(|&label| label < categories), "labels count the model's categories");
        Self { logits: run.logits.into_data(), labels: run.labels, categories }
    }

    fn rows(&self) -> impl Iterator<Item = (&[f32], usize)> {
        self.logits.chunks(self.categories).zip(self.labels.iter().copied())
    }

    /// The accuracy over the images of `categories`, the largest logit taken over all categories.
    pub fn among(&self, categories: &[usize]) -> Accuracy {
        self.count(categories, None)
    }

    /// The accuracy over the images of `categories`, the largest logit taken over `categories` only.
    pub fn within(&self, categories: &[usize]) -> Accuracy {
        self.count(categories, Some(categories))
    }

    /// The accuracy over all images.
    pub fn overall(&self) -> Accuracy {
        self.among(&(0..self.categories).collect::<Vec<_>>())
    }

    /// Whether each image of `categories` is told right, the largest logit taken over `categories` only; in the order of
    /// the images, those of other categories left out.
    pub fn correct_within(&self, categories: &[usize]) -> Vec<bool> {
        self.correct(categories, Some(categories))
    }

    fn count(&self, categories: &[usize], choices: Option<&[usize]>) -> Accuracy {
        let correct = self.correct(categories, choices);
        Accuracy { correct: correct.iter().filter(|&&correct| correct).count(), total: correct.len() }
    }

    fn correct(&self, categories: &[usize], choices: Option<&[usize]>) -> Vec<bool> {
        let mut wanted = vec![false; self.categories];
        categories.iter().for_each(|&category| wanted[category] = true);
        let own = self.rows().filter(|&(_, label)| wanted[label]);
        own.map(|(logits, label)| arg_max(logits, choices) == Some(label)).collect()
    }

    /// The mean negative log-likelihood (in nats) of the labels over the images of `categories`, the softmax taken over
    /// `categories` only; 0 where there is no image.
    pub fn loss_within(&self, categories: &[usize]) -> f64 {
        let mut wanted = vec![false; self.categories];
        categories.iter().for_each(|&category| wanted[category] = true);
        let (mut sum, mut images) = (0.0, 0usize);
        for (logits, label) in self.rows().filter(|&(_, label)| wanted[label]) {
            let max = categories.iter().map(|&k| f64::from(logits[k])).fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = categories.iter().map(|&k| (f64::from(logits[k]) - max).exp()).sum();
            sum += total.ln() + max - f64::from(logits[label]);
            images += 1;
        }
        sum / images.max(1) as f64
    }

    /// The logits of one category, an image each, and whether the image is of it: what [`auroc`] takes.
    pub fn scores_of(&self, category: usize) -> (Vec<f32>, Vec<bool>) {
        self.rows().map(|(logits, label)| (logits[category], label == category)).unzip()
    }

    /// The accuracy of every category's own images, the largest logit taken over all.
    pub fn per_category(&self) -> Vec<Accuracy> {
        (0..self.categories).map(|category| self.among(&[category])).collect()
    }

    /// The mean of the categories' own accuracies in percent, over those that have images; 0 where none has.
    pub fn balanced(&self) -> f64 {
        let own: Vec<f64> =
            self.per_category().into_iter().filter(|own| own.total > 0).map(Accuracy::percent).collect();
        own.iter().sum::<f64>() / own.len().max(1) as f64
    }

    /// `confusion[label][prediction]`: how many images of a category were taken for which.
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        let mut confusion = vec![vec![0; self.categories]; self.categories];
        for (logits, label) in self.rows() {
            if let Some(prediction) = arg_max(logits, None) {
                confusion[label][prediction] += 1;
            }
        }
        confusion
    }
}

/// The index of the largest logit, the first of equals, among `choices` or all; `None` without any or where all are NaN.
pub fn arg_max(logits: &[f32], choices: Option<&[usize]>) -> Option<usize> {
    let mut best: Option<usize> = None;
    let mut look = |k: usize| {
        if !logits[k].is_nan() && best.is_none_or(|b| logits[k] > logits[b]) {
            best = Some(k);
        }
    };
    match choices {
        Some(choices) => choices.iter().copied().for_each(&mut look),
        None => (0..logits.len()).for_each(&mut look),
    }
    best
}

/// The area under the ROC curve of `scores` for telling `positive` images from the others: the probability that a
/// positive one scores higher, ties counted half. `None` without positives or without negatives.
pub fn auroc(scores: &[f32], positive: &[bool]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..].iter().take_while(|&&i| scores[i] == scores[order[start]]).count().max(1);
        let rank = start as f64 + (tied as f64 + 1.0) / 2.0;
        rank_sum += order[start..start + tied].iter().filter(|&&i| positive[i]).count() as f64 * rank;
        start += tied;
    }
    let positives = positive.iter().filter(|&&p| p).count() as f64;
    let negatives = positive.len() as f64 - positives;
    (positives > 0.0 && negatives > 0.0)
        .then(|| (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    fn evaluation() -> Evaluation {
        let logits = vec![3.0, 1.0, 0.0, 0.0, 1.0, 2.0, 1.0, 0.0, 5.0, 0.0, 2.0, 1.0];
        let logits = Tensor::new([4, 3], logits).unwrap();
        Evaluation::new(LabelledLogits { logits, labels: vec![0, 1, 0, 1] })
    }

    #[test]
    fn restricting_the_choices_can_only_help() {
        let e = evaluation();
        assert_eq!(e.among(&[0, 1]), Accuracy { correct: 2, total: 4 });
        assert_eq!(e.within(&[0, 1]), Accuracy { correct: 4, total: 4 });
        assert_eq!(e.confusion(), vec![vec![1, 0, 1], vec![0, 1, 1], vec![0, 0, 0]]);
        assert_eq!(e.per_category()[2].percent(), 0.0);
        assert_eq!(e.balanced(), 50.0, "a category without images does not count");
    }

    #[test]
    fn the_loss_is_that_of_a_softmax_over_the_task() {
        let logits = Tensor::new([1, 3], vec![1.0, 1.0, 9.0]).unwrap();
        let e = Evaluation::new(LabelledLogits { logits, labels: vec![0] });
        assert!((e.loss_within(&[0, 1]) - 2f64.ln()).abs() < 1e-12);
        assert!(e.loss_within(&[0, 1, 2]) > 8.0);
    }

    #[test]
    fn auroc_counts_ordered_pairs() {
        assert_eq!(auroc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), Some(0.75));
        assert_eq!(auroc(&[1.0, 1.0], &[true, false]), Some(0.5));
        assert_eq!(auroc(&[1.0], &[true]), None);
    }

    #[test]
    fn nan_never_wins() {
        assert_eq!(arg_max(&[f32::NAN, 1.0], None), Some(1));
        assert_eq!(arg_max(&[f32::NAN], None), None);
    }
}
