//! Named steps with their wall-clock seconds.

use crate::output::Output;
use crate::progress::Live;
use mda::{Event, Progress, peak_mib};
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// How long each step of a command took.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Timings(Vec<Step>);

#[derive(Debug, Serialize)]
struct Step {
    step: String,
    seconds: f64,
    /// The largest resident memory of the process up to the step's end, in MiB, where the system tells.
    peak_mib: Option<f64>,
}

/// Tells the user how the work goes, and keeps how long each step took.
pub(crate) struct Listener {
    output: Output,
    live: Live,
    timings: Mutex<Timings>,
}

impl Listener {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, live: Live::new(output), timings: Mutex::default() }
    }

    /// As the library is told of it.
    pub(crate) fn progress(&self) -> &dyn Progress {
        self
    }

    /// All steps so far.
    pub(crate) fn timings(self) -> Timings {
        self.timings.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Listener {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Begins { step, headway } => self.live.begins(step, headway),
            Event::Ends { step, seconds } => {
                let peak_mib = peak_mib();
                let memory = peak_mib.map(|peak| format!(", peak memory {peak:.0} MiB")).unwrap_or_default();
                self.output.progress(format!("{step}: {seconds:.2} s{memory}"));
                let mut timings = self.timings.lock().unwrap_or_else(PoisonError::into_inner);
                timings.0.push(Step { step: step.to_owned(), seconds, peak_mib });
            }
            Event::Note(text) => self.output.note(text),
            Event::Warning(text) => self.output.warning(text),
            _ => {}
        }
    }
}
