//! How long a model takes here.

use crate::error::Error;
use crate::report::value::Speed;
use mda_core::Model;
use mda_core::run::{ImageSource, RunError, Runner};
use mda_core::tensor::Tensor;
use std::time::{Duration, Instant};

/// How long a model is run for one number, about.
const LONG_ENOUGH: Duration = Duration::from_millis(250);
/// Runs of which the quickest counts, at least and at most: what else goes on here only makes them slower.
const RUNS: [usize; 2] = [3, 60];

/// How long `model` takes for images of `test`; `None` without images.
pub(super) fn speed(model: &Model, test: &dyn ImageSource, runner: &Runner<'_>) -> Result<Option<Speed>, Error> {
    let count = test.labels().len().min(runner.batch_size);
    let positions: Vec<usize> = (0..count).collect();
    let Some(batch) = test.batches(&positions, count.max(1)).next() else { return Ok(None) };
    let images = batch.map_err(RunError::Source)?.images;
    let mut session = runner.backend.compile(model, runner.device, &[])?.session()?;
    let mut measured = |images: &Tensor| -> Result<f64, Error> {
        // The first run makes buffers.
        session.run(images)?;
        let (start, mut times) = (Instant::now(), Vec::new());
        while times.len() < RUNS[0] || (start.elapsed() < LONG_ENOUGH && times.len() < RUNS[1]) {
            let own = Instant::now();
            session.run(images)?;
            times.push(own.elapsed().as_secs_f64());
        }
        Ok(1000.0 * times.into_iter().fold(f64::INFINITY, f64::min))
    };
    let alone = measured(&images.select(0, &[0]))?;
    let many = measured(&images)? / count as f64;
    Ok(Some(Speed { alone, many, batch: count }))
}
