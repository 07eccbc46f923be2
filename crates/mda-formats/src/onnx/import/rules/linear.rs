//! Fully connected layers.

use super::convolution::{owner, tensor};
use super::{Call, Fault, Importer, Value};
use crate::onnx::import::value::Floats;
use mda_core::op::Linear;
use mda_core::tensor::Tensor;
use std::rc::Rc;

pub(super) fn gemm<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    if call.flag("transA")? {
        return Err(Fault::new("features [N, F] as they are", "`transA`"));
    }
    let (alpha, beta) = (call.float("alpha", 1.0)?, call.float("beta", 1.0)?);
    let weight = importer.floats(call, 1)?;
    let bias = call.input(2).map(|_| importer.floats(call, 2)).transpose()?;
    linear(importer, call, (weight, call.flag("transB")?, alpha), bias.map(|bias| (bias, beta)))
}

pub(super) fn matmul<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let weight = importer.floats(call, 1)?;
    linear(importer, call, (weight, false, 1.0), None)
}

/// `weight` comes with whether it is `[Q, P]` already, and both with what they are multiplied by.
fn linear<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    (weight, transposed, alpha): (Floats, bool, f32),
    bias: Option<(Floats, f32)>,
) -> Result<Value<'a>, Fault> {
    let input = importer.activation(call, 0)?;
    let (node, shape) = importer.features(input)?;
    let weight = if transposed { weight } else { turned(importer, weight)? };
    let [out_features, in_features] = weight.array.shape()[..] else {
        return Err(Fault::new("a weight of two axes", format!("{:?}", weight.array.shape())));
    };
    if in_features != shape.channels() {
        let expected = format!("a weight for {} features", shape.channels());
        return Err(Fault::new(expected, format!("one for {in_features}")));
    }
    let name = owner(&weight, "weight").unwrap_or(call.name()).to_owned();
    let op = Linear { out_features, bias: bias.is_some() };
    let output = importer.push(call, &name, op, &[(node, shape)])?;
    let weight = tensor(importer, weight, &[out_features, in_features])?;
    importer.parameter(&output, "weight", scaled(weight, alpha));
    if let Some((bias, beta)) = bias {
        let bias = broadcast(importer, bias, out_features)?;
        importer.parameter(&output, "bias", scaled(bias, beta));
    }
    Ok(Value::Activation(output))
}

fn turned(importer: &mut Importer<'_>, weight: Floats) -> Result<Floats, Fault> {
    if weight.array.shape().len() != 2 {
        return Err(Fault::new("a weight of two axes", format!("{:?}", weight.array.shape())));
    }
    importer.budget.take(weight.array.data().len())?;
    Ok(Floats { array: Rc::new(weight.array.transposed(&[1, 0])), name: weight.name })
}

/// A bias `[Q]`, of which a single number stands for all.
fn broadcast(importer: &mut Importer<'_>, bias: Floats, out_features: usize) -> Result<Tensor, Fault> {
    match bias.array.single() {
        Some(number) => {
            importer.budget.take(out_features)?;
            Ok(Tensor::vector(vec![number; out_features]))
        }
        None => tensor(importer, bias, &[out_features]),
    }
}

fn scaled(mut tensor: Tensor, factor: f32) -> Tensor {
    if factor != 1.0 {
        tensor.data_mut().iter_mut().for_each(|number| *number *= factor);
    }
    tensor
}
