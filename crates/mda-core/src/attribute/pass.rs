//! A measure at work on one model: batches are as full as they can be, whatever categories their images are of.

use crate::attribute::measure::{BatchView, Looks, Measuring, POSITIONS, Shown};
use crate::graph::NodeId;
use crate::method::Measure;
use crate::model::Model;
use crate::observe::Observations;
use crate::run::ImageSource;
use crate::run::backend::Probe;
use crate::run::{RunError, Runner, Running};
use crate::tensor::Tensor;
use std::collections::BTreeMap;
use std::ops::Range;

/// A category of the model and the positions of its images in the source.
type Part = (usize, Vec<usize>);

/// A measure and a model, which is compiled once for all categories.
pub(crate) struct Pass<'a> {
    model: &'a Model,
    measuring: Box<dyn Measuring>,
    probes: Vec<Probe>,
    /// Absent where the parameters alone tell.
    running: Option<Running<'a>>,
}

impl<'a> Pass<'a> {
    /// Compiles `model` with what a measure has to see.
    pub(crate) fn new(runner: &Runner<'a>, model: &'a Model, measure: Measure) -> Result<Self, RunError> {
        let measuring = measure.measuring();
        let probes = measuring.probes(model.graph());
        let running = if probes.is_empty() { None } else { Some(runner.start(model, &probes)?) };
        Ok(Self { model, measuring, probes, running })
    }

    /// What is seen of the images of all `parts` together.
    pub(crate) fn together(&mut self, source: &dyn ImageSource, parts: &[Part]) -> Result<Observations, RunError> {
        let images = parts.iter().map(|(_, indices)| indices.len()).sum();
        let Self { model, measuring, probes, running } = self;
        let mut seen = measuring.start(model);
        let Some(running) = running else { return Ok(seen) };
        let all = joined(parts);
        running.run(source, &all, |range, answers| {
            for piece in pieces(parts, &range) {
                let batch = Answered { model, probes, answers: &answers, images, positions: POSITIONS };
                let (looks, rows) = batch.look(&**measuring, parts, &piece, &range, &all);
                let (positions, indices) = (piece.positions.clone(), &all[piece.positions]);
                let most_rows = usize::MAX;
                let shown = Shown { model, looks: &looks, rows, images, positions, indices, most_rows };
                measuring.take_up(&shown, &mut seen);
            }
        })?;
        measuring.finish(&mut seen);
        Ok(seen)
    }

    /// What the measure keeps of every image of all `parts`, one behind the other: `[images, ...]` by layer, of up to so many
    /// `positions` an image where an observation is of `images` images.
    pub(crate) fn looks(
        &mut self,
        source: &dyn ImageSource,
        parts: &[Part],
        images: usize,
        positions: usize,
    ) -> Result<Looks, RunError> {
        let Self { model, measuring, probes, running } = self;
        let Some(running) = running else { return Ok(Looks::new()) };
        let all = joined(parts);
        let mut numbers: BTreeMap<NodeId, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
        running.run(source, &all, |range, answers| {
            for piece in pieces(parts, &range) {
                let batch = Answered { model, probes, answers: &answers, images, positions };
                for (layer, looks) in batch.look(&**measuring, parts, &piece, &range, &all).0 {
                    let (shape, kept) = numbers.entry(layer).or_default();
                    *shape = looks.shape().to_vec();
                    // All at once: growing by doubling would hold more than there will be.
                    kept.reserve_exact(if kept.is_empty() {
                        all.len() * looks.len() / looks.shape()[0].max(1)
                    } else {
                        0
                    });
                    kept.extend_from_slice(looks.data());
                }
            }
        })?;
        let whole = |(layer, (mut shape, kept)): (NodeId, (Vec<usize>, Vec<f32>))| {
            shape[0] = all.len();
            (layer, Tensor::new(shape, kept).expect("as many numbers of every image"))
        };
        Ok(numbers.into_iter().map(whole).collect())
    }

