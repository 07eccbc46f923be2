//! Borders around maps, and channels of zeros.

use super::channels::{pickable, select};
use super::{Call, Fault, Importer, Value};
use crate::onnx::import::call::{axes, axis, extents};
use crate::onnx::import::value::{Activation, Border};
use crate::onnx::import::view::{Role, View};
use mda_core::op::Padding;
use mda_core::tensor::Shape;

pub(super) fn pad<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    if let Some(mode) = call.string("mode")?.filter(|&mode| mode != "constant") {
        return Err(Fault::new("constant padding", mode));
    }
    let value = importer.activation(call, 0)?;
    let value = pickable(importer, value)?;
    let rank = value.view.rank();
    let (pads, number) = if call.opset < 11 {
        (call.ints("pads")?.map(<[i64]>::to_vec), call.float("value", 0.0)?)
    } else {
        let number = call.input(2).map(|_| importer.floats(call, 2)).transpose()?;
        let number = number.map_or(Some(0.0), |number| number.array.single());
        let number = number.ok_or_else(|| Fault::new("one number to pad with", "several"))?;
        (importer.ints(call, 1)?, number)
    };
    let pads = pads.ok_or_else(|| Fault::new("pads", "none"))?;
    let padded = match importer.ints(call, 3)? {
        Some(given) if axes(&given, rank)?.len() == given.len() => {
            given.iter().map(|&given| axis(given, rank)).collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err(Fault::new("axes that differ", "others")),
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * padded.len() {
        return Err(Fault::new(format!("{} pads", 2 * padded.len()), pads.len().to_string()));
    }
    let (mut border, mut channels) = (Padding::default(), None);
    for (index, &axis) in padded.iter().enumerate() {
        let [before, after] = extents("pads", &[pads[index], pads[index + padded.len()]])?;
        match role(&value, axis) {
            _ if before == 0 && after == 0 => {}
            Some(Role::Row) => (border.top, border.bottom) = (before, after),
            Some(Role::Column) => (border.left, border.right) = (before, after),
            Some(Role::Channel) if number == 0.0 => channels = Some((axis, before, after)),
            _ => return Err(Fault::new("rows and columns, or channels of zeros", format!("axis {axis}"))),
        }
    }
    let mut value = match channels {
        None => value,
        Some((axis, before, after)) => zero_channels(importer, call, value, axis, [before, after])?,
    };
    value.border = (border != Padding::default()).then_some(Border { padding: border, number });
    Ok(Value::Activation(value))
}

/// What `axis` is, also where its extent of 1 leaves that open: maps `[N, C, H, W]` and features `[N, F]` have their axes
/// in order.
fn role(value: &Activation<'_>, axis: usize) -> Option<Role> {
    let in_order: &[Role] = match value.shape {
        Shape::Map { .. } => &[Role::Batch, Role::Channel, Role::Row, Role::Column],
        Shape::Features(_) => &[Role::Batch, Role::Channel],
    };
    match value.view.roles(axis) {
        [role] => Some(*role),
        [] if value.view == View::plain(value.shape) => in_order.get(axis).copied(),
        _ => None,
    }
}

fn zero_channels<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    value: Activation<'a>,
    axis: usize,
    [before, after]: [usize; 2],
) -> Result<Activation<'a>, Fault> {
    let count = value.shape.channels();
    importer.budget.take(2 * (before + count + after))?;
    let zeros = |count| std::iter::repeat_n(None, count);
    let channels = zeros(before).chain((0..count).map(Some)).chain(zeros(after)).collect();
    select(importer, call, value, axis, channels)
}
