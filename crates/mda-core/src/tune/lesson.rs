//! What is learned from: images, and who answers for them.

use super::augment::Change;
use super::loss::{Criterion, Wanted};
use crate::evaluate::LabelMap;
use crate::model::Model;
use crate::run::backend::{BackendError, Session};
use crate::run::{Batches, ImageSource, RunError, Runner};
use crate::tensor::Tensor;
use std::collections::HashMap;
use std::ops::Range;

/// The most numbers of answers that are kept so that a teacher does not give them again.
const MOST_KEPT: usize = 1 << 26;

/// Images that are about some logits of a model, and the teacher of these.
#[derive(Clone)]
pub struct Lesson<'a> {
    /// The images.
    pub images: &'a dyn ImageSource,
    /// The positions that are learned from.
    pub train: Vec<usize>,
    /// The positions that judge.
    pub held_out: Vec<usize>,
    /// The logits. All others are to be improbable.
    pub block: Range<usize>,
    /// Whose answers are learned; labels alone count where nobody's are.
    pub teacher: Option<Teacher<'a>>,
    /// The logit that a label stands for.
    pub labels: LabelMap,
}

/// A model whose answers are learned.
#[derive(Clone)]
pub struct Teacher<'a> {
    /// The model.
    pub model: &'a Model,
    /// Which of its logits is the first, the second and so on of the lesson's block.
    pub logits: Vec<usize>,
}

/// A lesson while it is given.
pub(super) struct Class<'a> {
    pub(super) lesson: Lesson<'a>,
    teacher: Option<Box<dyn Session>>,
    /// What the teacher has said of an image as it is and in a mirror; `None` where images are changed in too many ways to meet again.
    said: Option<HashMap<(usize, bool), Vec<f32>>>,
    /// What is wanted of the held-out images.
    judged: Wanted,
    criterion: Criterion,
    categories: usize,
}

impl<'a> Class<'a> {
    /// Begins a lesson for a model with so many categories.
    pub(super) fn new(
        lesson: Lesson<'a>,
        runner: &Runner<'_>,
        criterion: Criterion,
        categories: usize,
        meets_again: bool,
    ) -> Result<Self, RunError> {
        let compiled = |teacher: &Teacher<'_>| runner.backend.compile(teacher.model, runner.device, &[])?.session();
        let teacher = lesson.teacher.as_ref().map(compiled).transpose()?;
        let few = lesson.train.len().saturating_mul(2 * lesson.block.len()) <= MOST_KEPT;
        let said = (meets_again && few).then(HashMap::new);
        let mut class = Self { lesson, teacher, said, judged: Wanted::default(), criterion, categories };
        class.judge(runner.batch_size)?;
        Ok(class)
    }

    /// Asks the teacher about the held-out images.
    fn judge(&mut self, batch_size: usize) -> Result<(), RunError> {
        let images = self.lesson.images;
        let positions = self.lesson.held_out.clone();
        for batch in images.batches(&positions, batch_size) {
            let batch = batch.map_err(RunError::Source)?;
            let answers = self.answers(&batch.images)?;
            self.judged.soft.extend(answers.into_iter().flatten());
            self.judged.labels.extend(batch.labels.iter().map(|&label| self.lesson.labels.category(label)));
        }
        Ok(())
    }

    /// What the teacher asks for, for every image a number a logit; nothing without a teacher.
    fn answers(&mut self, images: &Tensor) -> Result<Vec<Vec<f32>>, BackendError> {
        let (Some(session), Some(teacher)) = (&mut self.teacher, &self.lesson.teacher) else { return Ok(Vec::new()) };
        let logits = session.run(images)?.logits;
        let answer = |row: &[f32]| {
            let own: Vec<f32> = teacher.logits.iter().map(|&logit| row[logit]).collect();
            let mut all = vec![0.0; self.categories];
            all[self.lesson.block.clone()].copy_from_slice(&self.criterion.soften(&own));
            all
        };
        Ok((0..images.shape()[0]).map(|n| answer(logits.row(n))).collect())
    }

    /// Writes what is wanted of some images of a batch, as they are changed, to their places: each of `seen` is a place, which train
    /// image it is, and the change.
    pub(super) fn want(
        &mut self,
        batch: &Tensor,
        seen: &[(usize, usize, Change)],
        wanted: &mut Wanted,
    ) -> Result<(), BackendError> {
        if self.teacher.is_none() {
            return Ok(());
        }
        let known = |&(_, image, change): &(usize, usize, Change)| {
            self.said.as_ref().is_some_and(|said| said.contains_key(&(image, change.flip)))
        };
        let new: Vec<(usize, usize, Change)> = seen.iter().copied().filter(|seen| !known(seen)).collect();
        let mut fresh = HashMap::new();
        if !new.is_empty() {
            let places: Vec<usize> = new.iter().map(|&(place, ..)| place).collect();
            let answers = self.answers(&batch.select(0, &places))?;
            for (&(place, image, change), answer) in new.iter().zip(answers) {
                if let Some(said) = &mut self.said {
                    said.insert((image, change.flip), answer.clone());
                }
                fresh.insert(place, answer);
            }
        }
        for &(place, image, change) in seen {
            let said = self.said.as_ref().and_then(|said| said.get(&(image, change.flip)));
            let answer = said.or_else(|| fresh.get(&place)).expect("the teacher has just been asked");
            wanted.soft[place * self.categories..][..self.categories].copy_from_slice(answer);
        }
        Ok(())
    }

    /// The loss of `model` on the held-out images, summed.
    pub(super) fn loss(&self, runner: &Runner<'_>, model: &Model) -> Result<f64, RunError> {
        let run = runner.logits(model, self.lesson.images, &self.lesson.held_out)?;
        Ok(self.criterion.of(&self.judged, 0..run.labels.len(), &run.logits, 1.0).0)
    }
}

/// Images of a walk, one at a time.
pub(super) struct Walk<'a> {
    batches: Batches<'a>,
    current: Option<crate::run::Batch>,
    next: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(batches: Batches<'a>) -> Self {
        Self { batches, current: None, next: 0 }
    }

    /// Hands the next image and its label to `see`.
    pub(super) fn next(&mut self, see: impl FnOnce(&[f32], usize)) -> Result<(), RunError> {
        if self.current.as_ref().is_none_or(|batch| self.next == batch.labels.len()) {
            let ended = || RunError::Source("fewer images than were asked for".into());
            self.current = Some(self.batches.next().ok_or_else(ended)?.map_err(RunError::Source)?);
            self.next = 0;
        }
        if let Some(batch) = &self.current {
            see(batch.images.row(self.next), batch.labels[self.next]);
            self.next += 1;
        }
        Ok(())
    }
}
