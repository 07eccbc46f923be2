//! Probes: what is read off a value on the device as soon as it is complete.

use crate::devices::failed;
use crate::transfer::{Result, upload};
use mda_core::Model;
use mda_core::graph::NodeId;
use mda_core::op::Op;
use mda_core::run::backend::{BackendError, Probe};
use tch::{Device, Kind, Tensor};

/// A probe, resolved.
pub(crate) struct Observation {
    /// The value that it looks at.
    pub(crate) value: NodeId,
    kind: Kinds,
}

enum Kinds {
    Copy,
    Moments,
    /// What the taps see: `[H, KH]` and `[W, KW]`.
    WindowSums([Tensor; 2]),
}

impl Observation {
    /// Resolves `probe`.
    ///
    /// # Errors
    /// [`BackendError::BadProbe`] where it does not fit its node.
    pub(crate) fn new(model: &Model, probe: Probe, device: Device) -> std::result::Result<Self, BackendError> {
        probe.shape(model, 1)?;
        let graph = model.graph();
        let node = graph.node(probe.node());
        let value = probe.value(model).expect("a probe with a shape looks at a value");
        let kind = match (probe, &node.op) {
            (Probe::WindowSum(_), Op::Conv2d(conv)) => {
                let (input, output) = (graph.node(value).shape.spatial(), node.shape.spatial());
                let covered = |axis: usize| upload(&conv.window.coverage(axis, input[axis], output[axis]), device);
                Kinds::WindowSums([covered(0).map_err(failed)?, covered(1).map_err(failed)?])
            }
            (Probe::Moments(_), _) => Kinds::Moments,
            _ => Kinds::Copy,
        };
        Ok(Self { value, kind })
    }

    /// What the probe sees of `value`, `[N, C, ...]`.
    pub(crate) fn take(&self, value: &Tensor) -> Result<Tensor> {
        match &self.kind {
            Kinds::Copy => Ok(value.shallow_clone()),
            Kinds::Moments => {
                let positions = value.f_reshape([value.size()[0], value.size()[1], -1])?;
                let sum = |numbers: &Tensor| numbers.f_sum_dim_intlist(2i64, false, Kind::Float);
                Tensor::f_stack(&[sum(&positions)?, sum(&positions.f_square()?)?], 2)
            }
            Kinds::WindowSums([rows, columns]) => {
                let turned = value.f_matmul(columns)?.f_transpose(2, 3)?;
                turned.f_matmul(rows)?.f_transpose(2, 3)?.f_flatten(2, 3)
            }
        }
    }

    pub(crate) fn shallow_clone(&self) -> Self {
        let kind = match &self.kind {
            Kinds::Copy => Kinds::Copy,
            Kinds::Moments => Kinds::Moments,
            Kinds::WindowSums(covered) => Kinds::WindowSums(covered.each_ref().map(Tensor::shallow_clone)),
        };
        Self { value: self.value, kind }
    }
}
