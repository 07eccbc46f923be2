//! One layer as a least-squares problem: what it computes, from which groups of regressors.

use super::elimination::{Removal, eliminate};
use super::inverse::{Dense, Dual};
use crate::attribute::measure::Rows;
use crate::graph::ChannelClasses;
use crate::graph::NodeId;
use crate::model::Model;
use crate::observe::regression::{MOST_REGRESSORS, Moments, Regression, squared_norm, strength};
use crate::op::Op;
use faer::Mat;
use std::borrow::Cow;
use std::collections::HashMap;

/// Added to the diagonal of the Gram matrix, in units of its mean, so that collinear regressors do no harm.
pub(super) const DAMPING: f64 = 0.01;
/// How often a matrix that rounding leaves indefinite gets ten times the damping.
const TRIES: i32 = 7;

/// A layer's inputs, in groups that go together.
pub(super) struct Problem<'a> {
    model: &'a Model,
    id: NodeId,
    rows: &'a Rows<'a>,
    regression: &'a Regression,
    /// The regressors, group by group.
    order: Vec<usize>,
    /// How many regressors every group has.
    sizes: Vec<usize>,
    /// For every input channel its group: channels of one class go together.
    pub(super) group_of_channel: Vec<usize>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(model: &'a Model, id: NodeId, regression: &'a Regression, rows: &'a Rows<'a>) -> Self {
        let graph = model.graph();
        let classes = ChannelClasses::of(graph);
        let channels = classes.of_value(graph.node(id).inputs[0]);
        let taps = match &graph.node(id).op {
            Op::Conv2d(conv) => conv.window.taps(),
            _ => 1,
        };
        let (mut numbers, mut groups) = (HashMap::new(), Vec::<Vec<usize>>::new());
        let mut group_of_channel = Vec::with_capacity(channels.len());
        for (channel, class) in channels.iter().enumerate() {
            let group = *numbers.entry(class).or_insert(groups.len());
            groups.resize_with(groups.len().max(group + 1), Vec::new);
            groups[group].extend(channel * taps..(channel + 1) * taps);
            group_of_channel.push(group);
        }
        let (order, sizes) = (groups.concat(), groups.iter().map(Vec::len).collect());
        Self { model, id, rows, regression, order, sizes, group_of_channel }
    }

    /// The order in which groups go, the cheapest first.
    pub(super) fn eliminate(&self) -> Vec<Removal> {
        let removals = match self.regression {
            Regression::Moments(moments) => self.primal(moments),
            Regression::Rows(rows) if self.order.len() <= MOST_REGRESSORS => self.primal(&rows.moments()),
            Regression::Rows(rows) => self.dual(rows),
        };
        removals.unwrap_or_else(|| self.by_weight())
    }

    /// With the inverse of the Gram matrix itself.
    pub(super) fn primal(&self, moments: &Moments) -> Option<Vec<Removal>> {
        let in_order = self.order.is_sorted();
        let moments = if in_order { Cow::Borrowed(moments) } else { Cow::Owned(self.reordered(moments)) };
        let attempt = |damping| self.attempt(|| Dense::new(&moments, damping));
        dampings(moments.mean_square(), moments.floor).find_map(attempt)
    }

    /// With a matrix of as many rows as there are observations.
    pub(super) fn dual(&self, rows: &crate::observe::regression::Rows) -> Option<Vec<Removal>> {
        let attempt = |damping| self.attempt(|| Dual::new(rows, &self.order, damping));
        dampings(rows.mean_square(), rows.floor()).find_map(attempt)
    }

    fn attempt<I: super::inverse::Inverse>(&self, inverse: impl FnOnce() -> Option<I>) -> Option<Vec<Removal>> {
        eliminate(inverse()?, self.weight(), &self.sizes)
    }

    /// What endless damping leads to: the groups by their weights alone.
    fn by_weight(&self) -> Vec<Removal> {
        let (weight, mut start) = (self.weight(), 0);
        let of_group = |(group, &size): (usize, &usize)| {
            let columns = start..start + size;
            start += size;
            Removal { group, cost: columns.map(|d| squared_norm(weight.col_as_slice(d))).sum() }
        };
        let mut removals: Vec<Removal> = self.sizes.iter().enumerate().map(of_group).collect();
        removals.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        removals
    }

    fn reordered(&self, moments: &Moments) -> Moments {
        let (order, size) = (&self.order, self.order.len());
        let xx = Mat::from_fn(size, size, |row, column| moments.xx[(order[row], order[column])]);
        Moments { xx, ..moments.clone() }
    }

    /// The requested rows of the layer's weight over all regressors in order, `[Q, D]`: zero where a grouped filter does not
    /// see them, every row scaled by the root of what its output is worth.
    fn weight(&self) -> Mat<f64> {
        let (weight, regressors) = (self.model.node_parameters(self.id).get("weight"), self.order.len());
        let mut column_of = vec![0; regressors];
        self.order.iter().enumerate().for_each(|(column, &regressor)| column_of[regressor] = column);
        let taps = regressors / self.group_of_channel.len().max(1);
        let mut dense = Mat::zeros(self.rows.outputs.len(), regressors);
        for (row, (&q, &worth)) in self.rows.outputs.iter().zip(self.rows.weights).enumerate() {
            let first = match &self.model.graph().node(self.id).op {
                Op::Conv2d(conv) => conv.first_input(q, self.group_of_channel.len()) * taps,
                _ => 0,
            };
            for (index, &w) in weight.row(q).iter().enumerate() {
                dense[(row, column_of[first + index])] = f64::from(w) * f64::from(worth).max(0.0).sqrt();
            }
        }
        dense
    }
}

/// What is tried on a diagonal.
fn dampings(mean: f64, floor: f64) -> impl Iterator<Item = f64> {
    (0..TRIES).map(move |time| strength(DAMPING * 10.0f64.powi(time), mean, floor * 10.0f64.powi(time)))
}
