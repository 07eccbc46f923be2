//! Layers: what each operation dispatches, with its weights and tables uploaded.

mod convolution;
mod packing;
mod pointwise;
mod pool;
mod reduce;
mod select;

pub(crate) use convolution::Convolution;
pub(crate) use pointwise::{leak, pointwise, product};
pub(crate) use pool::{average, maximum};
pub(crate) use reduce::{mean, moments, window_sums};
pub(crate) use select::{concat, select};

use crate::command::{Source, View};
use crate::error::unsupported;
use crate::gpu::Gpu;
use crate::limits::Limits;
use bytemuck::Pod;
use mda_core::op::{ActivationKind, Clamp};
use mda_core::run::backend::BackendError;

/// What the kernels of a model read beside its values.
///
/// Without a device they are only measured: whatever a device cannot hold is found before anything is packed or uploaded.
#[derive(Debug)]
pub(crate) struct Constants<'a> {
    gpu: Option<&'a Gpu>,
    limits: Limits,
    buffers: Vec<wgpu::Buffer>,
    count: usize,
    bytes: u64,
    /// The node whose constants are being added.
    node: &'a str,
}

impl<'a> Constants<'a> {
    /// Constants that are uploaded.
    pub(crate) fn on(gpu: &'a Gpu) -> Self {
        Self { gpu: Some(gpu), ..Self::measured(gpu.limits()) }
    }

    /// Constants that are only measured.
    pub(crate) fn measured(limits: Limits) -> Self {
        Self { gpu: None, limits, buffers: Vec::new(), count: 0, bytes: 0, node: "" }
    }

    /// Begins with the constants of `node`.
    pub(crate) fn enter(&mut self, node: &'a str) {
        self.node = node;
    }

    pub(crate) fn into_buffers(self) -> Vec<wgpu::Buffer> {
        self.buffers
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    /// Scale and shift of every channel.
    fn affine(&mut self, affine: &[(f64, f64)]) -> Result<Source, BackendError> {
        let pair = |&(scale, shift): &(f64, f64)| [scale as f32, shift as f32];
        self.add("the table of its scales", affine.len(), || affine.iter().map(pair).collect())
    }

    /// A table of `count` numbers.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] where a shader cannot see it at once, or where with it all constants are too many.
    fn add<T: Pod>(
        &mut self,
        what: &str,
        count: usize,
        numbers: impl FnOnce() -> Vec<T>,
    ) -> Result<Source, BackendError> {
        let Limits { bytes: seen, buffer, .. } = self.limits;
        let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
        if bytes > seen {
            let reason = format!("{what} takes {bytes} bytes; a shader of this device sees at most {seen} at once");
            return Err(unsupported(self.node, reason));
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > buffer {
            let all = self.bytes;
            let reason =
                format!("with {what}, weights and tables take {all} bytes; this device grants at most {buffer}");
            return Err(unsupported(self.node, reason));
        }
        if let Some(gpu) = self.gpu {
            self.buffers.push(gpu.constant(bytemuck::cast_slice(&numbers())));
        }
        self.count += 1;
        Ok(Source::Constant(self.count - 1))
    }
}

/// What is done to a layer's numbers before they are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish {
    /// What is added, in the output's shape.
    pub other: Option<View>,
    /// Lower and upper bound; infinite where there is none.
    pub bounds: [f32; 2],
    /// What is done then.
    pub activation: Option<ActivationKind>,
}

impl Finish {
    /// Nothing.
    pub(crate) const NONE: Self = Self { other: None, bounds: [f32::NEG_INFINITY, f32::INFINITY], activation: None };

    pub(crate) fn new(other: Option<View>, clamp: Option<&Clamp>, activation: Option<ActivationKind>) -> Self {
        let bound = |of: fn(&Clamp) -> Option<f32>, otherwise: f32| clamp.and_then(of).unwrap_or(otherwise);
        let [low, high] = Self::NONE.bounds;
        Self { other, bounds: [bound(|c| c.min, low), bound(|c| c.max, high)], activation }
    }
}
