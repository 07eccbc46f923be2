//! ReLU, ReLU6 and every other clamp to an interval.

use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// `y = min(max(x, min), max)`; an absent bound does not bind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clamp {
    /// Lower bound.
    pub min: Option<f32>,
    /// Upper bound.
    pub max: Option<f32>,
}

impl Clamp {
    /// `max(x, 0)`.
    pub fn relu() -> Self {
        Self { min: Some(0.0), max: None }
    }

    /// `min(max(x, 0), 6)`.
    pub fn relu6() -> Self {
        Self { min: Some(0.0), max: Some(6.0) }
    }

    /// The clamped number; NaN stays NaN, so that a broken input shows.
    pub fn apply(&self, x: f32) -> f32 {
        let above = self.min.map_or(x, |min| if x < min { min } else { x });
        self.max.map_or(above, |max| if above > max { max } else { above })
    }
}

impl Operation for Clamp {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let (low, high) = (self.min.unwrap_or(f32::MIN), self.max.unwrap_or(f32::MAX));
        if low <= high { only(inputs) } else { Err(ShapeError::new("min <= max", format!("{low} > {high}"))) }
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        channelwise::ties(channel)
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::join_equal(join)
    }

    fn evaluate(&self, inputs: &[&Tensor], _output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        channelwise::map(inputs[0], |_, x| self.apply(x))
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let mut gradient = backward.gradient.clone();
        for (g, &x) in gradient.data_mut().iter_mut().zip(backward.inputs[0].data()) {
            if self.min.is_some_and(|min| x <= min) || self.max.is_some_and(|max| x >= max) {
                *g = 0.0;
            }
        }
        vec![gradient]
    }
}
