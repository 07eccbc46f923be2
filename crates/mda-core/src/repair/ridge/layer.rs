//! One layer of one component that is refitted.

use crate::graph::NodeId;
use crate::observe::regression::{Gathered, Geometry, MOST_REGRESSORS, MOST_ROWS, Rows, Sampling, Sums};
use crate::repair::joint::Joint;

/// More rows than this for every regressor tell next to nothing: the error that so many leave is less than a fiftieth above
/// that of endlessly many.
const ROWS_A_REGRESSOR: usize = 64;
/// So many are always read.
const LEAST_ROWS: usize = 4096;

pub(super) struct Layer {
    /// Whose it is.
    pub(super) member: usize,
    pub(super) id: NodeId,
    pub(super) geometry: Geometry,
    /// The sum that it is fitted to, where that is not its own outputs.
    pub(super) joint: Option<Joint>,
    /// The most output positions that are read of one image.
    pub(super) positions: usize,
    /// The most rows of all images together.
    pub(super) most: usize,
    /// How many there will be.
    rows: usize,
    /// Whether rows are kept instead of their products.
    by_rows: bool,
}

impl Layer {
    pub(super) fn new(member: usize, id: NodeId, geometry: Geometry, positions: usize, images: usize) -> Self {
        let regressors = geometry.regressors();
        let enough = ROWS_A_REGRESSOR.saturating_mul(regressors).max(LEAST_ROWS);
        let most = if regressors > MOST_REGRESSORS { MOST_ROWS } else { enough };
        let rows = Sampling::new(&geometry, images, positions, most).rows();
        let by_rows = regressors > MOST_REGRESSORS || 2 * rows <= regressors;
        Self { member, id, geometry, joint: None, positions, most, rows, by_rows }
    }

    pub(super) fn gatherer(&self, rows: usize) -> Gathered {
        let (regressors, targets) = (self.geometry.regressors(), self.geometry.filters);
        if self.by_rows {
            Gathered::Rows(Rows::new(regressors, targets, rows))
        } else {
            Gathered::Sums(Sums::new(regressors, targets))
        }
    }

    /// What is gathered takes about so many bytes.
    pub(super) fn bytes(&self) -> usize {
        let (regressors, targets) = (self.geometry.regressors(), self.geometry.filters);
        let of_group =
            if self.by_rows { 4 * self.rows * (regressors + targets) } else { 8 * regressors * (regressors + targets) };
        of_group.saturating_mul(self.geometry.groups)
    }
}
