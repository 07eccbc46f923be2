//! Constants, and the arithmetic of extents that exporters leave in the graph.

use super::affine::Arithmetic;
use super::{Call, Fault, Importer, Value};
use crate::onnx::import::array::Array;
use crate::onnx::import::constant::{is_float, is_int};
use crate::onnx::import::value::Value::{Activation, Floats, Ints};
use crate::onnx::import::view::Dim;

pub(super) fn constant<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    if let Some(tensor) = call.attribute("value").and_then(|attribute| attribute.t.as_deref()) {
        return importer.decode(tensor);
    }
    if let Some(floats) = call.attribute("value_floats") {
        importer.budget.take(floats.floats.len())?;
        return Ok(Value::floats(Array::vector(floats.floats.clone())));
    }
    if let Some(ints) = call.ints("value_ints")? {
        importer.budget.take(ints.len())?;
        return Ok(Value::ints(Array::vector(ints.iter().map(|&int| Dim::known(int)).collect())));
    }
    if call.attribute("value_float").is_some() {
        return Ok(Value::floats(Array::scalar(call.float("value_float", 0.0)?)));
    }
    if call.attribute("value_int").is_some() {
        return Ok(Value::ints(Array::scalar(Dim::known(call.int("value_int", 0)?))));
    }
    Err(Fault::new("numbers as the constant", "none"))
}

pub(super) fn constant_of_shape<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let extents = importer.ints(call, 0)?.unwrap_or_default();
    let shape: Option<Vec<usize>> = extents.iter().map(|&extent| usize::try_from(extent).ok()).collect();
    let count = shape.as_deref().and_then(mda_core::tensor::element_count);
    let (Some(shape), Some(count)) = (shape, count) else {
        return Err(Fault::new("extents of 0 or more", format!("{extents:?}")));
    };
    importer.budget.take(count)?;
    let wrong = || Fault::new("one number to repeat", "another constant");
    let value = match call.attribute("value").and_then(|attribute| attribute.t.as_deref()) {
        None => return Array::new(shape, vec![0.0; count]).map(Value::floats).ok_or_else(wrong),
        Some(tensor) => importer.decode(tensor)?,
    };
    let repeated = match value {
        Floats(floats) => {
            floats.array.single().and_then(|number| Array::new(shape, vec![number; count])).map(Value::floats)
        }
        Ints(ints) => ints.single().and_then(|dim| Array::new(shape, vec![dim; count])).map(Value::ints),
        Activation(_) => None,
    };
    repeated.ok_or_else(wrong)
}

pub(super) fn shape<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let dims = match importer.input(call, 0)? {
        Activation(activation) => {
            let activation = activation.settled()?;
            activation.view.dims(activation.shape)
        }
        Floats(floats) => known(floats.array.shape()),
        Ints(ints) => known(ints.shape()),
    };
    let rank = dims.len() as i64;
    let place = |at: i64| if at < 0 { at.saturating_add(rank) } else { at }.clamp(0, rank) as usize;
    let (start, end) = (place(call.int("start", 0)?), place(call.int("end", rank)?));
    Ok(Value::ints(Array::vector(dims.get(start..end).unwrap_or_default().to_vec())))
}

fn known(shape: &[usize]) -> Vec<Dim> {
    shape.iter().map(|&extent| Dim::known(extent as i64)).collect()
}

pub(super) fn cast<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let to = call.int("to", 0)?;
    let value = importer.input(call, 0)?;
    let impossible = |value: &Value<'_>| Fault::new(format!("a value that can be cast to type {to}"), value.describe());
    match &value {
        Activation(_) | Floats(_) if is_float(to) => Ok(value),
        Ints(_) if is_int(to) => Ok(value),
        Floats(floats) if is_int(to) => {
            let shape = floats.array.shape().to_vec();
            importer.budget.take(floats.array.data().len())?;
            // Casts cut fractions off.
            let ints = floats.array.data().iter().map(|&number| Dim::known(number as i64)).collect();
            Array::new(shape, ints).map(Value::ints).ok_or_else(|| impossible(&value))
        }
        Ints(ints) if is_float(to) => {
            importer.budget.take(ints.data().len())?;
            let numbers: Option<Vec<f32>> = ints.data().iter().map(|dim| Some(dim.value()? as f32)).collect();
            let array = numbers.and_then(|numbers| Array::new(ints.shape().to_vec(), numbers));
            array.map(Value::floats).ok_or_else(|| impossible(&value))
        }
        _ => Err(impossible(&value)),
    }
}

/// Extents added, multiplied and so on, one by one or with a single one.
pub(super) fn compute<'a>(
    importer: &mut Importer<'a>,
    arithmetic: Arithmetic,
    left: &Array<Dim>,
    right: &Array<Dim>,
) -> Result<Value<'a>, Fault> {
    let (longer, count) = match (left.single(), right.single()) {
        (_, Some(_)) => (left, left.data().len()),
        (Some(_), None) => (right, right.data().len()),
        (None, None) if left.shape() == right.shape() => (left, left.data().len()),
        (None, None) => {
            return Err(Fault::new("integers of one shape", format!("{:?} and {:?}", left.shape(), right.shape())));
        }
    };
    importer.budget.take(count)?;
    let at = |array: &Array<Dim>, index: usize| array.single().unwrap_or_else(|| array.data()[index]);
    let numbers: Option<Vec<Dim>> = (0..count).map(|i| one(arithmetic, at(left, i), at(right, i))).collect();
    let array = numbers.and_then(|numbers| Array::new(longer.shape().to_vec(), numbers));
    array.map(Value::ints).ok_or_else(|| {
        let expected = format!("integers whose {arithmetic:?} is known without the batch, or a multiple of it");
        Fault::new(expected, format!("{:?} and {:?}", left.shape(), right.shape()))
    })
}

fn one(arithmetic: Arithmetic, left: Dim, right: Dim) -> Option<Dim> {
    let batch = left.batch || right.batch;
    match arithmetic {
        Arithmetic::Add if !batch => left.count.checked_add(right.count).map(Dim::known),
        Arithmetic::Sub if !batch => left.count.checked_sub(right.count).map(Dim::known),
        Arithmetic::Mul if !(left.batch && right.batch) => {
            Some(Dim { batch, count: left.count.checked_mul(right.count)? })
        }
        // Extents are not negative, so that rounding needs no rule; a multiple of the batch must divide without rest.
        Arithmetic::Div if right.count > 0 && left.count >= 0 && (left.batch || !right.batch) => {
            let exact = !left.batch || left.count % right.count == 0;
            exact.then(|| Dim { batch: left.batch && !right.batch, count: left.count / right.count })
        }
        _ => None,
    }
}
