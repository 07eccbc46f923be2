//! Pools over a sliding window.

use super::{Call, Fault, Importer, Value, window};
use crate::onnx::import::call::extents;
use crate::onnx::import::value::Border;
use mda_core::op::{AvgPool, Clamp, MaxPool, Op, Padding, Window};
use mda_core::tensor::Shape;

fn kernel(call: &Call<'_>) -> Result<[usize; 2], Fault> {
    let ints = call.ints("kernel_shape")?.ok_or_else(|| Fault::new("`kernel_shape`", "none"))?;
    extents("kernel_shape", ints)
}

pub(super) fn max<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let (input, border) = window::take_border(importer.activation(call, 0)?);
    let (node, shape) = input.map()?;
    let border = match border {
        None => Padding::default(),
        Some(border) if loses(border, importer.builder.op(&node)) => border.padding,
        Some(Border { number, .. }) => {
            let expected = "a Pad whose number never is the maximum: minus infinity, or zero behind a ReLU";
            return Err(Fault::new(expected, number.to_string()));
        }
    };
    let window = window::read(call, kernel(call)?, shape, border)?;
    let op = MaxPool { window, ceil_mode: call.flag("ceil_mode")? };
    importer.push(call, call.name(), op, &[(node, shape)]).map(Value::Activation)
}

/// Whether the border's number is no larger than anything that `op` computes.
fn loses(border: Border, op: Option<&Op>) -> bool {
    let lowest = match op {
        Some(Op::Clamp(Clamp { min: Some(min), .. })) => *min,
        _ => f32::MIN,
    };
    border.number <= lowest
}

pub(super) fn average<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let (input, border) = window::take_border(importer.activation(call, 0)?);
    let border = window::zeros(border)?;
    let (node, shape) = input.map()?;
    let own = window::read(call, kernel(call)?, shape, border)?;
    let counted = call.flag("count_include_pad")?;
    let ceil_mode = call.flag("ceil_mode")?;
    let op = if border == Padding::default() || counted {
        AvgPool { window: own, ceil_mode, count_include_pad: counted }
    } else {
        behind_border(own, border, ceil_mode, shape)?
    };
    importer.push(call, call.name(), op, &[(node, shape)]).map(Value::Activation)
}

/// The zeros of the border count in the divisor and the pool's own padding does not: one operation can do both where the
/// own padding is no more than what a last, partial window needs.
fn behind_border(window: Window, border: Padding, ceil_mode: bool, shape: Shape) -> Result<AvgPool, Fault> {
    let inner = Window { padding: border, ..window };
    let outputs = |window: Window, ceil_mode| window.output(shape.spatial(), ceil_mode).ok();
    let wanted = outputs(window, ceil_mode);
    let leading = window.padding.top == border.top && window.padding.left == border.left;
    match [false, true].into_iter().find(|&ceil_mode| outputs(inner, ceil_mode) == wanted) {
        Some(ceil_mode) if leading => Ok(AvgPool { window: inner, ceil_mode, count_include_pad: true }),
        _ => Err(Fault::new("a Pad, or padding of the pool that does not count, not both", "both")),
    }
}
