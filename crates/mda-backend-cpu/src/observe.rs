//! Probes: what is read off a value as soon as it is complete.

use crate::kernel::Simd;
use crate::maps::{Maps, MapsMut};
use crate::parallel::{for_each_block, for_each_plane};
use crate::sums::sum;
use crate::window_sums::WindowSums;
use mda_core::Model;
use mda_core::graph::NodeId;
use mda_core::op::Op;
use mda_core::run::backend::{BackendError, Probe};
use mda_core::tensor::Shape;

/// A probe, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    /// The value that it looks at.
    pub value: NodeId,
    /// The shape of its answer for one image, as a map or features.
    pub answer: Shape,
    /// The shape of its answer as tensors have it.
    pub axes: Vec<usize>,
    kind: Kind,
}

#[derive(Clone, Debug)]
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
    pub(crate) fn new(model: &Model, probe: Probe) -> Result<Self, BackendError> {
        let axes = probe.shape(model, 1)?;
        let graph = model.graph();
        let node = graph.node(probe.node());
        let value = match probe {
            Probe::Value(id) | Probe::Moments(id) => id,
            Probe::Input(_) | Probe::WindowSum(_) => node.inputs[0],
        };
        let shape = graph.node(value).shape;
        let strip = |width: usize| Shape::Map { channels: shape.channels(), height: 1, width };
        let (kind, answer) = match (probe, &node.op) {
            (Probe::WindowSum(_), Op::Conv2d(conv)) => {
                let sums = WindowSums::new(&conv.window, shape.spatial(), node.shape.spatial());
                (Kind::WindowSums(sums), strip(conv.window.taps()))
            }
            (Probe::Moments(_), _) => (Kind::Moments, strip(2)),
            _ => (Kind::Copy, shape),
        };
        Ok(Self { value, answer, axes, kind })
    }

    /// Writes what the probe sees of `value` to `answers`, in the shape of `answer`.
    pub(crate) fn take<S: Simd>(&self, simd: S, value: Maps<'_>, answers: &mut [f32], threads: usize) {
        let answers = MapsMut::new(answers, value.images(), self.answer.elements(), self.answer, threads);
        let positions = value.shape().positions();
        match &self.kind {
            Kind::Copy => for_each_block(answers, positions, |n, first, answers| {
                answers.copy_from_slice(&value.image(n)[first * positions..][..answers.len()]);
            }),
            Kind::Moments => for_each_plane(answers, positions, |n, c, answer| {
                answer.copy_from_slice(&simd.vectorize(
                    #[inline(always)]
                    || moments(value.plane(n, c)),
                ));
            }),
            Kind::WindowSums(sums) => for_each_block(answers, positions, |n, first, answers| {
                let channels = answers.len() / self.answer.positions();
                let planes = &value.image(n)[first * positions..][..channels * positions];
                simd.vectorize(
                    #[inline(always)]
                    || sums.of(planes, answers),
                );
            }),
        }
    }
}

/// Sum and sum of squares.
#[inline(always)]
fn moments(plane: &[f32]) -> [f32; 2] {
    [sum(plane, f64::from) as f32, sum(plane, |x| f64::from(x) * f64::from(x)) as f32]
}
