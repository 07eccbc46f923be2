//! Probes: what is read off a value on the device as soon as it is complete.

use crate::transfer::Result;
use tch::{Kind, Tensor};

/// Sum and sum of squares over the positions of `value` (`[N, C, ...]`): `[N, C, 2]`.
pub(crate) fn moments(value: &Tensor) -> Result<Tensor> {
    let positions = value.f_reshape([value.size()[0], value.size()[1], -1])?;
    let sum = |numbers: &Tensor| numbers.f_sum_dim_intlist(2i64, false, Kind::Float);
    Tensor::f_stack(&[sum(&positions)?, sum(&positions.f_square()?)?], 2)
}

/// Window sums as two small products, along the columns first: `[N, C, H, W]` to `[N, C, KH*KW]`, where the taps see `[H, KH]`
/// and `[W, KW]`.
pub(crate) fn window_sums(map: &Tensor, rows: &Tensor, columns: &Tensor) -> Result<Tensor> {
    let turned = map.f_matmul(columns)?.f_transpose(2, 3)?;
    turned.f_matmul(rows)?.f_transpose(2, 3)?.f_flatten(2, 3)
}
