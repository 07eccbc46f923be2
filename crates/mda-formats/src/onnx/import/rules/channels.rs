//! Channels joined and picked.

use super::{Call, Fault, Importer, Value};
use crate::onnx::import::array::Array;
use crate::onnx::import::call::axis;
use crate::onnx::import::value::Activation;
use crate::onnx::import::view::Role;
use mda_core::op::{Concat, SelectChannels};

pub(super) fn concat<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let values: Result<Vec<_>, _> = (0..call.node.input.len()).map(|index| importer.input(call, index)).collect();
    let values = values?;
    let wanted = call.int("axis", 1)?;
    let all = |values: &[Value<'_>]| values.iter().map(Value::describe).collect::<Vec<_>>().join(" and ");
    if values.iter().all(|value| matches!(value, Value::Ints(_))) {
        let parts: Vec<_> = values
            .iter()
            .filter_map(|value| if let Value::Ints(ints) = value { Some(&**ints) } else { None })
            .collect();
        importer.budget.take(parts.iter().map(|part| part.data().len()).sum())?;
        let rank = parts.first().map_or(0, |part| part.shape().len());
        let joined = Array::concatenated(&parts, axis(wanted, rank)?);
        return joined.map(Value::ints).ok_or_else(|| Fault::new("integers that fit one another", all(&values)));
    }
    let mut activations = Vec::with_capacity(values.len());
    for value in &values {
        match value {
            Value::Activation(activation) => activations.push(activation.clone().settled()?),
            _ => return Err(Fault::new("computed values only, or integers only", all(&values))),
        }
    }
    let rank = activations.first().map_or(0, |value| value.view.rank());
    let wanted = axis(wanted, rank)?;
    if rank == 2 && wanted == 1 {
        let inputs: Result<Vec<_>, _> = activations.into_iter().map(|value| importer.features(value)).collect();
        return importer.push(call, call.name(), Concat {}, &inputs?).map(Value::Activation);
    }
    let rest = |value: &Activation<'_>| value.view.with_axis(wanted, &[]);
    let alike = activations
        .windows(2)
        .all(|pair| pair[0].view.rank() == pair[1].view.rank() && rest(&pair[0]) == rest(&pair[1]));
    if !alike || !activations.iter().all(|value| is_channels(value, wanted)) {
        return Err(Fault::new("values to be joined along their channels", all(&values)));
    }
    let view = activations[0].view.with_axis(wanted, &[Role::Channel]);
    let inputs: Vec<_> = activations.into_iter().map(|value| (value.node, value.shape)).collect();
    let joined = importer.push(call, call.name(), Concat {}, &inputs)?;
    let view = view.fitted(joined.shape);
    Ok(Value::Activation(joined.viewed(view)))
}

/// Whether `axis` is the channels; an axis of extent 1 can be seen as a single channel.
fn is_channels(value: &Activation<'_>, axis: usize) -> bool {
    match value.view.roles(axis) {
        [Role::Channel] => true,
        [] => value.shape.channels() == 1,
        _ => false,
    }
}

/// The value whose axis `axis` is picked from: features where the file has them so.
pub(super) fn pickable<'a>(importer: &mut Importer<'a>, value: Activation<'a>) -> Result<Activation<'a>, Fault> {
    let value = value.settled()?;
    if value.view.rank() != 2 {
        return Ok(value);
    }
    let origin = value.origin;
    let (node, shape) = importer.features(value)?;
    Ok(Activation::new(node, shape, origin))
}

/// A node that picks the channels `channels` of `value`, which the file has as `axis`.
pub(super) fn select<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    value: Activation<'a>,
    axis: usize,
    channels: Vec<Option<usize>>,
) -> Result<Activation<'a>, Fault> {
    let view = value.view.with_axis(axis, &[Role::Channel]);
    let (mut input, mut channels) = ((value.node, value.shape), channels);
    // Zero channels are padded and then gathered: one selection after another is one selection.
    if importer.used_once(value.origin)
        && call.input(0) == Some(value.origin)
        && let Some((before, first)) = importer.builder.take_selection(&input.0)
    {
        channels.iter_mut().for_each(|channel| *channel = channel.and_then(|c| first.get(c).copied().flatten()));
        input = before;
    }
    let picked = importer.push(call, call.name(), SelectChannels { channels }, &[input])?;
    let view = view.fitted(picked.shape);
    Ok(picked.viewed(view))
}

pub(super) fn gather<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.input(call, 0)?;
    let indices = importer.dims(call, 1)?.ok_or_else(|| Fault::new("indices", "none"))?;
    let wanted = call.int("axis", 0)?;
    let numbers = importer.ints(call, 1)?.unwrap_or_default();
    if indices.shape().len() > 1 {
        return Err(Fault::new("one index or a list", format!("indices {:?}", indices.shape())));
    }
    let scalar = indices.shape().is_empty();
    match value {
        Value::Ints(ints) => {
            let wanted = axis(wanted, ints.shape().len())?;
            let indices = within(&numbers, ints.shape()[wanted])?;
            let size = (ints.data().len() / ints.shape()[wanted].max(1)).saturating_mul(indices.len());
            importer.budget.take(size)?;
            let gathered = ints.gathered(wanted, &indices);
            let mut shape = gathered.shape().to_vec();
            if scalar {
                shape.remove(wanted);
            }
            let array = Array::new(shape, gathered.into_data());
            array.map(Value::ints).ok_or_else(|| Fault::new("one index", numbers.len().to_string()))
        }
        Value::Activation(activation) => {
            let activation = pickable(importer, activation)?;
            let wanted = axis(wanted, activation.view.rank())?;
            if !is_channels(&activation, wanted) {
                return Err(Fault::new(
                    "channels to be gathered",
                    format!("axis {wanted} of {}", activation.describe()),
                ));
            }
            let indices = within(&numbers, activation.shape.channels())?;
            importer.budget.take(2 * indices.len())?;
            let channels = indices.into_iter().map(Some).collect();
            let picked = select(importer, call, activation, wanted, channels)?;
            let view = if scalar { picked.view.without(&[wanted]) } else { picked.view.clone() };
            Ok(Value::Activation(picked.viewed(view)))
        }
        Value::Floats(_) => Err(Fault::new("channels or extents to be gathered", value.describe())),
    }
}

/// Indices of an axis of `extent`, counted from the end where they are negative.
fn within(indices: &[i64], extent: usize) -> Result<Vec<usize>, Fault> {
    let one = |&index: &i64| {
        let index = if index < 0 { index.checked_add(extent as i64)? } else { index };
        usize::try_from(index).ok().filter(|&index| index < extent)
    };
    let indices: Option<Vec<usize>> = indices.iter().map(one).collect();
    indices.ok_or_else(|| Fault::new(format!("indices within {extent}"), "others"))
}
