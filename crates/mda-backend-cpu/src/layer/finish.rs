//! What is fused behind a layer: BatchNorm, bias, a residual sum, a clamp or an activation.

use crate::maps::Maps;
use mda_core::op::{ActivationKind, Clamp};

/// The constant part, fixed when a model is compiled.
#[derive(Clone, Debug)]
pub(crate) struct Epilogue {
    /// Added to every number of a channel.
    pub shift: Vec<f32>,
    /// Lower and upper bound; infinite where there is none.
    pub bounds: [f32; 2],
    /// What is done to the output once it is complete and still in the cache.
    pub activation: Option<ActivationKind>,
}

impl Epilogue {
    /// Adds `shift`, then clamps, then activates.
    pub(crate) fn new(shift: Vec<f32>, clamp: Option<&Clamp>, activation: Option<ActivationKind>) -> Self {
        let bound = |of: fn(&Clamp) -> Option<f32>, otherwise: f32| clamp.and_then(of).unwrap_or(otherwise);
        let bounds = [bound(|c| c.min, f32::NEG_INFINITY), bound(|c| c.max, f32::INFINITY)];
        Self { shift, bounds, activation }
    }
}

/// An epilogue together with the values of this batch that it adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish<'a> {
    pub epilogue: &'a Epilogue,
    /// What is added before the clamp, in the output's shape.
    pub residual: Option<Maps<'a>>,
}

impl Finish<'_> {
    /// Writes `sums` to `output`, which are positions of `channel` of image `n` from `first` on: residual added, clamped.
    /// The shift is already in the sums, because accumulators start from it at no cost.
    #[inline(always)]
    pub(crate) fn store(&self, sums: &[f32], output: &mut [f32], n: usize, channel: usize, first: usize) {
        let bounds = self.epilogue.bounds;
        match self.residual {
            Some(residual) => {
                let residual = &residual.plane(n, channel)[first..first + output.len()];
                store_blocks(sums, output, residual, |sum, other| clamp(sum + other, bounds));
            }
            None => store_blocks(sums, output, sums, |sum, _| clamp(sum, bounds)),
        }
    }
}

/// Numbers that are loaded before any is stored: the compiler then need not know that input and output are apart.
const BLOCK: usize = 8;

#[inline(always)]
fn store_blocks(sums: &[f32], output: &mut [f32], others: &[f32], f: impl Fn(f32, f32) -> f32) {
    let (blocks, rest) = output.as_chunks_mut::<BLOCK>();
    let (sums, sums_rest) = sums[..blocks.len() * BLOCK + rest.len()].as_chunks::<BLOCK>();
    let (others, others_rest) = others[..blocks.len() * BLOCK + rest.len()].as_chunks::<BLOCK>();
    for ((block, sums), others) in blocks.iter_mut().zip(sums).zip(others) {
        let (sums, others) = (*sums, *others);
        *block = std::array::from_fn(|lane| f(sums[lane], others[lane]));
    }
    for ((output, &sum), &other) in rest.iter_mut().zip(sums_rest).zip(others_rest) {
        *output = f(sum, other);
    }
}

/// NaN stays NaN, so that a broken input shows.
#[inline(always)]
pub(super) fn clamp(x: f32, [low, high]: [f32; 2]) -> f32 {
    let above = if low > x { low } else { x };
    if high < above { high } else { above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clamp_keeps_nan_and_unbounded_infinities() {
        assert!(clamp(f32::NAN, [0.0, 6.0]).is_nan());
        assert_eq!(clamp(f32::NEG_INFINITY, [f32::NEG_INFINITY, 6.0]), f32::NEG_INFINITY);
        assert_eq!([-1.0, 3.0, 7.0].map(|x| clamp(x, [0.0, 6.0])), [0.0, 3.0, 6.0]);
    }
}
