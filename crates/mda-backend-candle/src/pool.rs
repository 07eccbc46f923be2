//! Pools: taps' views folded into one, rows first, then columns.

use crate::sliding::Sliding;
use candle_core::{Device, Result, Tensor};
use mda_core::op::AvgPool;

/// The largest number under each window; padding never wins, NaN always does.
pub(crate) fn max(map: &Tensor, sliding: &Sliding) -> Result<Tensor> {
    let largest = folded(map, sliding, f32::NEG_INFINITY, |a, b| a.maximum(b))?;
    // A maximum drops NaN on one side or on both, as the device has it, so the windows that hold one are marked apart.
    let broken = folded(&map.ne(map)?, sliding, 0.0, |a, b| a.maximum(b))?;
    let nan = Tensor::new(f32::NAN, map.device())?.broadcast_as(largest.shape())?;
    broken.where_cond(&nan, &largest)
}

/// An average pool: the window and what its sums are divided by.
#[derive(Clone)]
pub(crate) struct Average {
    sliding: Sliding,
    divisors: Tensor,
}

impl Average {
    pub(crate) fn new(pool: &AvgPool, sliding: Sliding, input: [usize; 2], device: &Device) -> Result<Self> {
        let [rows, columns] = sliding.output();
        let at = |index: usize| pool.divisor([index / columns, index % columns], input) as f32;
        let divisors: Vec<f32> = (0..rows * columns).map(at).collect();
        Ok(Self { divisors: Tensor::from_vec(divisors, (1, 1, rows, columns), device)?, sliding })
    }

    pub(crate) fn run(&self, map: &Tensor) -> Result<Tensor> {
        folded(map, &self.sliding, 0.0, |a, b| a + b)?.broadcast_div(&self.divisors)
    }
}

fn folded(
    map: &Tensor,
    sliding: &Sliding,
    fill: f32,
    fold: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    sliding.separated().iter().try_fold(map.clone(), |map, along| {
        let mut views = along.views(&map, fill)?.into_iter();
        let first = views.next().ok_or_else(|| candle_core::Error::msg("a window without taps"))?;
        views.try_fold(first, |sum, view| fold(&sum, &view))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda_core::op::Window;

    #[test]
    fn nan_wins_a_maximum_wherever_it_stands() -> Result<()> {
        for position in 0..4 {
            let mut numbers = [1.0f32, 2.0, 0.5, -1.0];
            numbers[position] = f32::NAN;
            let map = Tensor::from_slice(&numbers, (1, 1, 2, 2), &Device::Cpu)?;
            let both = Tensor::cat(&[&map, &map.zeros_like()?], 3)?;
            let sliding = Sliding::new(&Window::square(2, 2, 0), [2, 4], [1, 2]);
            let largest: Vec<f32> = max(&both, &sliding)?.flatten_all()?.to_vec1()?;
            assert!(largest[0].is_nan() && largest[1] == 0.0, "NaN at {position}: {largest:?}");
        }
        Ok(())
    }
}
