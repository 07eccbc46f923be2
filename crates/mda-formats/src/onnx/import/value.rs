//! What the importer knows of the file's values.

use super::array::Array;
use super::builder::Shaped;
use super::fault::Fault;
use super::view::{Dim, View};
use mda_core::op::Padding;
use mda_core::tensor::Shape;
use std::rc::Rc;

/// A value of the file.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// Computed from the images.
    Activation(Activation<'a>),
    /// A constant.
    Floats(Floats),
    /// A constant, or extents that depend on the batch.
    Ints(Rc<Array<Dim>>),
}

/// Constant floating-point numbers, and the initializer that they come from.
#[derive(Clone, Debug)]
pub(super) struct Floats {
    pub array: Rc<Array<f32>>,
    pub name: Option<String>,
}

/// A value that a node of the graph computes, as the file arranges it.
#[derive(Clone, Debug)]
pub(super) struct Activation<'a> {
    /// The graph's node.
    pub node: Rc<str>,
    /// The shape of its value.
    pub shape: Shape,
    /// How the file arranges it.
    pub view: View,
    /// The file's value that made the node; other values are further views of it.
    pub origin: &'a str,
    /// The file's node that flattened it.
    pub flattened_by: Option<&'a str>,
    /// Constant borders that the next convolution or pool takes over as padding.
    pub border: Option<Border>,
    /// The operator that made probabilities of it, which are the end.
    pub probabilities: Option<&'static str>,
}

/// Rows and columns of one number around a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Border {
    pub padding: Padding,
    pub number: f32,
}

impl<'a> Activation<'a> {
    pub(super) fn new(node: Rc<str>, shape: Shape, origin: &'a str) -> Self {
        let view = View::plain(shape);
        Self { node, shape, view, origin, flattened_by: None, border: None, probabilities: None }
    }

    /// The same value under another view.
    pub(super) fn viewed(&self, view: View) -> Self {
        Self { view, ..self.clone() }
    }

    /// Fails where a border or a Softmax waits, which few consumers can take.
    pub(super) fn settled(self) -> Result<Self, Fault> {
        if self.border.is_some() {
            return Err(Fault::new("a Conv or pool behind a Pad", "another operator"));
        }
        match self.probabilities {
            Some(op) => Err(Fault::new("logits", format!("what a {op} makes of them; only the last node may be one"))),
            None => Ok(self),
        }
    }

    /// The node and shape behind the value where the file, too, has it as `[N, C, H, W]`.
    pub(super) fn map(self) -> Result<Shaped, Fault> {
        let value = self.settled()?;
        if matches!(value.shape, Shape::Map { .. }) && value.view == View::plain(value.shape) {
            return Ok((value.node, value.shape));
        }
        Err(Fault::new("feature maps [N, C, H, W]", value.describe()))
    }

    /// The extents as the file has them, for messages.
    pub(super) fn describe(&self) -> String {
        let dims = self.view.dims(self.shape).into_iter().map(|dim| match dim {
            Dim { batch: true, count: 1 } => "N".to_owned(),
            Dim { batch: true, count } => format!("N*{count}"),
            Dim { batch: false, count } => count.to_string(),
        });
        let dims = format!("[{}]", dims.collect::<Vec<_>>().join(", "));
        if self.view == View::plain(self.shape) { dims } else { format!("{dims}, which is {} rearranged", self.shape) }
    }
}

impl Value<'_> {
    pub(super) fn ints(array: Array<Dim>) -> Self {
        Self::Ints(Rc::new(array))
    }

    pub(super) fn floats(array: Array<f32>) -> Self {
        Self::Floats(Floats { array: Rc::new(array), name: None })
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Activation(activation) => format!("a computed value {}", activation.describe()),
            Self::Floats(floats) => format!("constant numbers {:?}", floats.array.shape()),
            Self::Ints(ints) => format!("constant integers {:?}", ints.shape()),
        }
    }
}
