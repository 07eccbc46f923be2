//! What the model computes for the test images of its parts.

use crate::error::Error;
use crate::progress::{Progress, Stoppable};
use crate::report::subject::Subject;
use mda_core::evaluate::Evaluation;
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
    /// The multiply-adds of [`Tested::new`], at most.
    ///
    /// # Errors
    /// As [`crate::Data::test`].
    pub(super) fn effort(subject: &Subject<'a>) -> Result<u64, Error> {
        let mut images = 0;
        for data in subject.parts.iter().filter_map(|part| part.data) {
            images += data.test()?.labels().len() as u64;
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
            let map = part.labels(&images)?;
            let known = |&position: &usize| map.category(images.labels()[position]).is_some();
            let positions: Vec<usize> = (0..images.labels().len()).filter(known).collect();
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
