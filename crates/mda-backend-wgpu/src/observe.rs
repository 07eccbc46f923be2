//! Probes: what is read off a value as soon as it is complete.

use crate::command::{Command, Source, View};
use crate::layers;
use mda_core::Model;
use mda_core::graph::NodeId;
use mda_core::op::{Op, Window};
use mda_core::run::backend::{BackendError, Probe};
use mda_core::tensor::Shape;

/// A probe, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    /// The node that it was asked for at.
    pub node: NodeId,
    /// The value that it looks at.
    pub value: NodeId,
    /// The shape of its answer for one image, as tensors have it.
    pub axes: Vec<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Copy,
    Moments,
    WindowSums { window: Window, output: [usize; 2] },
}

impl Observation {
    /// Resolves `probe`.
    ///
    /// # Errors
    /// [`BackendError::BadProbe`] where it does not fit its node.
    pub(crate) fn new(model: &Model, probe: Probe) -> Result<Self, BackendError> {
        let axes = probe.shape(model, 1)?;
        let node = model.graph().node(probe.node());
        let value = match probe {
            Probe::Value(id) | Probe::Moments(id) => id,
            Probe::Input(_) | Probe::WindowSum(_) => node.inputs[0],
        };
        let kind = match (probe, &node.op) {
            (Probe::WindowSum(_), Op::Conv2d(conv)) => {
                Kind::WindowSums { window: conv.window, output: node.shape.spatial() }
            }
            (Probe::Moments(_), _) => Kind::Moments,
            _ => Kind::Copy,
        };
        Ok(Self { node: probe.node(), value, axes, kind })
    }

    /// Whether the answer is more than a copy of the value.
    pub(crate) fn is_computed(&self) -> bool {
        !matches!(self.kind, Kind::Copy)
    }
}

/// What makes an answer of `value`.
pub(crate) fn commands(observation: &Observation, value: View, answer: usize) -> Vec<Command> {
    let size: usize = observation.axes.iter().product();
    let computed = View { buffer: Source::Answer(answer), offset: 0, stride: size, shape: Shape::Features(size) };
    let dispatch = match observation.kind {
        Kind::Copy => return vec![Command::Answer { from: value, answer }],
        Kind::Moments => layers::moments(value, computed),
        Kind::WindowSums { window, output } => layers::window_sums(&window, output, value, computed),
    };
    vec![Command::Dispatch(dispatch), Command::Answer { from: computed, answer }]
}
