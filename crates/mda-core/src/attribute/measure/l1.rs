//! L1 filter norm (Li et al. 2017): the sum of the magnitudes of a filter's weights.

use super::{Measuring, filters};
use crate::model::Model;
use crate::observe::Observations;
use crate::tensor::Tensor;

pub(super) struct L1;

impl Measuring for L1 {
    fn start(&self, model: &Model) -> Observations {
        let norm = |filter: &[f32]| filter.iter().map(|w| w.abs()).sum();
        filters::by_producer(model, |weight: &Tensor| (0..weight.shape()[0]).map(|q| norm(weight.row(q))).collect())
    }
}
