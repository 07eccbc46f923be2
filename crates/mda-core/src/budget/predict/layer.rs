//! One layer: its inputs in groups that go together, and what it loses without some of them.

use super::{Foresight, Order, rows};
use crate::budget::site::Sites;
use crate::cut::KeepPlan;
use crate::graph::{ChannelClass, ChannelClasses, NodeId};
use crate::model::Model;
use crate::observe::regression::{MOST_REGRESSORS, Moments, Regression, Rows, spd, squared_norm, strength};
use crate::op::Op;
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, Par};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is added to the diagonal of the second moments, in units of its mean: what plans are repaired with.
pub(super) const LAMBDA: f64 = 1e-2;
/// How often that grows tenfold where rounding leaves a matrix indefinite.
const TRIES: i32 = 7;

pub(super) struct Layer<'a> {
    pub(super) input: NodeId,
    seen: Seen<'a>,
    /// `[Q, D]`, every row times the root of what the loss minds the squared error of its output, a row of observations.
    weight: Mat<f64>,
    /// The regressors of every group of channels that go together.
    pub(super) regressors: Vec<Vec<usize>>,
    /// One channel of every group.
    channels: Vec<usize>,
}

/// What a layer sees.
enum Seen<'a> {
    Moments(Cow<'a, Moments>),
    Rows(&'a Rows),
}

impl<'a> Layer<'a> {
    /// `None` where nothing was observed of the layer.
    pub(super) fn new(model: &'a Model, id: NodeId, foresight: Foresight<'a>) -> Option<Self> {
        let (regression, importance) = (foresight.statistics.regression(id)?, foresight.importance.of(id)?);
        let graph = model.graph();
        let (node, input) = (graph.node(id), graph.node(id).inputs[0]);
        let taps = match &node.op {
            Op::Conv2d(conv) => conv.window.taps(),
            _ => 1,
        };
        let classes = ChannelClasses::of(graph);
        let mut groups: BTreeMap<ChannelClass, Vec<usize>> = BTreeMap::new();
        for (channel, &class) in classes.of_value(input).iter().enumerate() {
            groups.entry(class).or_default().push(channel);
        }
        let channels = groups.values().map(|own| own[0]).collect();
        let of_group = |own: &Vec<usize>| own.iter().flat_map(|&c| c * taps..(c + 1) * taps).collect();
        let regressors: Vec<Vec<usize>> = groups.values().map(of_group).collect();
        let width = classes.of_value(input).len() * taps;
        let (seen, count) = match regression {
            Regression::Moments(moments) => (Seen::Moments(Cow::Borrowed(moments)), moments.rows),
            Regression::Rows(own) if width <= MOST_REGRESSORS => {
                (Seen::Moments(Cow::Owned(own.moments())), own.count() as f64)
            }
            Regression::Rows(own) => (Seen::Rows(own), own.count() as f64),
        };
        let minds: Vec<f64> = importance.iter().map(|minds| (0.5 * minds / count.max(1.0)).sqrt()).collect();
        Some(Self { input, seen, weight: weight(model, id, &minds, width), regressors, channels })
    }

    /// Its groups in the order of `sites`: what no site decides first, then by their rank, as a share of their site.
    pub(super) fn in_order(&self, sites: &Sites<'_>) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..self.channels.len()).collect();
        let place = |group: usize| {
            let place = sites.place(self.input, self.channels[group]);
            place.map(|(site, rank)| ((rank + 1) as f64 / sites.sites[site].classes.len() as f64, site))
        };
        groups.sort_by(|&a, &b| place(a).partial_cmp(&place(b)).unwrap_or(std::cmp::Ordering::Equal));
        groups
    }

    /// The site that every group belongs to, and its rank there.
    pub(super) fn places(&self, sites: &Sites<'_>) -> Vec<Option<(usize, usize)>> {
        self.channels.iter().map(|&channel| sites.place(self.input, channel)).collect()
    }

    /// What is lost under `plan`.
    pub(super) fn rise(&self, order: &Order, plan: &KeepPlan) -> f64 {
        let kept = plan.kept(self.input);
        let stays = |&group: &usize| kept.binary_search(&self.channels[group]).is_ok();
        let count = order.groups.iter().filter(|group| stays(group)).count();
        if order.groups[..count].iter().all(stays) {
            return order.lost[count];
        }
        let (mut groups, gone): (Vec<usize>, Vec<usize>) = order.groups.iter().partition(|group| stays(group));
        groups.extend(gone);
        self.lost(&groups)[count]
    }

    /// What is lost where the first so many of `groups` stay, none to all.
    pub(super) fn lost(&self, groups: &[usize]) -> Vec<f64> {
        match &self.seen {
            Seen::Moments(moments) => self.by_moments(moments, groups),
            Seen::Rows(own) => rows::lost(own, &self.weight, groups, &self.regressors),
        }
    }

    fn by_moments(&self, moments: &Moments, groups: &[usize]) -> Vec<f64> {
        let order: Vec<usize> = groups.iter().flat_map(|&group| &self.regressors[group]).copied().collect();
        let weight = self.weight_in(&order);
        let squares: Vec<f64> = match factor(moments, &order) {
            Some((factor, strength)) => {
                let mut carried = Mat::<f64>::zeros(order.len(), weight.nrows());
                let (dense, upper) = (BlockStructure::Rectangular, BlockStructure::TriangularUpper);
                let right = weight.transpose();
                matmul(&mut carried, dense, Accum::Replace, factor.transpose(), upper, right, dense, 1.0, Par::Seq);
                let of_row = |d: usize| (0..weight.nrows()).map(|q| carried[(d, q)].powi(2)).sum::<f64>();
                (0..order.len()).map(|d| of_row(d) - strength * squared_norm(weight.col_as_slice(d))).collect()
            }
            // As if nothing could make up for it.
            None => (0..order.len())
                .map(|d| moments.xx[(order[d], order[d])] * squared_norm(weight.col_as_slice(d)))
                .collect(),
        };
        self.summed(groups, &squares)
    }

    /// The columns of the weight in an order of regressors.
    pub(super) fn weight_in(&self, order: &[usize]) -> Mat<f64> {
        Mat::from_fn(self.weight.nrows(), order.len(), |q, d| self.weight[(q, order[d])])
    }

    /// From what every regressor in the order of `groups` adds to what is lost where the first so many groups stay.
    fn summed(&self, groups: &[usize], squares: &[f64]) -> Vec<f64> {
        let mut lost = vec![0.0; groups.len() + 1];
        let mut end = squares.len();
        for (index, &group) in groups.iter().enumerate().rev() {
            let start = end - self.regressors[group].len();
            lost[index] = lost[index + 1] + squares[start..end].iter().sum::<f64>().max(0.0);
            end = start;
        }
        lost
    }

    /// `(G + l)^-1`, where the layer has moments, and `l`.
    pub(super) fn inverse(&self) -> Option<(Mat<f64>, f64)> {
        let Seen::Moments(moments) = &self.seen else { return None };
        let order: Vec<usize> = (0..self.weight.ncols()).collect();
        let (factor, strength) = factor(moments, &order)?;
        Some((spd::inverse(factor), strength))
    }
}

/// The factor of the damped second moments in an order of regressors, and what was added to their diagonal.
fn factor(moments: &Moments, order: &[usize]) -> Option<(Mat<f64>, f64)> {
    let attempt = |time: i32| {
        let strength = strength(LAMBDA * 10.0f64.powi(time), moments.mean_square(), moments.floor);
        let mut system = Mat::from_fn(order.len(), order.len(), |row, column| moments.xx[(order[row], order[column])]);
        (0..order.len()).for_each(|d| system[(d, d)] += strength);
        Some((spd::factor(system)?, strength))
    };
    (0..TRIES).find_map(attempt)
}

/// The layer's weight over all inputs, `[Q, D]`: zero where a grouped filter does not see them, every row times `scale`.
fn weight(model: &Model, id: NodeId, scale: &[f64], width: usize) -> Mat<f64> {
    let graph = model.graph();
    let (numbers, channels) =
        (model.node_parameters(id).get("weight"), graph.node(graph.node(id).inputs[0]).shape.channels());
    let mut dense = Mat::zeros(scale.len(), width);
    for (q, &scale) in scale.iter().enumerate() {
        let first = match &graph.node(id).op {
            Op::Conv2d(conv) => conv.first_input(q, channels) * conv.window.taps(),
            _ => 0,
        };
        for (index, &w) in numbers.row(q).iter().enumerate() {
            dense[(q, first + index)] = f64::from(w) * scale;
        }
    }
    dense
}
