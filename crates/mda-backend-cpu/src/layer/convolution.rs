//! A convolution or linear layer in the form that suits its sizes best.

use super::{Depthwise, Direct, Finish, Gemm, Winograd};
use crate::buffer::Workspace;
use crate::kernel::Simd;
use crate::maps::{Maps, MapsMut};
use mda_core::Tensor;
use mda_core::op::Window;

/// A convolution, with its weights packed for `S`.
pub(crate) enum Convolution<S> {
    Direct(Direct<S>),
    Gemm(Gemm<S>),
    Winograd(Winograd<S>),
    Depthwise(Depthwise<S>),
}

impl<S: Simd> Convolution<S> {
    /// Packs `weight`, `[Q, P / groups, ...]`, with filter `q` multiplied by `scale[q]`. `extents` are those of the input and of the
    /// output.
    pub(crate) fn new(
        simd: S,
        window: Window,
        groups: usize,
        extents: [[usize; 2]; 2],
        weight: &Tensor,
        scale: &[f64],
    ) -> Self {
        let channels = [weight.shape()[1] * groups, weight.shape()[0]];
        if groups > 1 && groups == channels[0] {
            Self::Depthwise(Depthwise::new(simd, window, extents, channels[0], weight, scale))
        } else if Winograd::<S>::suits(&window, groups, channels) {
            Self::Winograd(Winograd::new(simd, window.padding, extents, weight, scale))
        } else if let Some(direct) = Direct::new(simd, window, groups, extents, weight, scale) {
            Self::Direct(direct)
        } else {
            Self::Gemm(Gemm::new(simd, window, groups, extents, weight, scale))
        }
    }

    /// Packs other weights of the same shape, filter `q` multiplied by `scale[q]`.
    pub(crate) fn pack(&mut self, weight: &[f32], scale: &[f64]) {
        match self {
            Self::Direct(direct) => direct.pack(weight, scale),
            Self::Gemm(gemm) => gemm.pack(weight, scale),
            Self::Winograd(winograd) => winograd.pack(weight, scale),
            Self::Depthwise(depthwise) => depthwise.pack(weight, scale),
        }
    }

    /// Computes `output` from `input`.
    pub(crate) fn run(&self, input: Maps<'_>, output: MapsMut<'_>, finish: &Finish<'_>, workspace: &mut Workspace) {
        match self {
            Self::Direct(direct) => direct.run(input, output, finish, &workspace.scratch),
            Self::Gemm(gemm) => gemm.run(input, output, finish, &workspace.scratch),
            Self::Winograd(winograd) => winograd.run(input, output, finish, workspace),
            Self::Depthwise(depthwise) => depthwise.run(input, output, finish, &workspace.scratch),
        }
    }
}
