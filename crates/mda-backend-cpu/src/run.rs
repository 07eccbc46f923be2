//! A batch through a plan: stretch by stretch, part by part, step by step.

use crate::buffer::{Buffer, Pool, Workspace};
use crate::kernel::Simd;
use crate::layer::{
    Finish, activate, add, average, concat, global_average, leak, maximum, multiply, normalize, select,
};
use crate::maps::{Maps, MapsMut};
use crate::plan::{Layer, Plan, Step, Stretch};
use mda_core::graph::NodeId;
use rayon::prelude::*;

/// The memory of one session.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The buffers of values that outlive a stretch.
    lasting: Vec<Buffer>,
    /// For every part of a batch that is at work.
    parts: Pool<PartMemory>,
}

#[derive(Debug, Default)]
struct PartMemory {
    /// The buffers of values that only one stretch sees.
    passing: Vec<Buffer>,
    workspace: Workspace,
}

/// Some images of a batch, and all that is theirs.
struct Part<'a> {
    input: Maps<'a>,
    /// The plan's buffers, those of other stretches empty.
    slots: Vec<&'a mut [f32]>,
    logits: &'a mut [f32],
    answers: Vec<&'a mut [f32]>,
    threads: usize,
}

impl<S: Simd> Plan<S> {
    /// Runs `images` images. Writes their logits to `logits`, `[images, K]`, and every observation's answers to its slice
    /// of `answers`.
    pub(crate) fn run(
        &self,
        memory: &mut Memory,
        input: &[f32],
        images: usize,
        logits: &mut [f32],
        answers: &mut [&mut [f32]],
    ) {
        let threads = rayon::current_num_threads();
        memory.lasting.resize_with(self.slots.len(), Buffer::default);
        for ((buffer, size), _) in
            memory.lasting.iter_mut().zip(&self.slots).zip(&self.owners).filter(|(_, o)| o.is_none())
        {
            buffer.reserve(size * images);
        }
        let input = Maps::new(input, images, self.input.elements(), self.input);
        for &index in &self.seen_at_input {
            let observation = &self.observations[index];
            observation.take(self.simd, self.value(&[], input, observation.value), answers[index], threads);
        }
        for stretch in &self.stretches {
            // All threads on one part, or one thread on each of several.
            let together = stretch.together.filter(|_| images >= threads);
            let together = together.map_or(images, |together| together.min(images.div_ceil(threads)));
            let parts = self.parts(&mut memory.lasting, input, together, logits, answers);
            let threads = if parts.len() == 1 { threads } else { 1 };
            let run = |mut part: Part<'_>| {
                part.threads = threads;
                memory.parts.with(|memory| self.stretch(stretch, part, memory));
            };
            if rayon::current_num_threads() > 1 && parts.len() > 1 {
                parts.into_par_iter().with_max_len(1).for_each(run);
            } else {
                parts.into_iter().for_each(run);
            }
        }
        if self.stretches.is_empty() {
            let value = self.value(&[], input, self.output);
            let rows = logits.chunks_exact_mut(value.shape().elements()).enumerate();
            rows.for_each(|(n, row)| row.copy_from_slice(value.image(n)));
        }
    }

    /// Cuts a batch into parts of `together` images.
    fn parts<'a>(
        &self,
        lasting: &'a mut [Buffer],
        input: Maps<'a>,
        together: usize,
        logits: &'a mut [f32],
        answers: &'a mut [&mut [f32]],
    ) -> Vec<Part<'a>> {
        let images = input.images();
        let row = logits.len() / images;
        let part = |(index, logits): (usize, &'a mut [f32])| {
            let (first, images) = (index * together, logits.len() / row);
            let input = Maps::new(&input.data()[first * input.stride()..], images, input.stride(), input.shape());
            Part { input, slots: Vec::new(), logits, answers: Vec::new(), threads: 1 }
        };
        let mut parts: Vec<Part<'a>> = logits.chunks_mut(together * row).enumerate().map(part).collect();
        for ((buffer, &size), owner) in lasting.iter_mut().zip(&self.slots).zip(&self.owners) {
            match owner {
                None => {
                    let numbers = buffer[..size * images].chunks_mut(size * together);
                    parts.iter_mut().zip(numbers).for_each(|(part, numbers)| part.slots.push(numbers));
                }
                Some(_) => parts.iter_mut().for_each(|part| part.slots.push(&mut [])),
            }
        }
        for answers in answers.iter_mut() {
            let row = answers.len() / images;
            let numbers = answers.chunks_mut(together * row);
            parts.iter_mut().zip(numbers).for_each(|(part, numbers)| part.answers.push(numbers));
        }
        parts
    }

    /// Runs the steps of `stretch` for some images.
    fn stretch<'a>(&self, stretch: &Stretch, mut part: Part<'a>, memory: &'a mut PartMemory) {
        let PartMemory { passing, workspace } = memory;
        let images = part.input.images();
        passing.resize_with(passing.len().max(stretch.slots.len()), Buffer::default);
        for (&slot, buffer) in stretch.slots.iter().zip(passing) {
            part.slots[slot] = buffer.reserve(self.slots[slot] * images);
        }
        for step in &self.steps[stretch.steps.clone()] {
            let Some(place) = self.places[step.output] else { continue };
            let written = std::mem::take(&mut part.slots[place.slot]);
            let shape = self.shapes[step.output];
            let output = MapsMut::new(&mut written[place.offset..], images, place.stride, shape, part.threads);
            self.step(step, &part, workspace, output);
            if let Some(kind) = step.epilogue.activation {
                let output = MapsMut::new(&mut written[place.offset..], images, place.stride, shape, part.threads);
                activate(self.simd, kind, output);
            }
            part.slots[place.slot] = written;
            for &index in &step.seen {
                let observation = &self.observations[index];
                let value = self.value(&part.slots, part.input, observation.value);
                observation.take(self.simd, value, part.answers[index], part.threads);
            }
        }
        if stretch.steps.end == self.steps.len() {
            let value = self.value(&part.slots, part.input, self.output);
            let rows = part.logits.chunks_exact_mut(value.shape().elements()).enumerate();
            rows.for_each(|(n, row)| row.copy_from_slice(value.image(n)));
        }
    }

    fn value<'a>(&self, slots: &'a [&mut [f32]], input: Maps<'a>, id: NodeId) -> Maps<'a> {
        let (shape, images) = (self.shapes[id], input.images());
        match self.places[id] {
            Some(place) => Maps::new(&slots[place.slot][place.offset..], images, place.stride, shape),
            None => Maps::new(input.data(), images, input.stride(), shape),
        }
    }

    fn step(&self, step: &Step<S>, part: &Part<'_>, workspace: &mut Workspace, output: MapsMut<'_>) {
        let value = |id: NodeId| self.value(&part.slots, part.input, id);
        let first = || value(step.inputs[0]);
        let finish = Finish { epilogue: &step.epilogue, residual: step.residual.map(value) };
        match &step.layer {
            Layer::Convolution(convolution) => convolution.run(first(), output, &finish, workspace),
            Layer::Normalize(scale) => normalize(self.simd, scale, first(), output, &finish),
            Layer::PRelu(slopes) => leak(self.simd, slopes, first(), output),
            Layer::Maximum(pool) => maximum(self.simd, pool, first(), output),
            Layer::Average(pool) => average(self.simd, pool, first(), output),
            Layer::GlobalAverage => global_average(self.simd, first(), output),
            Layer::Add => {
                let inputs: Vec<Maps<'_>> = step.inputs.iter().map(|&id| value(id)).collect();
                add(self.simd, &inputs, output, step.epilogue.bounds);
            }
            Layer::Multiply => multiply(self.simd, first(), value(step.inputs[1]), output, step.epilogue.bounds),
            Layer::Concat(elsewhere) => {
                let inputs: Vec<_> = elsewhere.iter().map(|&(channel, id)| (channel, value(id))).collect();
                concat(&inputs, output);
            }
            Layer::Select(channels) => select(channels, first(), output),
        }
    }
}
