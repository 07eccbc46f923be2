//! Layers: what each operation dispatches, with its weights and tables uploaded.

mod convolution;
mod packing;
mod pointwise;
mod pool;
mod reduce;
mod select;

pub(crate) use convolution::Convolution;
pub(crate) use pointwise::pointwise;
pub(crate) use pool::{average, maximum};
pub(crate) use reduce::{mean, moments, window_sums};
pub(crate) use select::{concat, select};

use crate::gpu::Gpu;
use crate::limits::Limits;
use crate::plan::{Source, View};
use bytemuck::Pod;
use mda_core::op::Clamp;

/// What the kernels of a model read beside its values.
#[derive(Debug)]
pub(crate) struct Constants<'a> {
    gpu: &'a Gpu,
    buffers: Vec<wgpu::Buffer>,
}

impl<'a> Constants<'a> {
    pub(crate) fn new(gpu: &'a Gpu) -> Self {
        Self { gpu, buffers: Vec::new() }
    }

    pub(crate) fn into_buffers(self) -> Vec<wgpu::Buffer> {
        self.buffers
    }

    fn limits(&self) -> Limits {
        self.gpu.limits()
    }

    /// Scale and shift of every channel.
    fn affine(&mut self, affine: &[(f64, f64)]) -> Source {
        let pairs: Vec<[f32; 2]> = affine.iter().map(|&(scale, shift)| [scale as f32, shift as f32]).collect();
        self.add(&pairs)
    }

    fn add<T: Pod>(&mut self, numbers: &[T]) -> Source {
        self.buffers.push(self.gpu.constant(bytemuck::cast_slice(numbers)));
        Source::Constant(self.buffers.len() - 1)
    }
}

/// What is done to a layer's numbers before they are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish {
    /// What is added, in the output's shape.
    pub other: Option<View>,
    /// Lower and upper bound; infinite where there is none.
    pub bounds: [f32; 2],
}

impl Finish {
    pub(crate) fn new(other: Option<View>, clamp: Option<&Clamp>) -> Self {
        let bound = |of: fn(&Clamp) -> Option<f32>, otherwise: f32| clamp.and_then(of).unwrap_or(otherwise);
        Self { other, bounds: [bound(|c| c.min, f32::NEG_INFINITY), bound(|c| c.max, f32::INFINITY)] }
    }
}
