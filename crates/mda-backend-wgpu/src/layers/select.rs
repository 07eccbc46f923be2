//! Channels moved: SelectChannels, and what Concat does not find in its place.

use super::Constants;
use crate::command::{Dispatch, View};
use crate::kernel::{Kernel, Work};
use crate::params::Params;
use mda_core::run::backend::BackendError;

/// Output channel `j` is input channel `channels[j]`, or zero.
///
/// # Errors
/// [`BackendError::Unsupported`] where the device cannot hold the table of channels.
pub(crate) fn select(
    constants: &mut Constants<'_>,
    channels: &[Option<usize>],
    x: View,
    out: View,
) -> Result<Dispatch, BackendError> {
    let source = |source: &Option<usize>| source.map_or(-1, |source| source as i32);
    let sources =
        constants.add("the table of its channels", channels.len(), || channels.iter().map(source).collect())?;
    let work = Work::Numbers { kernel: Kernel::Moved, numbers: out.shape.elements() as u64 };
    Ok(Dispatch { work, params: Params::new(x, out), bindings: vec![x.buffer, sources, out.buffer] })
}

/// The inputs one behind another; those that were computed in their places stay there.
///
/// # Errors
/// [`BackendError::Unsupported`] where the device cannot hold the table of channels.
pub(crate) fn concat(constants: &mut Constants<'_>, inputs: &[View], out: View) -> Result<Vec<Dispatch>, BackendError> {
    let mut offset = out.offset;
    let mut dispatches = Vec::new();
    for &x in inputs {
        let place = View { offset, shape: x.shape, ..out };
        offset += x.shape.elements();
        if x != place {
            let same: Vec<Option<usize>> = (0..x.shape.channels()).map(Some).collect();
            dispatches.push(select(constants, &same, x, place)?);
        }
    }
    Ok(dispatches)
}
