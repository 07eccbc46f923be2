//! Operations on every number alone, and on whole channels.

use candle_core::{Device, Result, Tensor};

/// A lower and an upper bound, either of which may be absent.
#[derive(Clone)]
pub(crate) struct Bounds {
    low: Option<Tensor>,
    high: Option<Tensor>,
}

impl Bounds {
    pub(crate) fn new(low: Option<f32>, high: Option<f32>, device: &Device) -> Result<Self> {
        let scalar = |bound: Option<f32>| bound.map(|bound| Tensor::new(bound, device)).transpose();
        Ok(Self { low: scalar(low)?, high: scalar(high)? })
    }

    /// The clamped value; NaN stays NaN.
    pub(crate) fn apply(&self, value: &Tensor) -> Result<Tensor> {
        // A maximum on the CPU keeps a NaN on its left. On a GPU it drops it, so numbers are chosen by comparing.
        if value.device().is_cpu() { self.by_maximum(value) } else { self.by_choice(value) }
    }

    fn by_maximum(&self, value: &Tensor) -> Result<Tensor> {
        let above = match &self.low {
            Some(low) => value.broadcast_maximum(low)?,
            None => value.clone(),
        };
        match &self.high {
            Some(high) => above.broadcast_minimum(high),
            None => Ok(above),
        }
    }

    fn by_choice(&self, value: &Tensor) -> Result<Tensor> {
        let above = match &self.low {
            Some(low) => value.broadcast_lt(low)?.where_cond(&low.broadcast_as(value.shape())?, value)?,
            None => value.clone(),
        };
        match &self.high {
            Some(high) => above.broadcast_gt(high)?.where_cond(&high.broadcast_as(above.shape())?, &above),
            None => Ok(above),
        }
    }
}

/// Channels picked by index; a channel of zeros stands behind the input's where one is needed.
#[derive(Clone)]
pub(crate) struct Selection {
    indices: Tensor,
    with_zeros: bool,
}

impl Selection {
    /// `channels` out of `count`; `None` is a channel of zeros.
    pub(crate) fn new(channels: &[Option<usize>], count: usize, device: &Device) -> Result<Self> {
        let indices: Vec<i64> = channels.iter().map(|channel| channel.unwrap_or(count) as i64).collect();
        let indices = Tensor::from_vec(indices, channels.len(), device)?;
        Ok(Self { indices, with_zeros: channels.contains(&None) })
    }

    pub(crate) fn apply(&self, value: &Tensor) -> Result<Tensor> {
        if self.with_zeros {
            let zeros = value.narrow(0, 0, 1)?.zeros_like()?;
            Tensor::cat(&[value, &zeros], 0)?.index_select(&self.indices, 0)
        } else {
            value.index_select(&self.indices, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_clamp_agree_and_keep_nan() -> Result<()> {
        let numbers = [-2.0f32, -0.5, 0.0, 3.0, 7.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        let value = Tensor::new(&numbers, &Device::Cpu)?;
        for (low, high) in [(Some(0.0), None), (None, Some(1.0)), (Some(-0.5), Some(6.0)), (None, None)] {
            let bounds = Bounds::new(low, high, &Device::Cpu)?;
            let expected = numbers.map(|x| mda_core::op::Clamp { min: low, max: high }.apply(x).to_bits());
            for clamped in [bounds.by_maximum(&value)?, bounds.by_choice(&value)?] {
                let clamped: Vec<u32> = clamped.to_vec1::<f32>()?.into_iter().map(f32::to_bits).collect();
                assert_eq!(clamped, expected);
            }
        }
        Ok(())
    }
}
