//! Number by number: BatchNorm, Normalize, Clamp, activations, Add and Multiply.

use super::{Constants, Finish};
use crate::command::{Dispatch, View};
use crate::kernel::{Kernel, Work};
use crate::params::{Added, Params};
use mda_core::run::backend::BackendError;

/// The first input times `affine`, plus all others, plus what `finish` adds, clamped and activated; one dispatch for the
/// first two inputs and one for each further input.
///
/// # Errors
/// [`BackendError::Unsupported`] where the device cannot hold the table of scales.
pub(crate) fn pointwise(
    constants: &mut Constants<'_>,
    inputs: &[View],
    out: View,
    affine: &[(f64, f64)],
    finish: Finish,
) -> Result<Vec<Dispatch>, BackendError> {
    let affine = constants.affine(affine)?;
    let others: Vec<View> = inputs[1..].iter().copied().chain(finish.other).collect();
    let first = (inputs[0], others.first().map_or(Added::Nothing, |&other| Added::Value(other)));
    let further = others.iter().skip(1).map(|&other| (other, Added::Output));
    let last = others.len().max(1) - 1;
    let dispatch = |(index, (x, added)): (usize, (View, Added))| {
        let finish = if index == last { finish } else { Finish::NONE };
        // A binding cannot be empty.
        let other = if let Added::Value(other) = added { other } else { x };
        Dispatch {
            work: Work::Numbers { kernel: Kernel::Pointwise, numbers: out.shape.elements() as u64 },
            params: Params::new(x, out).with_finish(added, finish),
            bindings: vec![x.buffer, affine, other.buffer, out.buffer],
        }
    };
    Ok(std::iter::once(first).chain(further).enumerate().map(dispatch).collect())
}

/// `value` times `factors`, which are as many or one a channel, clamped and activated.
pub(crate) fn product(value: View, factors: View, out: View, finish: Finish) -> Dispatch {
    let work = Work::Numbers { kernel: Kernel::Product, numbers: out.shape.elements() as u64 };
    let params = Params::new(factors, out).with_finish(Added::Value(value), finish);
    Dispatch { work, params, bindings: vec![factors.buffer, value.buffer, out.buffer] }
}

/// The input above zero, `slopes[c]` times it below.
///
/// # Errors
/// [`BackendError::Unsupported`] where the device cannot hold the table of slopes.
pub(crate) fn leak(
    constants: &mut Constants<'_>,
    slopes: &[f32],
    x: View,
    out: View,
) -> Result<Dispatch, BackendError> {
    let slopes = constants.add("the table of its slopes", slopes.len(), || slopes.to_vec())?;
    let work = Work::Numbers { kernel: Kernel::Leaky, numbers: out.shape.elements() as u64 };
    Ok(Dispatch { work, params: Params::new(x, out), bindings: vec![x.buffer, slopes, out.buffer] })
}
