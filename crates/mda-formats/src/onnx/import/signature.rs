//! What the file takes and gives.

use super::ImportOptions;
use super::constant;
use crate::onnx::OnnxError;
use crate::onnx::proto::{self, Extent};
use std::collections::{HashMap, HashSet};

/// No image of a real network is larger along an axis.
const MAX_EXTENT: i64 = 1 << 16;

/// How many operations with constants may come first, before the images are transposed for instance.
pub(super) const MAX_ARITHMETIC: usize = 16;

/// The images that the file takes.
pub(super) struct Images<'a> {
    pub name: &'a str,
    /// Channels, height, width.
    pub extents: [usize; 3],
    /// The batch, where it is fixed.
    pub batch: Option<i64>,
    /// Whether the file has them as `[N, H, W, C]`.
    pub channels_last: bool,
}

/// The name of the first output; a note tells of others.
pub(super) fn output<'a>(graph: &'a proto::Graph, notes: &mut Vec<String>) -> Result<&'a str, OnnxError> {
    let (first, rest) = graph.output.split_first().ok_or_else(|| OnnxError::NotOnnx("it has no output".into()))?;
    if !rest.is_empty() {
        let names: Vec<&str> = rest.iter().map(|output| output.name.as_str()).collect();
        notes.push(format!("only output `{}` is taken, not {}", first.name, names.join(", ")));
    }
    Ok(&first.name)
}

/// The only input that `nodes` use and that is no constant.
pub(super) fn images<'a>(
    graph: &'a proto::Graph,
    constants: &HashMap<&str, &proto::Tensor>,
    nodes: &[&proto::Node],
    options: &ImportOptions,
) -> Result<Images<'a>, OnnxError> {
    let used: HashSet<&str> = nodes.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    let is_input = |input: &&proto::ValueInfo| {
        let name = input.name.as_str();
        used.contains(name) && !constants.contains_key(name)
    };
    let inputs: Vec<&proto::ValueInfo> = graph.input.iter().filter(is_input).collect();
    let [input] = inputs[..] else {
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        return Err(wrong("one input, the images", format!("{} ({})", names.len(), names.join(", "))));
    };
    let tensor = input.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
    let tensor = tensor.ok_or_else(|| wrong("a tensor of images", format!("no tensor in `{}`", input.name)))?;
    if !constant::is_float(tensor.elem_type.into()) {
        return Err(wrong("floating-point images", format!("data type {} in `{}`", tensor.elem_type, input.name)));
    }
    let channels_last = is_channels_last(&input.name, nodes);
    let known: Vec<Option<i64>> = match &tensor.shape {
        Some(shape) => shape.dim.iter().map(known_extent).collect(),
        None => vec![None; 4],
    };
    let [batch, a, b, c] = known[..] else {
        return Err(wrong("images of four axes, [N, C, H, W]", format!("{} axes in `{}`", known.len(), input.name)));
    };
    let [channels, height, width] = if channels_last { [c, a, b] } else { [a, b, c] };
    // A file may leave the channels open that its first layer knows.
    let channels = channels.or_else(|| channels_of_first_layer(&input.name, nodes, constants));
    let [rows, columns] = options.extents.map_or([None; 2], |extents| extents.map(Some));
    let asked = [options.channels, rows, columns];
    let extents = [("channels", channels), ("height", height), ("width", width)];
    let mut result = [0; 3];
    for ((result, (axis, in_file)), asked) in result.iter_mut().zip(extents).zip(asked) {
        *result = extent(axis, in_file, asked)?;
    }
    Ok(Images { name: &input.name, extents: result, batch, channels_last })
}

fn wrong(expected: impl Into<String>, got: impl Into<String>) -> OnnxError {
    OnnxError::Input { expected: expected.into(), got: got.into() }
}

fn known_extent(dim: &proto::Dimension) -> Option<i64> {
    match dim.extent {
        Some(Extent::Value(extent)) if extent > 0 => Some(extent),
        _ => None,
    }
}

fn extent(axis: &str, in_file: Option<i64>, asked: Option<usize>) -> Result<usize, OnnxError> {
    let found = match (in_file, asked) {
        (None, None) => {
            return Err(wrong(format!("a fixed extent ({axis}); give the size of the images"), "one left open"));
        }
        (None, Some(asked)) => asked as i64,
        (Some(found), Some(asked)) if found != asked as i64 => {
            return Err(wrong(format!("{asked} as the {axis}, as asked for"), format!("{found} in the file")));
        }
        (Some(found), _) => found,
    };
    let in_range = usize::try_from(found).ok().filter(|_| (1..=MAX_EXTENT).contains(&found));
    in_range.ok_or_else(|| wrong(format!("1 to {MAX_EXTENT} as the {axis}"), found.to_string()))
}

/// Whether the first thing that happens to the images, but for arithmetic with constants, is that `[N, H, W, C]` becomes
/// `[N, C, H, W]`: so TensorFlow's converters write.
fn is_channels_last(input: &str, nodes: &[&proto::Node]) -> bool {
    let mut value = input;
    for _ in 0..MAX_ARITHMETIC {
        let mut consumers = nodes.iter().filter(|node| node.input.iter().any(|input| input == value));
        let (Some(consumer), None) = (consumers.next(), consumers.next()) else { return false };
        match consumer.op_type.as_str() {
            "Transpose" => {
                let order = consumer.attribute.iter().find(|attribute| attribute.name == "perm");
                return order.is_some_and(|order| order.ints == [0, 3, 1, 2]);
            }
            "Identity" | "Cast" | "Add" | "Sub" | "Mul" | "Div" => match consumer.output.first() {
                Some(output) if output != value => value = output,
                _ => return false,
            },
            _ => return false,
        }
    }
    false
}

/// How many channels the first layer takes, where only operators come before it that keep the channels.
fn channels_of_first_layer(
    input: &str,
    nodes: &[&proto::Node],
    constants: &HashMap<&str, &proto::Tensor>,
) -> Option<i64> {
    let mut values = HashSet::from([input]);
    for node in nodes {
        if !node.input.iter().any(|input| values.contains(input.as_str())) {
            continue;
        }
        let parameter = || constants.get(node.input.get(1)?.as_str());
        match node.op_type.as_str() {
            "Conv" => {
                let group = node.attribute.iter().find(|attribute| attribute.name == "group");
                let group = group.map_or(1, |group| group.i.unwrap_or(0));
                return parameter()?.dims.get(1)?.checked_mul(group);
            }
            "BatchNormalization" => return parameter()?.dims.first().copied(),
            "Identity" | "Cast" | "Dropout" | "Add" | "Sub" | "Mul" | "Div" | "Clip" | "Relu" | "Transpose" | "Pad"
            | "MaxPool" | "AveragePool" => values.extend(node.output.first().map(String::as_str)),
            _ => {}
        }
    }
    None
}
