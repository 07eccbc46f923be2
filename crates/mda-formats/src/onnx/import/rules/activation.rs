//! Activations that are no clamps.

use super::convolution::owner;
use super::elementwise::keep_view;
use super::{Call, Fault, Importer, Value, affine};
use mda_core::op::{Activation, ActivationKind, PRelu};
use mda_core::tensor::Tensor;

fn activation<'a>(importer: &mut Importer<'a>, call: &Call<'a>, kind: ActivationKind) -> Result<Value<'a>, Fault> {
    let value = importer.activation(call, 0)?;
    keep_view(importer, call, value, Activation { kind }).map(Value::Activation)
}

pub(super) fn sigmoid<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    activation(importer, call, ActivationKind::Sigmoid)
}

pub(super) fn tanh<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    activation(importer, call, ActivationKind::Tanh)
}

pub(super) fn hard_sigmoid<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let (slope, offset) = (call.float("alpha", 0.2)?, call.float("beta", 0.5)?);
    activation(importer, call, ActivationKind::HardSigmoid { slope, offset })
}

pub(super) fn hard_swish<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    activation(importer, call, ActivationKind::HardSwish)
}

pub(super) fn leaky_relu<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let slope = call.float("alpha", 0.01)?;
    activation(importer, call, ActivationKind::LeakyRelu { slope })
}

pub(super) fn elu<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let alpha = call.float("alpha", 1.0)?;
    activation(importer, call, ActivationKind::Elu { alpha })
}

pub(super) fn gelu<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let kind = match call.string("approximate")?.unwrap_or("none") {
        "none" => ActivationKind::Gelu,
        "tanh" => ActivationKind::GeluTanh,
        other => return Err(Fault::new("`approximate` to be `none` or `tanh`", format!("`{other}`"))),
    };
    activation(importer, call, kind)
}

pub(super) fn swish<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    match call.float("alpha", 1.0)? {
        1.0 => activation(importer, call, ActivationKind::Silu),
        alpha => Err(Fault::new("an `alpha` of 1", alpha.to_string())),
    }
}

/// The slopes are one number, or one a channel in whatever shape broadcasts so.
pub(super) fn prelu<'a>(importer: &mut Importer<'a>, call: &Call<'a>) -> Result<Value<'a>, Fault> {
    let value = importer.activation(call, 0)?;
    let constant = importer.floats(call, 1)?;
    let name = owner(&constant, "weight").unwrap_or(call.name()).to_owned();
    let (value, slopes) = affine::per_channel(importer, value, &constant.array)?;
    let view = value.view.clone();
    let output = importer.push(call, &name, PRelu {}, &[(value.node, value.shape)])?;
    importer.parameter(&output, "weight", Tensor::vector(slopes));
    Ok(Value::Activation(output.viewed(view)))
}
