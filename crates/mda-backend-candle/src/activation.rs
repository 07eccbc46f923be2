//! Activations by candle's functions of every number.

use candle_core::{Result, Tensor};
use mda_core::op::ActivationKind;

/// `kind` of every number.
pub(crate) fn activate(kind: ActivationKind, x: &Tensor) -> Result<Tensor> {
    match kind {
        ActivationKind::Sigmoid => x.neg()?.exp()?.affine(1.0, 1.0)?.recip(),
        ActivationKind::HardSigmoid { slope, offset } => unit(&x.affine(slope.into(), offset.into())?),
        ActivationKind::Silu => x.silu(),
        ActivationKind::HardSwish => x * unit(&x.affine(1.0 / 6.0, 0.5)?)?,
        ActivationKind::LeakyRelu { slope } => above(x, &x.affine(slope.into(), 0.0)?),
        ActivationKind::Elu { alpha } => {
            // `exp(x) - 1` without what cancels near zero.
            let below = (x.affine(0.5, 0.0)?.tanh()? * x.exp()?.affine(1.0, 1.0)?)?;
            above(x, &below.affine(alpha.into(), 0.0)?)
        }
        ActivationKind::Gelu => x.gelu_erf(),
        ActivationKind::GeluTanh => x.gelu(),
        ActivationKind::Tanh => x.tanh(),
    }
}

/// `x` above zero, `slopes` times it below.
pub(crate) fn leak(x: &Tensor, slopes: &Tensor) -> Result<Tensor> {
    above(x, &x.broadcast_mul(slopes)?)
}

/// `x` where it is above zero, `otherwise` elsewhere.
fn above(x: &Tensor, otherwise: &Tensor) -> Result<Tensor> {
    x.gt(&x.zeros_like()?)?.where_cond(x, otherwise)
}

fn unit(x: &Tensor) -> Result<Tensor> {
    x.clamp(0f32, 1f32)
}
