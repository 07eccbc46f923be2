//! Operators that treat every number alone, or do nothing to it.

use super::{Call, Fault, Importer, Value};
use crate::onnx::import::value::Activation;
use mda_core::op::{Clamp, Op};

/// `Identity`, and `Dropout`, which does nothing after training.
pub(super) fn identity<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    importer.input(call, 0)
}

/// Adds a node that treats every number alone and keeps the file's view of them.
pub(super) fn keep_view<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    value: Activation<'a>,
    op: impl Into<Op>,
) -> Result<Activation<'a>, Fault> {
    let value = value.settled()?;
    if value.view.rank() == 2 {
        let (node, shape) = importer.features(value)?;
        return importer.push(call, call.name(), op, &[(node, shape)]);
    }
    let result = importer.push(call, call.name(), op, &[(value.node, value.shape)])?;
    Ok(result.viewed(value.view))
}

pub(super) fn relu<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.activation(call, 0)?;
    keep_view(importer, call, value, Clamp::relu()).map(Value::Activation)
}

/// The bounds are attributes before operator set 11, inputs since.
pub(super) fn clip<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.activation(call, 0)?;
    let (min, max) = if call.opset < 11 {
        (Some(call.float("min", f32::MIN)?), Some(call.float("max", f32::MAX)?))
    } else {
        (bound(importer, call, 1)?, bound(importer, call, 2)?)
    };
    let min = min.filter(|&min| min > f32::MIN || min.is_nan());
    let max = max.filter(|&max| max < f32::MAX || max.is_nan());
    if min.is_none() && max.is_none() {
        return Ok(Value::Activation(value));
    }
    keep_view(importer, call, value, Clamp { min, max }).map(Value::Activation)
}

fn bound<'a>(importer: &mut Importer<'a>, call: &Call<'a>, index: usize) -> Result<Option<f32>, Fault> {
    if call.input(index).is_none() {
        return Ok(None);
    }
    let bound = importer.floats(call, index)?.array;
    bound.single().map(Some).ok_or_else(|| Fault::new("one number as a bound", format!("{:?}", bound.shape())))
}

/// The end of a classifier: models end in logits, whose order Softmax keeps.
pub(super) fn softmax<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.activation(call, 0)?.settled()?;
    let op = if call.node.op_type == "Softmax" { "Softmax" } else { "LogSoftmax" };
    Ok(Value::Activation(Activation { probabilities: Some(op), ..value }))
}
