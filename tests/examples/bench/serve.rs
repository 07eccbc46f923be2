//! Timed passes on demand: one line in, one pass, one line of seconds out.
//!
//! A contestant is a process that has loaded and warmed up everything before it says that it is ready, so that passes of
//! several contestants can be taken in alternation.

use crate::network::{model_file, read_images, write_numbers};
use anyhow::{Context, bail};
use mda_backend_candle::CandleBackend;
use mda_backend_cpu::CpuBackend;
use mda_core::Tensor;
use mda_core::attribute::attribute;
use mda_core::method::Formulation;
use mda_core::observe::gradient::cross_entropy_gradient;
use mda_core::run::Runner;
use mda_core::run::backend::{Backend, TrainedNumbers};
use mda_testkit::labelled::LabelledImages;
use std::io::{BufRead, Write};
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

/// Images at a time where a data set is walked.
const BATCH: usize = 64;

fn backend(name: &str) -> anyhow::Result<Box<dyn Backend>> {
    Ok(match name {
        "cpu" => Box::new(CpuBackend::new()),
        "candle" => Box::new(CandleBackend::new()),
        _ => bail!("no backend `{name}` to compare; there are cpu and candle"),
    })
}

/// Serves forward passes over one batch; writes the logits beside the network first, for all contestants to compare.
pub(crate) fn forward(folder: &Path, images: usize, threads: usize, name: &str) -> anyhow::Result<()> {
    let model = mda_formats::native::read(&model_file(folder))?;
    let batch = read_images(folder, &model, images)?;
    let mut session = backend(name)?.compile(&model, None, &[])?.session()?;
    in_pool(threads, || {
        write_numbers(&folder.join(format!("logits.{name}.f32")), &session.run(&batch)?.logits)?;
        serve(|| {
            session.run(&batch)?;
            Ok(())
        })
    })
}

/// Serves steps of training on one batch: the derivative of the mean cross-entropy by every trained number, and a step of SGD. All labels
/// are the first category's.
pub(crate) fn training(folder: &Path, images: usize, threads: usize) -> anyhow::Result<()> {
    let model = mda_formats::native::read(&model_file(folder))?;
    let batch = read_images(folder, &model, images)?;
    let mut trainer = CpuBackend::new().train(&model, None)?;
    let trained = TrainedNumbers::new(model.graph());
    let (mut numbers, mut gradient) = (trained.of(&model), vec![0.0; trained.len()]);
    let loss = |range: Range<usize>, logits: &Tensor| {
        let mut seed = cross_entropy_gradient(logits, 0);
        seed.data_mut().iter_mut().for_each(|slope| *slope /= images as f32);
        // Nobody looks at the loss.
        (range.len() as f64, seed)
    };
    in_pool(threads, || {
        let mut pass = || -> anyhow::Result<()> {
            trainer.step(&batch, &numbers, &loss, &mut gradient)?;
            numbers.iter_mut().zip(&gradient).for_each(|(number, slope)| *number -= 1e-6 * slope);
            Ok(())
        };
        pass()?;
        pass()?;
        serve(pass)
    })
}

/// Serves walks over `images` images: the logits alone (`attributing` false), or attribution of every category.
pub(crate) fn walk(folder: &Path, images: usize, threads: usize, attributing: bool) -> anyhow::Result<()> {
    let model = mda_formats::native::read(&model_file(folder))?;
    let source = LabelledImages::new(read_images(folder, &model, images)?, model.categories());
    let (backend, all) = (CpuBackend::new(), (0..images).collect::<Vec<_>>());
    let runner = Runner { backend: &backend, device: None, batch_size: BATCH };
    let mut selection = source.selection();
    selection.categories.retain(|(_, images)| !images.is_empty());
    let formulation = Formulation::graph();
    in_pool(threads, || {
        let pass = || -> anyhow::Result<()> {
            if attributing {
                attribute(&runner, &model, &source, &selection, &formulation)?;
            } else {
                runner.logits(&model, &source, &all)?;
            }
            Ok(())
        };
        pass()?;
        serve(pass)
    })
}

fn in_pool(threads: usize, work: impl FnOnce() -> anyhow::Result<()> + Send) -> anyhow::Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(work)
}

/// Answers wall seconds, CPU seconds and the peak memory so far in MiB for every line that comes in.
fn serve(mut pass: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut answers = std::io::stdout();
    writeln!(answers, "ready")?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let (start, cpu) = (Instant::now(), cpu_seconds()?);
        pass()?;
        writeln!(answers, "{} {} {}", start.elapsed().as_secs_f64(), cpu_seconds()? - cpu, peak_mib()?)?;
    }
    Ok(())
}

/// Seconds that all threads of this process have computed.
fn cpu_seconds() -> anyhow::Result<f64> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").context("bench reads Linux's /proc")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split(' ').next().context("an empty schedstat")?.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// The largest resident set of this process so far.
fn peak_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM in /proc/self/status")?;
    let kib = line.split_whitespace().nth(1).context("an empty VmHWM")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
