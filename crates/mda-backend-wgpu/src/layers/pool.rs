//! Pools over a window.

use crate::command::{Dispatch, View};
use crate::kernel::{Kernel, Work};
use crate::params::Params;
use mda_core::op::{AvgPool, MaxPool};

/// The maximum under a window.
pub(crate) fn maximum(pool: &MaxPool, x: View, out: View) -> Dispatch {
    dispatch(Kernel::Maximum, Params::new(x, out).with_window(&pool.window), x, out)
}

/// The mean under a window.
pub(crate) fn average(pool: &AvgPool, x: View, out: View) -> Dispatch {
    let params = Params::new(x, out).with_window(&pool.window).with_counted_padding(pool.count_include_pad);
    dispatch(Kernel::Average, params, x, out)
}

fn dispatch(kernel: Kernel, params: Params, x: View, out: View) -> Dispatch {
    let work = Work::Numbers { kernel, numbers: out.shape.elements() as u64 };
    Dispatch { work, params, bindings: vec![x.buffer, out.buffer] }
}
