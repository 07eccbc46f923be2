//! Winograd's input transform for eight patches at a time.

use super::{COLUMNS, LANES};
use crate::kernel::Patches;
use std::arch::x86_64::{
    __m256, _mm_and_ps, _mm_loadu_ps, _mm256_add_ps, _mm256_set_m128, _mm256_setzero_ps, _mm256_shuffle_ps,
    _mm256_storeu_ps, _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

/// Transforms COLUMNS patches from `first` on of the channel that begins at `plane`; number `i` goes to `columns[i * stride..]`.
///
/// # Safety
/// Every row of `patches` is inside `data`; `columns` has room for the last number's COLUMNS.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn transform(
    patches: &Patches,
    first: usize,
    data: *const f32,
    plane: usize,
    columns: *mut f32,
    stride: usize,
) {
    // Both halves of a column are stored together: columns a power of two apart share few cache lines.
    let mut vertical = [[[_mm256_setzero_ps(); 4]; 4]; COLUMNS / LANES];
    for (block, vertical) in vertical.iter_mut().enumerate() {
        let mut rows = [[_mm256_setzero_ps(); 4]; 4];
        for (row, pairs) in rows.iter_mut().enumerate() {
            for (i, pair) in pairs.iter_mut().enumerate() {
                // Patch i in the lower half and patch i + 4 in the upper one, so that no number has to cross the halves.
                let patch = first + block * LANES + i;
                let half = |patch: usize| {
                    let (source, mask) = patches.row(row, patch);
                    // SAFETY: four numbers from the source on are inside the data, and a mask has four numbers.
                    unsafe {
                        let numbers = _mm_loadu_ps(data.add(plane.wrapping_add(source)));
                        _mm_and_ps(numbers, _mm_loadu_ps(mask.as_ptr().cast()))
                    }
                };
                *pair = _mm256_set_m128(half(patch + 4), half(patch));
            }
        }
        let [a, b, c, d] = rows;
        for i in 0..4 {
            let combined = combine([a[i], b[i], c[i], d[i]]);
            vertical.iter_mut().zip(combined).for_each(|(row, numbers)| row[i] = numbers);
        }
    }
    for row in 0..4 {
        let transformed = vertical.map(|rows| combine(transpose(rows[row])));
        for column in 0..4 {
            for (block, numbers) in transformed.iter().enumerate() {
                // SAFETY: the caller has room for the COLUMNS of every number.
                unsafe {
                    let to = columns.add((row * 4 + column) * stride + first + block * LANES);
                    _mm256_storeu_ps(to, numbers[column]);
                }
            }
        }
    }
}

/// `B^T` times four rows.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn combine([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    [_mm256_sub_ps(a, c), _mm256_add_ps(b, c), _mm256_sub_ps(c, b), _mm256_sub_ps(b, d)]
}

/// Four rows of four numbers, as four columns, in each half.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transpose([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    [
        _mm256_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low),
        _mm256_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low),
        _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
        _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
    ]
}
