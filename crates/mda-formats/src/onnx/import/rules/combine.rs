//! Sums and products of computed values.

use super::{Call, Fault, Importer, Value};
use crate::onnx::import::value::Activation;
use mda_core::op::{Add, Multiply};

/// A sum of values of one shape.
pub(super) fn add_values<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    values: Vec<Activation<'a>>,
) -> Result<Value<'a>, Fault> {
    let flat = values.iter().all(|value| value.view.rank() == 2);
    let alike = values.windows(2).all(|pair| pair[0].view == pair[1].view);
    if !flat && !alike {
        let got = values.iter().map(Activation::describe).collect::<Vec<_>>().join(" and ");
        return Err(Fault::new("values of one shape", got));
    }
    let view = values.first().filter(|_| !flat).map(|value| value.view.clone());
    let mut inputs = Vec::with_capacity(values.len());
    for value in values {
        let value = value.settled()?;
        inputs.push(if flat { importer.features(value)? } else { (value.node, value.shape) });
    }
    let sum = importer.push(call, call.name(), Add {}, &inputs)?;
    Ok(Value::Activation(match view {
        Some(view) => sum.viewed(view),
        None => sum,
    }))
}

/// A product of two values of one shape, or of a map and a gate: one number a channel, in whatever order the file has both.
pub(super) fn multiply_values<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    left: Activation<'a>,
    right: Activation<'a>,
) -> Result<Value<'a>, Fault> {
    let (left, right) = (left.settled()?, right.settled()?);
    if left.view.rank() == 2 && right.view.rank() == 2 {
        let inputs = [importer.features(left)?, importer.features(right)?];
        return importer.push(call, call.name(), Multiply {}, &inputs).map(Value::Activation);
    }
    let gates = |gate: &Activation<'_>, value: &Activation<'_>| {
        Multiply::is_gate(gate.shape, value.shape) && value.view.clone().fitted(gate.shape) == gate.view
    };
    let (value, factors) = match (left, right) {
        (left, right) if left.shape == right.shape && left.view == right.view => (left, right),
        (left, right) if gates(&right, &left) => (left, right),
        (left, right) if gates(&left, &right) => (right, left),
        (left, right) => {
            let got = format!("{} and {}", left.describe(), right.describe());
            return Err(Fault::new("values of one shape, or a map and one number for each of its channels", got));
        }
    };
    let view = value.view;
    let inputs = [(value.node, value.shape), (factors.node, factors.shape)];
    let product = importer.push(call, call.name(), Multiply {}, &inputs)?;
    Ok(Value::Activation(product.viewed(view)))
}
