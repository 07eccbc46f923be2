//! Operators that change how numbers are arranged, and compute nothing.

use super::{Call, Fault, Importer, Value};
use crate::onnx::import::array::Array;
use crate::onnx::import::call::{axes, axis};
use crate::onnx::import::value::{Activation, Floats};
use crate::onnx::import::view::{Dim, View};
use std::rc::Rc;

/// The same numbers of an activation in another view, named by `call` should a Flatten become of it.
fn viewed<'a>(call: &Call<'a>, value: &Activation<'a>, view: View) -> Value<'a> {
    Value::Activation(Activation { flattened_by: Some(call.name()), ..value.viewed(view) })
}

/// Applies `rearrange` to a constant of either kind.
fn constant<'a>(
    importer: &mut Importer<'a>,
    value: Value<'a>,
    floats: impl FnOnce(&Array<f32>) -> Option<Array<f32>>,
    ints: impl FnOnce(&Array<Dim>) -> Option<Array<Dim>>,
) -> Result<Value<'a>, Fault> {
    let impossible = |value: &Value<'_>| Fault::new("a constant that can be rearranged so", value.describe());
    match &value {
        Value::Floats(constant) => {
            importer.budget.take(constant.array.data().len())?;
            let array = Rc::new(floats(&constant.array).ok_or_else(|| impossible(&value))?);
            Ok(Value::Floats(Floats { array, name: constant.name.clone() }))
        }
        Value::Ints(constant) => {
            importer.budget.take(constant.data().len())?;
            ints(constant).map(Value::ints).ok_or_else(|| impossible(&value))
        }
        Value::Activation(_) => Err(Fault::new("a constant", value.describe())),
    }
}

pub(super) fn flatten<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.activation(call, 0)?;
    // The axis may lie behind the last one.
    let rank = value.view.rank();
    let wanted = match call.int("axis", 1)? {
        end if end == rank as i64 => rank,
        inside => axis(inside, rank)?,
    };
    let view = value.view.flattened(wanted);
    Ok(viewed(call, &value, view))
}

pub(super) fn reshape<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.input(call, 0)?;
    let target = importer.dims(call, 1)?.ok_or_else(|| Fault::new("a shape as the second input", "none"))?;
    let allow_zero = call.flag("allowzero")?;
    let Value::Activation(activation) = value else {
        let target: Option<Vec<i64>> = target.data().iter().map(|dim| dim.value()).collect();
        let target = target.ok_or_else(|| Fault::new("a constant shape for a constant", "a multiple of the batch"))?;
        let (floats, ints) = (target.clone(), target);
        let floats = |array: &Array<f32>| array.clone().reshaped(&floats, allow_zero);
        return constant(importer, value, floats, |array| array.clone().reshaped(&ints, allow_zero));
    };
    let activation = activation.settled()?;
    let mut wanted = Vec::with_capacity(target.data().len());
    for (axis, &dim) in target.data().iter().enumerate() {
        wanted.push(match dim {
            Dim { batch: false, count: 0 } if !allow_zero && axis < activation.view.rank() => {
                activation.view.dim(axis, activation.shape)
            }
            // Where the file fixes the batch, its extent stands for it.
            Dim { batch: false, count } if axis == 0 && importer.batch == Some(count) => Dim::BATCH,
            dim => dim,
        });
    }
    let view = activation.view.reshaped(activation.shape, &wanted);
    let view = view.ok_or_else(|| {
        let shown: Vec<i64> = target.data().iter().take(8).map(|dim| dim.count).collect();
        Fault::new("a shape that keeps or merges whole axes", format!("{} to {shown:?}", activation.describe()))
    })?;
    Ok(viewed(call, &activation, view))
}

pub(super) fn transpose<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.input(call, 0)?;
    let rank = match &value {
        Value::Activation(activation) => activation.view.rank(),
        Value::Floats(floats) => floats.array.shape().len(),
        Value::Ints(ints) => ints.shape().len(),
    };
    let order = match call.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(order) => permutation(order, rank)?,
    };
    match value {
        // A border knows its rows and columns, wherever the file has them.
        Value::Activation(activation) => {
            let view = activation.view.permuted(&order);
            Ok(viewed(call, &activation, view))
        }
        value => constant(importer, value, |a| Some(a.transposed(&order)), |a| Some(a.transposed(&order))),
    }
}

fn permutation(order: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
    let sorted = axes(order, rank)?;
    if order.len() != rank || sorted.len() != rank {
        return Err(Fault::new(format!("a permutation of {rank} axes"), format!("{} axes", order.len())));
    }
    order.iter().map(|&a| axis(a, rank)).collect()
}

/// The axes of a Squeeze or Unsqueeze: an attribute before operator set 13, an input since.
fn given_axes<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Option<Vec<i64>>, Fault> {
    match importer.ints(call, 1)? {
        Some(axes) => Ok(Some(axes)),
        None => Ok(call.ints("axes")?.map(<[i64]>::to_vec)),
    }
}

pub(super) fn squeeze<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.input(call, 0)?;
    let given = given_axes(importer, call)?;
    match value {
        Value::Activation(activation) => {
            let activation = activation.settled()?;
            let rank = activation.view.rank();
            let squeezed = match given {
                Some(given) => axes(&given, rank)?,
                None => (0..rank).filter(|&axis| activation.view.roles(axis).is_empty()).collect(),
            };
            let view = activation.view.squeezed(&squeezed);
            let view = view.ok_or_else(|| {
                Fault::new("axes of extent 1", format!("axes {squeezed:?} of {}", activation.describe()))
            })?;
            Ok(viewed(call, &activation, view))
        }
        value => {
            let shape = |shape: &[usize]| squeezed_shape(shape, given.as_deref());
            let floats = |array: &Array<f32>| Array::new(shape(array.shape())?, array.data().to_vec());
            constant(importer, value, floats, |array| Array::new(shape(array.shape())?, array.data().to_vec()))
        }
    }
}

fn squeezed_shape(shape: &[usize], given: Option<&[i64]>) -> Option<Vec<usize>> {
    let given = given.map(|given| axes(given, shape.len())).transpose().ok()?;
    let removed = |axis: usize, extent: usize| match &given {
        Some(given) => given.contains(&axis),
        None => extent == 1,
    };
    Some(
        shape.iter().enumerate().filter(|&(axis, &extent)| !removed(axis, extent)).map(|(_, &extent)| extent).collect(),
    )
}

pub(super) fn unsqueeze<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.input(call, 0)?;
    let given = given_axes(importer, call)?.ok_or_else(|| Fault::new("axes", "none"))?;
    match value {
        Value::Activation(activation) => {
            let activation = activation.settled()?;
            let inserted = axes(&given, activation.view.rank() + given.len())?;
            let view = activation.view.unsqueezed(&inserted);
            let view = view.ok_or_else(|| Fault::new("axes in range", format!("{given:?}")))?;
            Ok(viewed(call, &activation, view))
        }
        value => {
            let shape = |shape: &[usize]| {
                let mut shape = shape.to_vec();
                for axis in axes(&given, shape.len() + given.len()).ok()? {
                    if axis > shape.len() {
                        return None;
                    }
                    shape.insert(axis, 1);
                }
                Some(shape)
            };
            let floats = |array: &Array<f32>| Array::new(shape(array.shape())?, array.data().to_vec());
            constant(importer, value, floats, |array| Array::new(shape(array.shape())?, array.data().to_vec()))
        }
    }
}
