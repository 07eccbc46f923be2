//! A session: batches in, in parts where they are large, answers out.

use crate::error::failed;
use crate::gpu::Gpu;
use crate::memory::{Memory, NUMBER};
use crate::plan::Plan;
use mda_core::Tensor;
use mda_core::run::backend::{BackendError, RunOutput, Session, check_batch};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use wgpu::{MapMode, PollType};

/// A plan with buffers of its own.
#[derive(Debug)]
pub(crate) struct Running {
    gpu: Arc<Gpu>,
    plan: Arc<Plan>,
    memory: Option<Memory>,
}

impl Session for Running {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        let count = check_batch(self.plan.input, batch)?;
        let (gpu, plan) = (Arc::clone(&self.gpu), Arc::clone(&self.plan));
        let axes = plan.answers.iter().map(|axes| std::iter::once(count).chain(axes[1..].iter().copied()));
        let mut answers: Vec<Tensor> = axes.map(|axes| Tensor::zeros(axes.collect::<Vec<usize>>())).collect();
        let part = self.part(count);
        let row = plan.input.elements();
        for start in (0..count).step_by(part) {
            let images = start..count.min(start + part);
            let input = &batch.data()[images.start * row..images.end * row];
            // A run that failed leaves buffers in an unknown state.
            let memory = self.memory.take();
            let run = || run_part(&gpu, &plan, memory, input, images, &mut answers);
            self.memory = Some(gpu.guarded(run)?);
        }
        let mut answers = answers.into_iter();
        let logits = answers.next().ok_or_else(|| failed("a plan without logits"))?;
        Ok(RunOutput { logits, probes: answers.collect() })
    }
}

impl Running {
    pub(crate) fn new(gpu: Arc<Gpu>, plan: Arc<Plan>) -> Self {
        Self { gpu, plan, memory: None }
    }

    /// Images that run at once.
    fn part(&self, count: usize) -> usize {
        let answers = (0..self.plan.answers.len()).map(|answer| self.plan.answer_size(answer));
        let values = self.plan.slots.iter().copied().chain([self.plan.input.elements()]);
        let sizes: Vec<u64> = values.chain(answers).map(|numbers| numbers as u64 * NUMBER).collect();
        self.gpu.limits().part(count, sizes.iter().copied().max().unwrap_or(0), sizes.iter().sum())
    }
}

/// Runs `input` and writes the answers for `images`, which are their positions in the whole batch.
fn run_part(
    gpu: &Gpu,
    plan: &Plan,
    memory: Option<Memory>,
    input: &[f32],
    images: Range<usize>,
    answers: &mut [Tensor],
) -> Result<Memory, BackendError> {
    let memory = Memory::holding(memory, gpu, plan, images.len())?;
    let submission = memory.submit(gpu, plan, input);
    let (sender, mapped) = channel();
    for answer in 0..answers.len() {
        let sender = sender.clone();
        // The receiver is gone only after an error, which is reported already.
        memory.answer(plan, answer).map_async(MapMode::Read, move |result| drop(sender.send(result)));
    }
    drop(sender);
    let wait = PollType::Wait { submission_index: Some(submission), timeout: None };
    gpu.device().poll(wait).map_err(|error| failed(format!("waiting for the device: {error}")))?;
    answers.iter().try_for_each(|_| await_mapping(gpu, &mapped))?;
    for (answer, tensor) in answers.iter_mut().enumerate() {
        let mapped = memory.answer(plan, answer);
        let view = mapped.get_mapped_range().map_err(|error| failed(format!("reading answer {answer}: {error}")))?;
        let size = plan.answer_size(answer);
        let rows = &mut tensor.data_mut()[images.start * size..images.end * size];
        bytemuck::cast_slice_mut(rows).copy_from_slice(&view);
        drop(view);
        mapped.buffer().unmap();
    }
    Ok(memory)
}

/// Waits until one more buffer is mapped. Another thread that waits for the device may be the one that calls back.
fn await_mapping(gpu: &Gpu, mapped: &Receiver<Result<(), wgpu::BufferAsyncError>>) -> Result<(), BackendError> {
    loop {
        match mapped.recv_timeout(Duration::from_millis(20)) {
            Ok(result) => return result.map_err(|error| failed(format!("reading from the device: {error}"))),
            Err(RecvTimeoutError::Disconnected) => return Err(failed("the device dropped what it was to answer")),
            Err(RecvTimeoutError::Timeout) => {
                gpu.check()?;
                gpu.device().poll(PollType::Poll).map_err(|error| failed(format!("asking the device: {error}")))?;
            }
        }
    }
}
