//! Arithmetic with constants: numbers that are added to channels or scale them.

use super::combine::{add_values, multiply_values};
use super::{Call, Fault, Importer, Value, elementwise, integers};
use crate::onnx::import::array::Array;
use crate::onnx::import::value::Activation;
use crate::onnx::import::view::{Role, View};
use mda_core::op::{BatchNorm, Normalize, Op};
use mda_core::tensor::Tensor;

/// An operator of two operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

/// What a constant does to every channel.
enum Change {
    /// `x + c`
    Shift(Vec<f32>),
    /// `c - x`
    Mirror(Vec<f32>),
    /// `x * c`
    Scale(Vec<f32>),
    /// `x / c`
    Divide(Vec<f32>),
}

pub(super) fn add<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    binary(importer, call, Arithmetic::Add)
}

pub(super) fn sub<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    binary(importer, call, Arithmetic::Sub)
}

pub(super) fn mul<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    binary(importer, call, Arithmetic::Mul)
}

pub(super) fn div<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    binary(importer, call, Arithmetic::Div)
}

pub(super) fn sum<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let values: Result<Vec<_>, _> = (0..call.node.input.len()).map(|index| importer.activation(call, index)).collect();
    match <[_; 1]>::try_from(values?) {
        Ok([only]) => Ok(Value::Activation(only)),
        Err(values) => add_values(importer, call, values),
    }
}

fn binary<'a>(importer: &mut Importer<'a>, call: &Call<'a>, arithmetic: Arithmetic) -> Result<Value<'a>, Fault> {
    let (left, right) = (importer.input(call, 0)?, importer.input(call, 1)?);
    match (left, right) {
        (Value::Ints(left), Value::Ints(right)) => integers::compute(importer, arithmetic, &left, &right),
        (Value::Activation(left), Value::Activation(right)) if arithmetic == Arithmetic::Add => {
            add_values(importer, call, vec![left, right])
        }
        (Value::Activation(left), Value::Activation(right)) if arithmetic == Arithmetic::Mul => {
            multiply_values(importer, call, left, right)
        }
        (Value::Activation(value), Value::Floats(constant)) => {
            let (value, numbers) = per_channel(importer, value, &constant.array)?;
            let change = match arithmetic {
                Arithmetic::Add => Change::Shift(numbers),
                Arithmetic::Sub => Change::Shift(numbers.into_iter().map(|number| -number).collect()),
                Arithmetic::Mul => Change::Scale(numbers),
                Arithmetic::Div => Change::Divide(numbers),
            };
            apply(importer, call, value, change)
        }
        (Value::Floats(constant), Value::Activation(value)) if arithmetic != Arithmetic::Div => {
            let (value, numbers) = per_channel(importer, value, &constant.array)?;
            let change = match arithmetic {
                Arithmetic::Add => Change::Shift(numbers),
                Arithmetic::Mul => Change::Scale(numbers),
                Arithmetic::Sub | Arithmetic::Div => Change::Mirror(numbers),
            };
            apply(importer, call, value, change)
        }
        (left, right) => {
            let got = format!("{} and {}", left.describe(), right.describe());
            Err(Fault::new("a computed value and constant numbers, or a sum or product of two computed values", got))
        }
    }
}

/// The value as its channels can be changed, and the constant as one number a channel.
pub(super) fn per_channel<'a>(
    importer: &mut Importer<'a>,
    value: Activation<'a>,
    constant: &Array<f32>,
) -> Result<(Activation<'a>, Vec<f32>), Fault> {
    let mut value = value.settled()?;
    if value.view.rank() == 2 {
        let origin = value.origin;
        let (node, shape) = importer.features(value)?;
        value = Activation::new(node, shape, origin);
    }
    let channels = value.shape.channels();
    // Axes of extent 1 in front change nothing.
    let extra = constant.shape().len().saturating_sub(value.view.rank());
    let (front, shape) = constant.shape().split_at(extra);
    let first = value.view.rank() - shape.len();
    let fits = |(axis, &extent): (usize, &usize)| {
        extent == 1 || extent == channels && value.view.roles(first + axis) == [Role::Channel]
    };
    if front.iter().any(|&extent| extent != 1) || !shape.iter().enumerate().all(fits) {
        let expected = format!("one number, or one for each of {channels} channels of {}", value.describe());
        return Err(Fault::new(expected, format!("{:?}", constant.shape())));
    }
    importer.budget.take(channels)?;
    let numbers = match constant.single() {
        Some(number) => vec![number; channels],
        None => constant.data().to_vec(),
    };
    Ok((value, numbers))
}

fn apply<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    value: Activation<'a>,
    change: Change,
) -> Result<Value<'a>, Fault> {
    // Only a value that nobody else sees may be changed where it is computed.
    let own = importer.used_once(value.origin)
        && call.node.input.iter().any(|input| input == value.origin)
        && value.view == View::plain(value.shape);
    let channels = value.shape.channels();
    let op: Op = match change {
        Change::Shift(numbers) => {
            if own && importer.builder.add_bias(&value.node) {
                importer.parameter(&value, "bias", Tensor::vector(numbers));
                return Ok(Value::Activation(Activation::new(value.node, value.shape, call.output())));
            }
            Normalize { mean: numbers.into_iter().map(|number| -number).collect(), std: vec![1.0; channels] }.into()
        }
        Change::Mirror(numbers) => Normalize { mean: numbers, std: vec![-1.0; channels] }.into(),
        Change::Divide(numbers) => {
            if own && let Some((input, mean)) = importer.builder.take_shift(&value.node) {
                let op = Normalize { mean, std: numbers };
                return importer.push(call, call.name(), op, &[input]).map(Value::Activation);
            }
            Normalize { mean: vec![0.0; channels], std: numbers }.into()
        }
        Change::Scale(numbers) if own && importer.builder.scale(&value.node, &numbers) => {
            return Ok(Value::Activation(Activation::new(value.node, value.shape, call.output())));
        }
        Change::Scale(numbers) => return scale(importer, call, value, numbers),
    };
    elementwise::keep_view(importer, call, value, op).map(Value::Activation)
}

/// A product is a quotient by the reciprocals, where they exist; otherwise a BatchNorm takes the factors as they are.
fn scale<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    value: Activation<'a>,
    factors: Vec<f32>,
) -> Result<Value<'a>, Fault> {
    let channels = factors.len();
    let std: Vec<f32> = factors.iter().map(|factor| factor.recip()).collect();
    if std.iter().all(|std| std.is_normal()) {
        let op = Normalize { mean: vec![0.0; channels], std };
        return elementwise::keep_view(importer, call, value, op).map(Value::Activation);
    }
    importer.budget.take(3 * channels)?;
    let output = elementwise::keep_view(importer, call, value, BatchNorm { eps: 0.0 })?;
    importer.parameter(&output, "weight", Tensor::vector(factors));
    for (suffix, number) in [("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)] {
        importer.parameter(&output, suffix, Tensor::vector(vec![number; channels]));
    }
    Ok(Value::Activation(output))
}
