//! Sums over the positions of a channel: means, moments and window sums.

use crate::command::{Dispatch, View};
use crate::kernel::{Kernel, Work};
use crate::params::Params;
use mda_core::op::Window;

/// The mean over every plane.
pub(crate) fn mean(x: View, out: View) -> Dispatch {
    sums(|lanes| Kernel::Mean { lanes }, x.shape.positions(), 1, Params::new(x, out), x, out)
}

/// Sum and sum of squares over every plane.
pub(crate) fn moments(x: View, out: View) -> Dispatch {
    sums(|lanes| Kernel::Moments { lanes }, x.shape.positions(), 1, Params::new(x, out), x, out)
}

/// For every tap of `window`, the sum over all `output` positions of the number under it.
pub(crate) fn window_sums(window: &Window, output: [usize; 2], x: View, out: View) -> Dispatch {
    let params = Params::new(x, out).with_window(window).with_output(output);
    sums(|lanes| Kernel::WindowSums { lanes }, output[0] * output[1], window.taps(), params, x, out)
}

/// `of_channel` sums for every channel of `x`, each over `numbers`.
fn sums(kernel: fn(u32) -> Kernel, numbers: usize, of_channel: usize, params: Params, x: View, out: View) -> Dispatch {
    // As many invocations a sum as find enough to add up.
    let lanes = match numbers {
        0..16 => 1,
        16..512 => 8,
        _ => 64,
    };
    let work = Work::Sums { kernel: kernel(lanes), lanes, sums: (x.shape.channels() * of_channel) as u64 };
    Dispatch { work, params, bindings: vec![x.buffer, out.buffer] }
}
