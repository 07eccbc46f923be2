//! What the loss of a plan will be after its layers are refitted, told from the statistics of the source: no image runs.
//!
//! Where a layer with the weights `W` and the second moments `G` of its inputs keeps the inputs `S` and is refitted by ridge
//! towards `W`, its outputs stay wrong by `W_R (G_RR - G_RS (G_SS + l)^-1 G_SR) W_R^T`, `R` being the inputs that go. With the
//! factor `L L^T = G + l` in an order that puts `S` first, that is the squared norm of `L_RR^T W_R^T` less `l |W_R|^2`: of one
//! factor follow the errors of all `S` that begin its order. The rows of `W` weigh what the loss minds their errors
//! ([`Importance`]), and the errors of all layers add up.

mod curves;
mod layer;
mod rows;
#[cfg(test)]
mod tests;

pub(super) use curves::curves;
use layer::Layer;

use super::site::Sites;
use crate::cut::KeepPlan;
use crate::graph::layers;
use crate::model::Model;
use crate::observe::{Importance, Statistics};
use rayon::prelude::*;

/// What is known of a source before anything is cut.
#[derive(Clone, Copy)]
pub struct Foresight<'a> {
    /// The second moments of what its layers see.
    pub statistics: &'a Statistics,
    /// What the loss of the task minds of what they compute.
    pub importance: &'a Importance,
}

/// A source of which is known what its layers lose.
pub(super) struct Predictor<'a> {
    layers: Vec<Layer<'a>>,
}

impl<'a> Predictor<'a> {
    pub(super) fn new(model: &'a Model, foresight: Foresight<'a>) -> Self {
        let ids: Vec<usize> = layers(model.graph()).collect();
        let layers = ids.par_iter().filter_map(|&id| Layer::new(model, id, foresight)).collect();
        Self { layers }
    }

    /// What every layer loses where its inputs go in the order of `sites`.
    pub(super) fn orders(&self, sites: &Sites<'_>) -> Vec<Order> {
        self.layers.par_iter().map(|layer| Order::new(layer, layer.in_order(sites))).collect()
    }

    /// What the loss rises by under `plan`; `orders` are those of its sites.
    pub(super) fn rise(&self, orders: &[Order], plan: &KeepPlan) -> f64 {
        self.layers
            .par_iter()
            .zip(orders)
            .map(|(layer, order)| layer.rise(order, plan))
            .collect::<Vec<_>>()
            .iter()
            .sum()
    }
}

/// What a layer loses where its inputs go in one order.
pub(super) struct Order {
    /// Groups of input channels, that which stays longest first.
    groups: Vec<usize>,
    /// What is lost where the first so many stay, none to all; it falls to zero.
    lost: Vec<f64>,
}

impl Order {
    fn new(layer: &Layer<'_>, groups: Vec<usize>) -> Self {
        let lost = layer.lost(&groups);
        Self { groups, lost }
    }
}
