//! Means and maxima over whole axes.

use super::{Call, Fault, Importer, Value};
use crate::onnx::import::call::axes;
use crate::onnx::import::value::Activation;
use crate::onnx::import::view::Role;
use mda_core::op::{AvgPool, GlobalAvgPool, MaxPool, Op, Window};
use mda_core::tensor::Shape;

#[derive(Clone, Copy, PartialEq)]
enum Reduction {
    Mean,
    Max,
}

pub(super) fn global_average<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let input = importer.activation(call, 0)?;
    let (node, shape) = input.map()?;
    importer.push(call, call.name(), GlobalAvgPool {}, &[(node, shape)]).map(Value::Activation)
}

pub(super) fn global_max<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let input = importer.activation(call, 0)?;
    let (node, shape) = input.map()?;
    let op = pool(Reduction::Max, shape, [true, true]);
    importer.push(call, call.name(), op, &[(node, shape)]).map(Value::Activation)
}

pub(super) fn mean<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    reduce(importer, call, Reduction::Mean)
}

pub(super) fn max<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    reduce(importer, call, Reduction::Max)
}

/// Reduces rows, columns or both, in whatever order the file has its axes.
fn reduce<'a>(importer: &mut Importer<'a>, call: &Call<'a>, reduction: Reduction) -> Result<Value<'a>, Fault> {
    let input = importer.activation(call, 0)?.settled()?;
    let wanted = match importer.ints(call, 1)? {
        Some(wanted) => wanted,
        None => call.ints("axes")?.unwrap_or_default().to_vec(),
    };
    let wanted = axes(&wanted, input.view.rank())?;
    let roles: Vec<Role> = wanted.iter().flat_map(|&axis| input.view.roles(axis)).copied().collect();
    if wanted.is_empty() || roles.iter().any(|role| !matches!(role, Role::Row | Role::Column)) {
        let got = format!("axes {wanted:?} of {}", input.describe());
        return Err(Fault::new("rows and columns to be reduced", got));
    }
    let output = if roles.is_empty() {
        input.clone()
    } else {
        let op = pool(reduction, input.shape, [Role::Row, Role::Column].map(|role| roles.contains(&role)));
        importer.push(call, call.name(), op, &[(input.node.clone(), input.shape)])?
    };
    let view = if call.int("keepdims", 1)? != 0 {
        wanted.iter().fold(input.view, |view, &axis| view.with_axis(axis, &[]))
    } else {
        input.view.without(&wanted)
    };
    Ok(Value::Activation(Activation { view, ..output }))
}

/// The pool over all rows, all columns or both.
fn pool(reduction: Reduction, shape: Shape, reduced: [bool; 2]) -> Op {
    let extents = shape.spatial();
    let kernel = [0, 1].map(|axis| if reduced[axis] { extents[axis] } else { 1 });
    let window = Window { kernel, ..Window::square(1, 1, 0) };
    match reduction {
        Reduction::Max => MaxPool { window, ceil_mode: false }.into(),
        // An axis of one position is reduced with the other or not, as one likes.
        Reduction::Mean if kernel == extents => GlobalAvgPool {}.into(),
        Reduction::Mean => AvgPool { window, ceil_mode: false, count_include_pad: false }.into(),
    }
}
