//! What a long computation tells while it goes on, and how it is told to stop.

use crate::study::{Failure, Record};
use mda_core::run::{Batches, ImageSource, SourceError};
use std::time::Instant;
use thiserror::Error;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A step begins.
    Begins {
        /// What is done.
        step: &'a str,
    },
    /// A step is done.
    Ends {
        /// What was done.
        step: &'a str,
        /// How long it took, by the clock on the wall.
        seconds: f64,
    },
    /// A study begins.
    Planned {
        /// Its name.
        study: &'a str,
        /// How many pieces of work are to be done, of one or several runs each.
        pieces: usize,
    },
    /// A run of a study is done.
    Measured(&'a Record),
    /// A run of a study is not to be had.
    Failed(&'a Failure),
    /// Something that the user should know.
    Note(&'a str),
    /// Something that is likely not meant.
    Warning(&'a str),
}

/// Who is told, and who may stop the work. The work goes on, on several threads perhaps, while it tells.
pub trait Progress: Sync {
    /// Hears of an event.
    fn on(&self, event: Event<'_>);

    /// Whether to stop; asked before every batch of images. The work then ends with [`Error::Cancelled`](crate::Error).
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Hears nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn on(&self, _event: Event<'_>) {}
}

impl dyn Progress + '_ {
    /// Does a step, and tells when it begins and how long it took; of a step that fails only that it began.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn step<T, E>(&self, step: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.on(Event::Begins { step });
        let start = Instant::now();
        let done = work()?;
        self.on(Event::Ends { step, seconds: start.elapsed().as_secs_f64() });
        Ok(done)
    }

    pub(crate) fn note(&self, text: impl AsRef<str>) {
        self.on(Event::Note(text.as_ref()));
    }

    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.on(Event::Warning(text.as_ref()));
    }
}

/// The work was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("stopped before it was done")]
pub struct Cancelled;

/// Images that are no longer handed out once the work is to stop.
pub(crate) struct Stoppable<'a> {
    pub(crate) images: &'a dyn ImageSource,
    pub(crate) progress: &'a dyn Progress,
}

impl ImageSource for Stoppable<'_> {
    fn categories(&self) -> &[String] {
        self.images.categories()
    }

    fn labels(&self) -> &[usize] {
        self.images.labels()
    }

    fn name(&self, index: usize) -> Option<String> {
        self.images.name(index)
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        let mut batches = self.images.batches(indices, batch_size);
        Box::new(std::iter::from_fn(move || match self.progress.is_cancelled() {
            true => Some(Err(SourceError::from(Cancelled))),
            false => batches.next(),
        }))
    }
}
