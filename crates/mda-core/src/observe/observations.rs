//! What is known of every layer once images have run.

use super::regression::{Gathered, Regression};
use super::statistics::Statistics;
use crate::graph::NodeId;
use crate::tensor::Tensor;
use std::collections::HashMap;
use std::ops::Index;

/// What a measure knows of every layer, from the parameters or while images ran: the images' window sums `[N, P, taps]`
/// and inputs `[N, P]` for relative contribution (see [`crate::observe::contribution::relative_contributions`]), what its kernels see
/// for structured OBS, one number an input, `[P]`, for the others.
#[derive(Debug, Default)]
pub struct Observations {
    pub(crate) numbers: HashMap<NodeId, Tensor>,
    /// Rows that still come in.
    pub(crate) gathered: HashMap<NodeId, Gathered>,
    pub(crate) regressions: HashMap<NodeId, Regression>,
}

impl Observations {
    /// Of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What layers see, where that was observed; the rest is dropped.
    pub(crate) fn into_statistics(self) -> Statistics {
        Statistics { layers: self.regressions }
    }

    /// The first layer of which something was observed that is not a finite number.
    pub fn first_non_finite(&self) -> Option<NodeId> {
        let numbers = self.numbers.iter().filter(|(_, numbers)| numbers.first_non_finite().is_some());
        let rows = self.regressions.iter().filter(|(_, rows)| !rows.is_finite());
        numbers.map(|(&id, _)| id).chain(rows.map(|(&id, _)| id)).min()
    }
}

impl FromIterator<(NodeId, Tensor)> for Observations {
    fn from_iter<I: IntoIterator<Item = (NodeId, Tensor)>>(numbers: I) -> Self {
        Self { numbers: numbers.into_iter().collect(), ..Self::default() }
    }
}

/// The numbers that were observed of a layer.
///
/// # Panics
/// Where there are none.
impl Index<&NodeId> for Observations {
    type Output = Tensor;

    fn index(&self, layer: &NodeId) -> &Tensor {
        &self.numbers[layer]
    }
}
