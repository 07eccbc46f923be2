//! What a probe comes to: which value is looked at, and what is read off it.

use super::{BackendError, Probe};
use crate::graph::NodeId;
use crate::model::Model;
use crate::op::{Op, Window};

/// A probe, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The node that the probe was asked for at.
    pub node: NodeId,
    /// The node whose value is looked at.
    pub value: NodeId,
    /// What is read off it.
    pub kind: ReadingKind,
    /// The shape of the answer for one image, as tensors have it.
    pub shape: Vec<usize>,
}

/// What is read off a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingKind {
    /// The value itself.
    Copy,
    /// Sum and sum of squares over the positions of every channel.
    Moments,
    /// For every tap of a convolution's window, the sum over all output positions of the number under it.
    WindowSums {
        /// The window.
        window: Window,
        /// Height and width of the map that it slides over.
        input: [usize; 2],
        /// Height and width of the map that the convolution computes.
        output: [usize; 2],
    },
}

impl Reading {
    /// What `probe` comes to in `model`.
    ///
    /// # Errors
    /// [`BackendError::BadProbe`] where it does not fit its node.
    pub fn new(model: &Model, probe: Probe) -> Result<Self, BackendError> {
        let shape = probe.shape(model, 1)?;
        let graph = model.graph();
        let node = graph.node(probe.node());
        let value = probe.value(model).expect("a probe with a shape looks at a value");
        let kind = match (probe, &node.op) {
            (Probe::WindowSum(_), Op::Conv2d(conv)) => ReadingKind::WindowSums {
                window: conv.window,
                input: graph.node(value).shape.spatial(),
                output: node.shape.spatial(),
            },
            (Probe::Moments(_), _) => ReadingKind::Moments,
            _ => ReadingKind::Copy,
        };
        Ok(Self { node: probe.node(), value, kind, shape })
    }
}
