//! The attributes that convolutions and pools share.

use super::{Call, Fault};
use crate::onnx::import::value::{Activation, Border};
use mda_core::op::{Padding, Window};
use mda_core::tensor::Shape;

/// The value without the border that waits for a window, and that border.
pub(super) fn take_border(mut value: Activation<'_>) -> (Activation<'_>, Option<Border>) {
    let border = value.border.take();
    (value, border)
}

/// The rows and columns of a border of zeros, none where there is no border.
pub(super) fn zeros(border: Option<Border>) -> Result<Padding, Fault> {
    match border {
        None => Ok(Padding::default()),
        Some(Border { padding, number: 0.0 }) => Ok(padding),
        Some(Border { number, .. }) => Err(Fault::new("a Pad with zeros before it", format!("one with {number}"))),
    }
}

/// The window of `call` over a map of `shape` with `border` around it; its padding has the border in it.
pub(super) fn read(call: &Call<'_>, kernel: [usize; 2], shape: Shape, border: Padding) -> Result<Window, Fault> {
    let stride = call.pair("strides")?;
    let dilation = call.pair("dilations")?;
    let [height, width] = shape.spatial();
    let bordered = [height + border.top + border.bottom, width + border.left + border.right];
    let padding = match call.string("auto_pad")? {
        None | Some("NOTSET" | "") => call.pads()?,
        Some("VALID") => Padding::default(),
        Some("SAME_UPPER") => same(kernel, stride, dilation, bordered, false),
        Some("SAME_LOWER") => same(kernel, stride, dilation, bordered, true),
        Some(other) => return Err(Fault::new("`auto_pad` NOTSET, VALID, SAME_UPPER or SAME_LOWER", other)),
    };
    Ok(Window { kernel, stride, padding: sum(padding, border), dilation })
}

/// The padding that makes as many outputs as there are strides in the input.
fn same(kernel: [usize; 2], stride: [usize; 2], dilation: [usize; 2], input: [usize; 2], lower: bool) -> Padding {
    let along = |axis: usize| {
        let outputs = input[axis].div_ceil(stride[axis].max(1));
        let reach = kernel[axis].saturating_sub(1).saturating_mul(dilation[axis]).saturating_add(1);
        let needed = outputs.saturating_sub(1).saturating_mul(stride[axis]).saturating_add(reach);
        let total = needed.saturating_sub(input[axis]);
        let less = total / 2;
        if lower { [total - less, less] } else { [less, total - less] }
    };
    let ([top, bottom], [left, right]) = (along(0), along(1));
    Padding { top, left, bottom, right }
}

/// Both paddings around one another.
pub(super) fn sum(inner: Padding, outer: Padding) -> Padding {
    Padding {
        top: inner.top + outer.top,
        left: inner.left + outer.left,
        bottom: inner.bottom + outer.bottom,
        right: inner.right + outer.right,
    }
}
