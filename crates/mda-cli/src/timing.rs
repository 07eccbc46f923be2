//! Named steps with their wall-clock seconds.

use crate::output::Output;
use serde::Serialize;
use std::time::Instant;

/// How long each step of a command took.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Timings(Vec<Step>);

#[derive(Debug, Serialize)]
struct Step {
    step: &'static str,
    seconds: f64,
}

impl Timings {
    /// Runs a step, tells its time on stderr, and keeps it.
    pub(crate) fn step<T, E>(
        &mut self,
        output: Output,
        step: &'static str,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let start = Instant::now();
        let result = work();
        let seconds = start.elapsed().as_secs_f64();
        if result.is_ok() {
            output.progress(format!("{step}: {seconds:.2} s"));
        }
        self.0.push(Step { step, seconds });
        result
    }
}
