//! Probes: what is read off a value on the device as soon as it is complete.

use candle_core::{D, Result, Tensor};

/// Sum and sum of squares over the positions of `value` (`[C, N, ...]`): `[C, N, 2]`.
pub(crate) fn moments(value: &Tensor) -> Result<Tensor> {
    let positions = value.reshape((value.dim(0)?, value.dim(1)?, ()))?;
    Tensor::stack(&[positions.sum(D::Minus1)?, positions.sqr()?.sum(D::Minus1)?], 2)
}

/// Window sums as two small products, along the columns first: `[C, N, H, W]` to `[C, N, KH*KW]`, where the taps see `[H, KH]`
/// and `[W, KW]`.
pub(crate) fn window_sums(map: &Tensor, [rows, columns]: &[Tensor; 2]) -> Result<Tensor> {
    let (channels, images, height, width) = map.dims4()?;
    let [kh, kw] = [rows.dim(1)?, columns.dim(1)?];
    let planes = channels * images;
    let across = map.contiguous()?.reshape((planes * height, width))?.matmul(columns)?;
    let turned = across.reshape((planes, height, kw))?.transpose(1, 2)?.contiguous()?;
    let sums = turned.reshape((planes * kw, height))?.matmul(rows)?;
    sums.reshape((planes, kw, kh))?.transpose(1, 2)?.contiguous()?.reshape((channels, images, kh * kw))
}
