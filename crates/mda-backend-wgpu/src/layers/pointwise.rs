//! Number by number: BatchNorm, Normalize, Clamp and Add.

use super::{Constants, Finish};
use crate::command::{Dispatch, View};
use crate::kernel::{Kernel, Work};
use crate::params::{Added, Params};
use mda_core::run::backend::BackendError;

/// The first input times `affine`, plus all others, plus what `finish` adds, clamped; one dispatch for the first two inputs
/// and one for each further input.
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
        let bounds = if index == last { finish.bounds } else { [f32::NEG_INFINITY, f32::INFINITY] };
        // A binding cannot be empty.
        let other = if let Added::Value(other) = added { other } else { x };
        Dispatch {
            work: Work::Numbers { kernel: Kernel::Pointwise, numbers: out.shape.elements() as u64 },
            params: Params::new(x, out).with_finish(added, bounds),
            bindings: vec![x.buffer, affine, other.buffer, out.buffer],
        }
    };
    Ok(std::iter::once(first).chain(further).enumerate().map(dispatch).collect())
}
