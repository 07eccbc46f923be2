//! FPGM (He et al. 2019): how far a filter lies from the geometric median of its layer's filters.

use super::{Measuring, filters};
use crate::model::Model;
use crate::observe::Observations;
use crate::observe::regression::{column_blocks, widened};
use crate::tensor::Tensor;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

/// Filters that one thread multiplies at a time.
const BLOCK: usize = 64;

/// The sum of a filter's Euclidean distances to all filters of its layer, which the geometric median minimises: a filter
/// close to the median is one that the others can stand in for.
pub(super) struct Fpgm;

impl Measuring for Fpgm {
    fn start(&self, model: &Model) -> Observations {
        filters::by_producer(model, distances)
    }
}

/// For every filter of a weight `[Q, ...]` the sum of its distances to all of them: `|a - b|^2 = |a|^2 + |b|^2 - 2 a b`, all
/// products at once.
fn distances(weight: &Tensor) -> Vec<f32> {
    let filters = weight.shape()[0];
    let regressors = weight.len() / filters.max(1);
    // Row-major `[Q, D]` is column-major `[D, Q]`.
    let rows = widened(MatRef::from_column_major_slice(weight.data(), regressors, filters));
    let mut products = Mat::zeros(filters, filters);
    column_blocks(products.as_mut(), BLOCK).into_par_iter().for_each(|(first, block)| {
        let own = rows.subcols(first, block.ncols());
        matmul(block, Accum::Replace, rows.transpose(), own, 1.0, Par::Seq);
    });
    let sum = |q: usize| {
        let distance =
            |other: usize| (products[(q, q)] + products[(other, other)] - 2.0 * products[(other, q)]).max(0.0).sqrt();
        (0..filters).map(distance).sum::<f64>() as f32
    };
    (0..filters).map(sum).collect()
}