    /// Calls `finished(category, what is seen of its images)` for every one of `parts`, in their order, each as soon as all
    /// of its images have run. Every part has images.
    pub(crate) fn apart(
        &mut self,
        source: &dyn ImageSource,
        parts: &[Part],
        mut finished: impl FnMut(usize, Observations),
    ) -> Result<(), RunError> {
        let Self { model, measuring, probes, running } = self;
        let Some(running) = running else {
            parts.iter().for_each(|(category, _)| finished(*category, measuring.start(model)));
            return Ok(());
        };
        let mut seen = measuring.start(model);
        let all = joined(parts);
        running.run(source, &all, |range, answers| {
            for piece in pieces(parts, &range) {
                let (category, images) = (parts[piece.part].0, parts[piece.part].1.len());
                let batch = Answered { model, probes, answers: &answers, images, positions: POSITIONS };
                let (looks, rows) = batch.look(&**measuring, parts, &piece, &range, &all);
                let positions = piece.positions.start - piece.before..piece.positions.end - piece.before;
                let (last, indices) = (positions.end == images, &all[piece.positions.clone()]);
                let most_rows = usize::MAX;
                let shown = Shown { model, looks: &looks, rows, images, positions, indices, most_rows };
                measuring.take_up(&shown, &mut seen);
                if last {
                    measuring.finish(&mut seen);
                    finished(category, std::mem::replace(&mut seen, measuring.start(model)));
                }
            }
        })?;
        Ok(())
    }
}

/// What a backend answered for a batch, for an observation of so many images.
struct Answered<'a> {
    model: &'a Model,
    probes: &'a [Probe],
    answers: &'a [Tensor],
    images: usize,
    positions: usize,
}

impl Answered<'_> {
    /// What `measuring` keeps of a piece of the batch that holds the images `batch`, and its rows: all.
    fn look(
        &self,
        measuring: &dyn Measuring,
        parts: &[Part],
        piece: &Piece,
        batch: &Range<usize>,
        all: &[usize],
    ) -> (Looks, Range<usize>) {
        let Self { model, probes, answers, images, positions } = *self;
        let (rows, category, indices) = (piece.rows(batch), parts[piece.part].0, &all[piece.positions.clone()]);
        let count = rows.len();
        let view = BatchView { model, probes, batch: answers, rows, category, images, indices, positions };
        (measuring.look(&view), 0..count)
    }
}

fn joined(parts: &[Part]) -> Vec<usize> {
    parts.iter().flat_map(|(_, indices)| indices).copied().collect()
}

/// What a batch holds of one part.
struct Piece {
    part: usize,
    /// Images of all parts before this one.
    before: usize,
    /// Which images, counted over all parts.
    positions: Range<usize>,
}

/// The pieces of the batch that holds the images `batch`, counted over all parts.
fn pieces<'a>(parts: &'a [Part], batch: &'a Range<usize>) -> impl Iterator<Item = Piece> + 'a {
    let ends = parts.iter().scan(0, |end, (_, indices)| {
        *end += indices.len();
        Some((*end - indices.len(), *end))
    });
    let piece = |(part, (before, end)): (usize, (usize, usize))| {
        let positions = before.max(batch.start)..end.min(batch.end);
        (positions.start < positions.end).then_some(Piece { part, before, positions })
    };
    ends.enumerate().filter_map(piece)
}

impl Piece {
    /// Which rows of the answers for the images `batch` are of this piece.
    fn rows(&self, batch: &Range<usize>) -> Range<usize> {
        self.positions.start - batch.start..self.positions.end - batch.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_fall_into_the_parts_that_they_hold() {
        let parts = [(7, vec![1, 2, 3]), (8, vec![4]), (9, vec![5, 6])];
        let held = |batch: Range<usize>| -> Vec<(usize, usize, Range<usize>)> {
            pieces(&parts, &batch).map(|piece| (piece.part, piece.before, piece.positions)).collect()
        };
        assert_eq!(held(0..2), [(0, 0, 0..2)]);
        assert_eq!(held(2..5), [(0, 0, 2..3), (1, 3, 3..4), (2, 4, 4..5)]);
        assert_eq!(held(5..6), [(2, 4, 5..6)]);
        assert_eq!(joined(&parts), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_piece_has_its_own_rows() {
        let piece = Piece { part: 0, before: 0, positions: 11..12 };
        assert_eq!(piece.rows(&(10..13)), 1..2);
    }
}
