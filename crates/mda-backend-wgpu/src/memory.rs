//! The buffers of a session, kept between runs, and the commands over them.

use crate::command::{Command, Dispatch, Source, View};
use crate::error::failed;
use crate::gpu::Gpu;
use crate::params::Params;
use crate::plan::Plan;
use mda_core::run::backend::BackendError;
use wgpu::{
    BindGroup, BindGroupEntry, BindingResource, Buffer, BufferBinding, BufferSize, BufferSlice, BufferUsages,
    CommandEncoder, ComputePipeline, SubmissionIndex,
};

/// Bytes of a number.
pub(crate) const NUMBER: u64 = size_of::<f32>() as u64;

/// Buffers for some images.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Images that the buffers can hold.
    capacity: usize,
    /// Images that the dispatches are set up for.
    images: usize,
    input: Buffer,
    slots: Vec<Buffer>,
    /// What probes compute, by answer.
    computed: Vec<Option<Buffer>>,
    /// Where the host reads the answers.
    answers: Vec<Buffer>,
    /// The parameters of all dispatches, one behind another.
    params: Buffer,
    ready: Vec<Ready>,
}

/// A dispatch, ready to be encoded.
#[derive(Debug)]
struct Ready {
    pipeline: ComputePipeline,
    bindings: BindGroup,
    grid: [u32; 2],
}

impl Memory {
    /// `memory` where it is large enough, or else new buffers, set up for a batch of `images`.
    pub(crate) fn holding(memory: Option<Self>, gpu: &Gpu, plan: &Plan, images: usize) -> Result<Self, BackendError> {
        let count = u32::try_from(images).map_err(|_| failed(format!("{images} images at once")))?;
        let mut memory = match memory.filter(|memory| memory.capacity >= images) {
            Some(memory) if memory.images == images => return Ok(memory),
            Some(memory) => memory,
            None => Self::new(gpu, plan, images),
        };
        let stride = gpu.limits().params_stride();
        let mut bytes = Vec::new();
        for dispatch in plan.dispatches() {
            bytes.extend_from_slice(bytemuck::bytes_of(&dispatch.params.with_images(count)));
            bytes.resize(bytes.len().next_multiple_of(stride as usize), 0);
        }
        gpu.queue().write_buffer(&memory.params, 0, &bytes);
        let ready = |(index, dispatch): (usize, &Dispatch)| {
            let (kernel, workgroups) = dispatch.work.of(u64::from(count));
            let pipeline = gpu.pipeline(kernel);
            let bindings = memory.bind(gpu, plan, &pipeline, dispatch, index as u64 * stride);
            Ready { pipeline, bindings, grid: gpu.limits().grid(workgroups) }
        };
        memory.ready = plan.dispatches().enumerate().map(ready).collect();
        memory.images = images;
        Ok(memory)
    }

    fn new(gpu: &Gpu, plan: &Plan, capacity: usize) -> Self {
        let bytes = |numbers: usize| (numbers * capacity) as u64 * NUMBER;
        let values = BufferUsages::STORAGE | BufferUsages::COPY_SRC;
        let read = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        let answers = || (0..plan.answers.len()).map(|answer| (answer, bytes(plan.answer_size(answer))));
        let params = plan.dispatches().count() as u64 * gpu.limits().params_stride();
        Self {
            capacity,
            images: 0,
            input: gpu.buffer(bytes(plan.input.elements()), values | BufferUsages::COPY_DST),
            slots: plan.slots.iter().map(|&numbers| gpu.buffer(bytes(numbers), values)).collect(),
            computed: answers().map(|(answer, size)| plan.computed[answer].then(|| gpu.buffer(size, values))).collect(),
            answers: answers().map(|(_, size)| gpu.buffer(size, read)).collect(),
            params: gpu.buffer(params, BufferUsages::UNIFORM | BufferUsages::COPY_DST),
            ready: Vec::new(),
        }
    }

    fn bind(&self, gpu: &Gpu, plan: &Plan, pipeline: &ComputePipeline, dispatch: &Dispatch, params: u64) -> BindGroup {
        let size = BufferSize::new(size_of::<Params>() as u64);
        let params = BindingResource::Buffer(BufferBinding { buffer: &self.params, offset: params, size });
        let buffers = dispatch.bindings.iter().map(|&source| self.buffer(plan, source).as_entire_binding());
        let entry = |(binding, resource)| BindGroupEntry { binding, resource };
        let entries: Vec<BindGroupEntry<'_>> = (0..).zip(std::iter::once(params).chain(buffers)).map(entry).collect();
        let layout = pipeline.get_bind_group_layout(0);
        gpu.device().create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries })
    }

    fn buffer<'a>(&'a self, plan: &'a Plan, source: Source) -> &'a Buffer {
        match source {
            Source::Images => &self.input,
            Source::Slot(slot) => &self.slots[slot],
            Source::Answer(answer) => self.computed[answer].as_ref().expect("a probe that computes has a buffer"),
            Source::Constant(constant) => &plan.constants[constant],
        }
    }

    /// Hands a batch of as many images as everything is set up for to the device.
    pub(crate) fn submit(&self, gpu: &Gpu, plan: &Plan, input: &[f32]) -> SubmissionIndex {
        gpu.queue().write_buffer(&self.input, 0, bytemuck::cast_slice(input));
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut ready = self.ready.iter();
        // Copies cannot stand inside a pass.
        for commands in plan.commands.chunk_by(|a, b| a.is_dispatch() && b.is_dispatch()) {
            match commands {
                [Command::Answer { from, answer }] => self.copy(plan, &mut encoder, *from, *answer),
                dispatches => dispatch_all(&mut encoder, ready.by_ref().take(dispatches.len())),
            }
        }
        gpu.queue().submit([encoder.finish()])
    }

    fn copy(&self, plan: &Plan, encoder: &mut CommandEncoder, from: View, answer: usize) {
        let (source, target) = (self.buffer(plan, from.buffer), &self.answers[answer]);
        let size = from.shape.elements() as u64 * NUMBER;
        let [offset, stride] = [from.offset, from.stride].map(|numbers| numbers as u64 * NUMBER);
        if stride == size {
            encoder.copy_buffer_to_buffer(source, offset, target, 0, size * self.images as u64);
            return;
        }
        for image in 0..self.images as u64 {
            encoder.copy_buffer_to_buffer(source, offset + image * stride, target, image * size, size);
        }
    }

    /// The answer for all images, where the host can read it.
    pub(crate) fn answer(&self, plan: &Plan, answer: usize) -> BufferSlice<'_> {
        self.answers[answer].slice(..(plan.answer_size(answer) * self.images) as u64 * NUMBER)
    }
}

fn dispatch_all<'a>(encoder: &mut CommandEncoder, dispatches: impl Iterator<Item = &'a Ready>) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    for Ready { pipeline, bindings, grid: [columns, rows] } in dispatches {
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, bindings, &[]);
        pass.dispatch_workgroups(*columns, *rows, 1);
    }
}
