//! What the model computes for the test images of its parts.

use crate::error::Error;
use crate::progress::{Progress, Stoppable};
use crate::report::subject::{PartOf, Subject};
use mda_core::evaluate::{Evaluation, LabelMap};
use mda_core::run::{ImageSource, LabelledLogits, Runner};

/// The test images of one part that the model knows.
pub(super) struct PartTest<'a> {
    pub(super) images: Stoppable<'a>,
    /// Their positions.
    pub(super) positions: Vec<usize>,
    /// Their logits, labelled as the model counts.
    pub(super) run: LabelledLogits,
}

/// The test images of all parts.
pub(super) struct Tested<'a> {
    pub(super) parts: Vec<Option<PartTest<'a>>>,
    pub(super) all: Evaluation,
}

impl<'a> Tested<'a> {
    /// The multiply-adds of [`Tested::new`].
    ///
    /// # Errors
    /// [`Error::Labels`], and as [`crate::Data::test`].
    pub(super) fn effort(subject: &Subject<'a>) -> Result<u64, Error> {
        let mut images = 0;
        for part in &subject.parts {
            if let Some(data) = part.data {
                images += known(part, data.test()?)?.1.len() as u64;
            }
        }
        Ok(images * subject.model.size().macs)
    }

    /// # Errors
    /// [`Error::NoTest`] without any data, [`Error::Labels`], [`Error::Run`], and as [`crate::Data::test`].
    pub(super) fn new(subject: &Subject<'a>, runner: &Runner<'_>, progress: &'a dyn Progress) -> Result<Self, Error> {
        let mut parts = Vec::new();
        for part in &subject.parts {
            let Some(data) = part.data else {
                parts.push(None);
                continue;
            };
            let images = Stoppable { images: data.test()?, progress };
            let (map, positions) = known(part, &images)?;
            let run = map.relabel(&runner.logits(subject.model, &images, &positions)?);
            parts.push(Some(PartTest { images, positions, run }));
        }
        let runs: Vec<LabelledLogits> = parts.iter().flatten().map(|part: &PartTest<'_>| part.run.clone()).collect();
        if runs.is_empty() {
            return Err(Error::NoTest);
        }
        let all = LabelledLogits::joined(runs).expect("one model has one number of logits");
        Ok(Self { parts, all: Evaluation::new(all) })
    }
}

/// What the labels of `images` mean to the model, and the positions of those that it knows.
fn known(part: &PartOf<'_>, images: &dyn ImageSource) -> Result<(LabelMap, Vec<usize>), Error> {
    let (map, labels) = (part.labels(images)?, images.labels());
    let positions = (0..labels.len()).filter(|&position| map.category(labels[position]).is_some()).collect();
    Ok((map, positions))
}
