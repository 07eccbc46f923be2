//! What is taken for what, and whose images go to whom.

use super::tested::Tested;
use crate::report::subject::Subject;
use crate::report::value::{Confusion, Worst};
use mda_core::evaluate::arg_max;
use mda_core::run::ImageSource;

/// How many of the worst images are shown.
const WORST: usize = 14;

/// What is taken for what, and the images to show, in the order of their tiles.
pub(super) fn confusion<'a>(
    subject: &Subject<'_>,
    tested: &'a Tested<'_>,
) -> (Option<Confusion>, Vec<(&'a dyn ImageSource, usize)>) {
    if !subject.chooses() {
        return (None, Vec::new());
    }
    let mut wrong = Vec::new();
    for (index, part) in tested.parts.iter().enumerate() {
        let Some(part) = part else { continue };
        for (row, &label) in part.run.labels.iter().enumerate() {
            let logits = part.run.logits.row(row);
            let Some(taken) = arg_max(logits, None).filter(|&taken| taken != label) else { continue };
            let log = log_softmax(logits);
            wrong.push((log[label], index, row, label, taken, 100.0 * log[taken].exp()));
        }
    }
    wrong.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    wrong.truncate(WORST);
    let (mut worst, mut images): (Vec<Worst>, Vec<(&'a dyn ImageSource, usize)>) = Default::default();
    for (tile, (_, part, row, label, taken, sure)) in wrong.into_iter().enumerate() {
        let Some(part) = &tested.parts[part] else { continue };
        let position = part.positions[row];
        worst.push(Worst { tile, name: part.images.name(position), label, taken, sure });
        images.push((&part.images, position));
    }
    (Some(Confusion { counts: tested.all.confusion(), worst }), images)
}

/// `takes[own][taker]`: how many test images of a part are taken for a category of which part.
pub(super) fn takes(subject: &Subject<'_>, tested: &Tested<'_>) -> Vec<Vec<usize>> {
    let part_of = |category: usize| subject.parts.iter().position(|part| part.block.contains(&category));
    let mut takes = vec![vec![0; subject.parts.len()]; subject.parts.len()];
    for (label, counts) in tested.all.confusion().iter().enumerate() {
        for (prediction, count) in counts.iter().enumerate() {
            if let (Some(own), Some(taker)) = (part_of(label), part_of(prediction)) {
                takes[own][taker] += count;
            }
        }
    }
    takes
}

fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|&logit| f64::from(logit - max).exp()).sum();
    logits.iter().map(|&logit| f64::from(logit - max) - total.ln()).collect()
}
