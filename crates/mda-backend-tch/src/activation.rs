//! Activations by LibTorch's functions of every number.

use crate::transfer::Result;
use mda_core::op::ActivationKind;
use tch::Tensor;

/// `kind` of every number.
pub(crate) fn activate(kind: ActivationKind, x: &Tensor) -> Result<Tensor> {
    match kind {
        ActivationKind::Sigmoid => x.f_sigmoid(),
        ActivationKind::HardSigmoid { slope, offset } => {
            x.f_mul_scalar(f64::from(slope))?.f_add_scalar(f64::from(offset))?.f_clamp(0.0, 1.0)
        }
        ActivationKind::Silu => x.f_silu(),
        ActivationKind::HardSwish => x.f_hardswish(),
        ActivationKind::LeakyRelu { slope } => above_and(x, &below(x)?, slope),
        ActivationKind::Elu { alpha } => above_and(x, &below(x)?.f_expm1()?, alpha),
        ActivationKind::Gelu => x.f_gelu("none"),
        ActivationKind::GeluTanh => x.f_gelu("tanh"),
        ActivationKind::Tanh => x.f_tanh(),
    }
}

/// What is negative.
fn below(x: &Tensor) -> Result<Tensor> {
    x.f_clamp_max(0.0)
}

/// What is positive of `x`, plus `factor` times `below`.
fn above_and(x: &Tensor, below: &Tensor, factor: f32) -> Result<Tensor> {
    x.f_clamp_min(0.0)?.f_add(&below.f_mul_scalar(f64::from(factor))?)
}
