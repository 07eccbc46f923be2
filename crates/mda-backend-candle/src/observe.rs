//! Probes: what is read off a value on the device as soon as it is complete.

use crate::devices::failed;
use crate::transfer::upload;
use candle_core::{D, Device, Result, Tensor};
use mda_core::Model;
use mda_core::graph::NodeId;
use mda_core::op::{Op, Window};
use mda_core::run::backend::{BackendError, Probe};

/// A probe, resolved.
pub(crate) struct Observation {
    /// The value that it looks at.
    pub(crate) value: NodeId,
    kind: Kind,
}

enum Kind {
    Copy,
    Moments,
    WindowSums(WindowSums),
}

impl Observation {
    /// Resolves `probe`.
    ///
    /// # Errors
    /// [`BackendError::BadProbe`] where it does not fit its node.
    pub(crate) fn new(model: &Model, probe: Probe, device: &Device) -> std::result::Result<Self, BackendError> {
        probe.shape(model, 1)?;
        let graph = model.graph();
        let node = graph.node(probe.node());
        let value = probe.value(model).expect("a probe with a shape looks at a value");
        let kind = match (probe, &node.op) {
            (Probe::WindowSum(_), Op::Conv2d(conv)) => {
                let extents = [graph.node(value).shape.spatial(), node.shape.spatial()];
                Kind::WindowSums(WindowSums::new(&conv.window, extents, device).map_err(failed)?)
            }
            (Probe::Moments(_), _) => Kind::Moments,
            _ => Kind::Copy,
        };
        Ok(Self { value, kind })
    }

    /// What the probe sees of `value` (`[C, N, ...]`), channels first as all values.
    pub(crate) fn take(&self, value: &Tensor) -> Result<Tensor> {
        match &self.kind {
            Kind::Copy => Ok(value.clone()),
            Kind::Moments => moments(value),
            Kind::WindowSums(sums) => sums.of(value),
        }
    }
}

/// Sum and sum of squares over positions, `[C, N, 2]`.
fn moments(value: &Tensor) -> Result<Tensor> {
    let positions = value.reshape((value.dim(0)?, value.dim(1)?, ()))?;
    Tensor::stack(&[positions.sum(D::Minus1)?, positions.sqr()?.sum(D::Minus1)?], 2)
}

/// Window sums as two small products, along the columns first.
struct WindowSums {
    /// What the taps see: `[H, KH]` and `[W, KW]`.
    covered: [Tensor; 2],
}

impl WindowSums {
    fn new(window: &Window, [input, output]: [[usize; 2]; 2], device: &Device) -> Result<Self> {
        let covered = |axis: usize| upload(&window.coverage(axis, input[axis], output[axis]), device);
        Ok(Self { covered: [covered(0)?, covered(1)?] })
    }

    /// `[C, N, H, W]` to `[C, N, KH*KW]`.
    fn of(&self, map: &Tensor) -> Result<Tensor> {
        let (channels, images, height, width) = map.dims4()?;
        let [rows, columns] = &self.covered;
        let [kh, kw] = [rows.dim(1)?, columns.dim(1)?];
        let planes = channels * images;
        let across = map.contiguous()?.reshape((planes * height, width))?.matmul(columns)?;
        let turned = across.reshape((planes, height, kw))?.transpose(1, 2)?.contiguous()?;
        let sums = turned.reshape((planes * kw, height))?.matmul(rows)?;
        sums.reshape((planes, kw, kh))?.transpose(1, 2)?.contiguous()?.reshape((channels, images, kh * kw))
    }
}
