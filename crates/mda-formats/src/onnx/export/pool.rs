//! Pools to ONNX.
//!
//! A last, partial window (`ceil_mode`) is written as padding: runtimes and checkers of operator set 17 round up without
//! PyTorch's rule that no window starts in the trailing padding.

use super::super::proto;
use super::nodes::{int, ints};
use mda_core::op::{AvgPool, MaxPool, Padding, Window};
use mda_core::tensor::Shape;

/// The attributes of a MaxPool from `input` to `output`, whose padding never wins.
pub(super) fn max(op: &MaxPool, input: Shape, output: Shape) -> Vec<proto::Attribute> {
    let padding = widened(&op.window, input, output);
    // Runtimes refuse padding as large as the kernel, which dilation can ask for; then the rounding stays.
    let allowed = (0..2).all(|axis| padding.along(axis).iter().all(|&pad| pad < op.window.kernel[axis]));
    let (padding, ceil_mode) = if allowed { (padding, false) } else { (op.window.padding, true) };
    let mut attributes = window(&op.window, padding);
    attributes.extend([ints("dilations", &op.window.dilation), int("ceil_mode", ceil_mode.into())]);
    attributes
}

/// An AveragePool, and the zeros that a node ahead of it adds around the map.
pub(super) struct Average {
    pub zeros: Option<Padding>,
    pub attributes: Vec<proto::Attribute>,
}

/// An AveragePool from `input` to `output`.
///
/// Where padding counts in the divisor but the part of the last window beyond it does not, the padding becomes zeros of
/// the map itself and the rest becomes padding that does not count.
pub(super) fn average(op: &AvgPool, input: Shape, output: Shape) -> Average {
    let own = op.window.padding;
    let padding = widened(&op.window, input, output);
    let (zeros, padding, counted) = if op.count_include_pad && padding != own {
        let beyond = Padding { top: 0, left: 0, bottom: padding.bottom - own.bottom, right: padding.right - own.right };
        ((own != Padding::default()).then_some(own), beyond, false)
    } else {
        (None, padding, op.count_include_pad)
    };
    let mut attributes = window(&op.window, padding);
    attributes.extend([int("ceil_mode", 0), int("count_include_pad", counted.into())]);
    Average { zeros, attributes }
}

fn window(window: &Window, padding: Padding) -> Vec<proto::Attribute> {
    let Padding { top, left, bottom, right } = padding;
    vec![
        ints("kernel_shape", &window.kernel),
        ints("pads", &[top, left, bottom, right]),
        ints("strides", &window.stride),
    ]
}

/// The window's padding, with as much more at the end as the windows of `output` need to fit.
fn widened(window: &Window, input: Shape, output: Shape) -> Padding {
    let after = |axis: usize| {
        let [before, after] = window.padding.along(axis);
        let reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
        let needed = (output.spatial()[axis] - 1) * window.stride[axis] + reach;
        after.max(needed.saturating_sub(input.spatial()[axis] + before))
    };
    Padding { bottom: after(0), right: after(1), ..window.padding }
}
