//! FPGM (He et al. 2019): how far a filter lies from the geometric median of its layer's filters.

use super::{Measuring, filters};
use crate::model::Model;
use crate::observe::Observations;
use crate::tensor::Tensor;

/// The sum of a filter's Euclidean distances to all filters of its layer, which the geometric median minimises: a filter
/// close to the median is one that the others can stand in for.
pub(super) struct Fpgm;

impl Measuring for Fpgm {
    fn start(&self, model: &Model) -> Observations {
        filters::by_producer(model, |weight: &Tensor| {
            let filters = 0..weight.shape()[0];
            let sum = |q: usize| filters.clone().map(|other| distance(weight.row(q), weight.row(other))).sum();
            filters.clone().map(sum).collect()
        })
    }
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}
