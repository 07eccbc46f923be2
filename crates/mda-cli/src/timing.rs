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
    /// The largest resident memory of the process up to the step's end, in MiB, where the system tells.
    peak_mib: Option<f64>,
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
            let memory = peak_mib().map(|peak| format!(", peak memory {peak:.0} MiB")).unwrap_or_default();
            output.progress(format!("{step}: {seconds:.2} s{memory}"));
        }
        self.0.push(Step { step, seconds, peak_mib: peak_mib() });
        result
    }
}

/// The largest resident memory that this process has had, in MiB, where the system tells (Linux).
pub(crate) fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
