//! Convolutions and batch normalisation.

use super::{Call, Fault, Importer, Value, window};
use crate::onnx::import::call::extents;
use crate::onnx::import::value::Floats;
use mda_core::op::{BatchNorm, Conv2d};
use mda_core::tensor::Tensor;
use std::rc::Rc;

/// The first part of the name of the parameter `suffix`, where the constant has such a name.
pub(super) fn owner<'n>(constant: &'n Floats, suffix: &str) -> Option<&'n str> {
    constant.name.as_deref()?.strip_suffix(suffix)?.strip_suffix('.').filter(|name| !name.is_empty())
}

/// The constant as a parameter.
pub(super) fn tensor(importer: &mut Importer<'_>, constant: Floats, shape: &[usize]) -> Result<Tensor, Fault> {
    let array = match Rc::try_unwrap(constant.array) {
        Ok(array) => array,
        Err(shared) => {
            importer.budget.take(shared.data().len())?;
            (*shared).clone()
        }
    };
    let got = format!("{:?}", array.shape());
    Tensor::new(shape, array.into_data()).map_err(|_| Fault::new(format!("constant numbers {shape:?}"), got))
}

/// One number a channel: `[channels]`, or as many with axes of extent 1.
fn vector(importer: &mut Importer<'_>, constant: Floats, channels: usize) -> Result<Tensor, Fault> {
    tensor(importer, constant, &[channels])
}

pub(super) fn conv<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let input = importer.activation(call, 0)?;
    let weight = importer.floats(call, 1)?;
    let [out_channels, in_channels, rows, columns] = weight.array.shape()[..] else {
        let got = format!("a weight of {} axes", weight.array.shape().len());
        return Err(Fault::new("a two-dimensional convolution, its weight [Q, P / groups, KH, KW]", got));
    };
    let kernel = [rows, columns];
    let attribute: Option<[usize; 2]> =
        call.ints("kernel_shape")?.map(|ints| extents("kernel_shape", ints)).transpose()?;
    if attribute.is_some_and(|attribute| attribute != kernel) {
        return Err(Fault::new(format!("a `kernel_shape` of {kernel:?}, as the weight has"), format!("{attribute:?}")));
    }
    let (input, border) = window::take_border(input);
    let border = window::zeros(border)?;
    let (node, shape) = input.map()?;
    let window = window::read(call, kernel, shape, border)?;
    let [groups]: [usize; 1] = extents("group", &[call.int("group", 1)?])?;
    if in_channels.checked_mul(groups) != Some(shape.channels()) {
        let got = format!("{groups} groups of {in_channels}");
        return Err(Fault::new(format!("a weight for {} input channels", shape.channels()), got));
    }
    let bias = call.input(2).map(|_| importer.floats(call, 2)).transpose()?;
    let name = owner(&weight, "weight").unwrap_or(call.name()).to_owned();
    let op = Conv2d { out_channels, window, groups, bias: bias.is_some() };
    let output = importer.push(call, &name, op, &[(node, shape)])?;
    let weight = tensor(importer, weight, &[out_channels, in_channels, rows, columns])?;
    importer.parameter(&output, "weight", weight);
    if let Some(bias) = bias {
        let bias = vector(importer, bias, out_channels)?;
        importer.parameter(&output, "bias", bias);
    }
    Ok(Value::Activation(output))
}

pub(super) fn batch_norm<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    if call.flag("training_mode")? {
        return Err(Fault::new("batch normalisation with running statistics", "`training_mode`"));
    }
    let input = importer.activation(call, 0)?;
    let (node, shape) = if input.view.rank() == 2 { importer.features(input)? } else { input.map()? };
    let scale = importer.floats(call, 1)?;
    let name = owner(&scale, "weight").unwrap_or(call.name()).to_owned();
    let eps = call.float("epsilon", 1e-5)?;
    let output = importer.push(call, &name, BatchNorm { eps }, &[(node, shape)])?;
    let weight = vector(importer, scale, shape.channels())?;
    importer.parameter(&output, "weight", weight);
    for (index, suffix) in [(2, "bias"), (3, "running_mean"), (4, "running_var")] {
        let constant = importer.floats(call, index)?;
        let numbers = vector(importer, constant, shape.channels())?;
        importer.parameter(&output, suffix, numbers);
    }
    Ok(Value::Activation(output))
}
