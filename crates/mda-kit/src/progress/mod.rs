//! What a long computation tells while it goes on, and how it is told to stop.

mod counted;
mod headway;

pub use headway::Headway;

use crate::catalogue::Entry;
use crate::study::{Failure, Record};
pub(crate) use counted::PASSES;

use counted::Counted;
use mda_core::run::{Batches, ImageSource, Runner, SourceError};
use std::time::Instant;
use thiserror::Error;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A step begins, perhaps within another one.
    Begins {
        /// What is done.
        step: &'a str,
        /// How far it has come, now and later.
        headway: &'a Headway,
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
        /// How many of them are done, now and later.
        headway: &'a Headway,
    },
    /// A run of a study is done.
    Measured(&'a Record),
    /// A component of a catalogue is done.
    Catalogued(&'a Entry),
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
        self.step_of(step, 0, |_| work())
    }

    /// Does a step that has `whole` to do, in whatever it counts, and adds to its headway what it has done.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn step_of<T, E>(&self, step: &str, whole: u64, work: impl FnOnce(&Headway) -> Result<T, E>) -> Result<T, E> {
        let headway = Headway::of(whole);
        self.on(Event::Begins { step, headway: &headway });
        let start = Instant::now();
        let done = work(&headway);
        headway.end();
        let done = done?;
        self.on(Event::Ends { step, seconds: start.elapsed().as_secs_f64() });
        Ok(done)
    }

    /// Does a step that runs models for about `macs` multiply-adds in all. It is handed a runner that does what `runner` does
    /// and counts.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn running<T, E>(
        &self,
        step: &str,
        runner: &Runner<'_>,
        macs: u64,
        work: impl FnOnce(&Runner<'_>, &Headway) -> Result<T, E>,
    ) -> Result<T, E> {
        self.step_of(step, macs, |headway| {
            let counted = Counted { backend: runner.backend, headway: headway.clone() };
            work(&Runner { backend: &counted, ..*runner }, headway)
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::MNIST;
    use crate::{Data, Runtime, Source};
    use std::sync::Mutex;

    /// Keeps every step's headway.
    #[derive(Default)]
    struct Steps(Mutex<Vec<(String, Headway)>>);

    impl Progress for Steps {
        fn on(&self, event: Event<'_>) {
            if let Event::Begins { step, headway } = event {
                assert!(headway.fraction().is_none_or(|done| done == 0.0) && !headway.is_over());
                self.0.lock().unwrap().push((step.to_owned(), headway.clone()));
            }
        }
    }

    #[test]
    fn a_step_knows_how_much_it_has_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = MNIST.unpack(folder.path()).unwrap();
        let source = Source::read(&unpacked.model).unwrap();
        let data = Data::open(&unpacked.data, source.model()).unwrap();
        let (steps, runtime) = (Steps::default(), Runtime::cpu());
        for whole in [false, true] {
            let disassembly = crate::disassemble(&source, &data).task("0-2").unwrap().progress(&steps);
            let disassembly = if whole { disassembly.keep_params(0.3) } else { disassembly };
            let component = disassembly.run(&runtime).unwrap();
            disassembly.measure(&component, &runtime).unwrap();
            crate::report(&component.model).data([&data]).sources([&source]).progress(&steps).run(&runtime).unwrap();
        }
        let steps = steps.0.into_inner().unwrap();
        let without: Vec<&str> =
            steps.iter().filter(|(_, headway)| headway.fraction().is_none()).map(|(step, _)| step.as_str()).collect();
        let untold = ["choosing what stays", "comparing layer by layer"];
        assert!(without.iter().all(|step| untold.contains(step)), "{without:?}");
        for (step, headway) in &steps {
            assert!(headway.is_over() && headway.fraction().is_none_or(|done| done > 0.5), "{step}: {headway:?}");
        }
        assert!(steps.iter().any(|(step, _)| step == "repairing"), "{steps:?}");
    }
}
