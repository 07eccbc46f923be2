//! What is fused behind a layer: BatchNorm, bias, a residual sum, a clamp.

use crate::maps::Maps;
use mda_core::op::Clamp;

/// The constant part, fixed when a model is compiled.
#[derive(Clone, Debug)]
pub(crate) struct Epilogue {
    /// Added to every number of a channel.
    pub shift: Vec<f32>,
    /// Lower and upper bound; infinite where there is none.
    pub bounds: [f32; 2],
}

impl Epilogue {
    /// Adds `shift`, then clamps.
    pub(crate) fn new(shift: Vec<f32>, clamp: Option<&Clamp>) -> Self {
        let bound = |of: fn(&Clamp) -> Option<f32>, otherwise: f32| clamp.and_then(of).unwrap_or(otherwise);
        Self { shift, bounds: [bound(|c| c.min, f32::NEG_INFINITY), bound(|c| c.max, f32::INFINITY)] }
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
        match self.residual {
            Some(residual) => {
                let residual = &residual.plane(n, channel)[first..first + output.len()];
                for ((output, &sum), &other) in output.iter_mut().zip(sums).zip(residual) {
                    *output = clamp(sum + other, self.epilogue.bounds);
                }
            }
            None => {
                for (output, &sum) in output.iter_mut().zip(sums) {
                    *output = clamp(sum, self.epilogue.bounds);
                }
            }
        }
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
