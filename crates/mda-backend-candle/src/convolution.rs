//! Convolution as a matrix product: the taps' views stacked into columns, one product for a part of the batch.

use crate::sliding::Sliding;
use crate::transfer::upload;
use candle_core::{Device, Result, Tensor};
use mda_core::Tensor as Numbers;

/// How many bytes of columns stand at once: small enough for a processor's cache and for the allocator to reuse.
const CPU_COLUMNS: usize = 8 << 20;

/// A GPU wants few large products.
const GPU_COLUMNS: usize = 512 << 20;

/// A convolution over maps of known extents.
#[derive(Clone)]
pub(crate) struct Convolution {
    sliding: Sliding,
    /// `[G, Q / G, KH*KW * P / G]`, taps before channels, as the columns are stacked.
    weight: Tensor,
    bias: Option<Tensor>,
    groups: usize,
    filters: usize,
    column_bytes: usize,
}

impl Convolution {
    /// Over `weight`, `[Q, P / groups, KH, KW]`, and `bias`, `[Q, 1, 1, 1]`.
    pub(crate) fn new(
        weight: &Numbers,
        bias: Option<Tensor>,
        groups: usize,
        sliding: Sliding,
        device: &Device,
    ) -> Result<Self> {
        let (filters, channels, taps) = (weight.shape()[0], weight.shape()[1], sliding.taps());
        let by_channel = upload(weight, device)?.reshape((groups, filters / groups, channels, taps))?;
        let by_tap = by_channel.transpose(2, 3)?.contiguous()?;
        Ok(Self {
            weight: by_tap.reshape((groups, filters / groups, taps * channels))?,
            bias,
            groups,
            filters,
            column_bytes: if device.is_cpu() { CPU_COLUMNS } else { GPU_COLUMNS },
            sliding,
        })
    }

    /// `[P, N, H, W]` to `[Q, N, OH, OW]`.
    pub(crate) fn run(&self, map: &Tensor) -> Result<Tensor> {
        let (channels, images, _, _) = map.dims4()?;
        let part = self.part(channels, images);
        let mut parts = Vec::with_capacity(images.div_ceil(part));
        for start in (0..images).step_by(part) {
            parts.push(self.product(&map.narrow(1, start, part.min(images - start))?)?);
        }
        Tensor::cat(&parts, 1)
    }

    /// How many of `images` images of `channels` channels one product takes.
    fn part(&self, channels: usize, images: usize) -> usize {
        let per_image = channels * self.sliding.taps() * self.sliding.positions() * size_of::<f32>();
        (self.column_bytes / per_image.max(1)).clamp(1, images)
    }

    fn product(&self, map: &Tensor) -> Result<Tensor> {
        let images = map.dim(1)?;
        let columns = self.columns(map, images * self.sliding.positions())?;
        let product = self.weight.matmul(&columns)?;
        let [rows, columns] = self.sliding.output();
        let value = product.reshape((self.filters, images, rows, columns))?;
        match &self.bias {
            Some(bias) => value.broadcast_add(bias),
            None => Ok(value),
        }
    }

    /// `[G, KH*KW * P / G, positions]`: what every output position sees.
    fn columns(&self, map: &Tensor, positions: usize) -> Result<Tensor> {
        let per_group = map.dim(0)? / self.groups;
        let rows = self.sliding.taps() * per_group;
        if self.sliding.is_identity() {
            return map.contiguous()?.reshape((self.groups, rows, positions));
        }
        let stacked = Tensor::cat(&self.sliding.views(map, 0.0)?, 0)?.contiguous()?;
        if self.groups == 1 {
            return stacked.reshape((1, rows, positions));
        }
        let by_group = stacked.reshape((self.sliding.taps(), self.groups, per_group, positions))?.transpose(0, 1)?;
        if per_group == 1 && map.device().is_cpu() {
            // The product on the CPU takes rows that lie apart; on a GPU it does not.
            return by_group.squeeze(2);
        }
        by_group.contiguous()?.reshape((self.groups, rows, positions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda_core::op::Window;

    /// What the conformance suite has for it: columns of 9 MB.
    #[test]
    fn nine_images_of_the_suite_take_two_products() -> Result<()> {
        let sliding = Sliding::new(&Window::square(7, 1, 3), [41, 40], [41, 40]);
        let convolution = Convolution::new(&Numbers::zeros([2, 3, 7, 7]), None, 1, sliding, &Device::Cpu)?;
        assert_eq!((convolution.part(3, 9), convolution.part(3, 2)), (8, 2));
        Ok(())
    }
}
