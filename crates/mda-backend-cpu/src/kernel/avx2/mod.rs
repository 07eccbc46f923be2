//! AVX2 with FMA: sixteen registers of eight lanes, twelve of them accumulators.

mod patches;

use super::{Patches, Simd, checked_depth, patches as portable};
use std::arch::x86_64::{
    _MM_HINT_T0, _mm_prefetch, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps,
};

/// The processor has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

const ROWS: usize = 6;
const COLUMNS: usize = 16;
const LANES: usize = 8;
/// How many rows of columns are asked for in advance: enough to hide the way from the second-level cache.
const AHEAD: usize = 12;

impl Avx2 {
    /// The proof, where the processor has both.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    /// Winograd's input transform of WIDTH patches, as [`Simd::transform_patches`] has it.
    #[inline(always)]
    pub(super) fn transform_all_patches<const WIDTH: usize>(
        self,
        patches: &Patches,
        data: &[f32],
        plane: usize,
        columns: &mut [f32],
        stride: usize,
    ) {
        if !patches.inside(data, plane) {
            return portable::transform(WIDTH, patches, data, plane, columns, stride);
        }
        assert!(columns.len() >= 15 * stride + WIDTH, "room for sixteen columns");
        for first in (0..WIDTH).step_by(COLUMNS) {
            // SAFETY: a value of this type exists only where `detect` found the features; every row of every patch is
            // inside the data and there is room for the columns, as checked above.
            unsafe { patches::transform(patches, first, data.as_ptr(), plane, columns.as_mut_ptr(), stride) }
        }
    }
}

impl Simd for Avx2 {
    const NAME: &'static str = "AVX2 with FMA";
    const ROWS: usize = ROWS;
    const COLUMNS: usize = COLUMNS;

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        // SAFETY: a value of this type exists only where `detect` found the features.
        unsafe { vectorized(f) }
    }

    #[inline(always)]
    fn multiply_add(self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn multiply(self, a: &[f32], b: &[f32], tile: &mut [f32], accumulate: bool) {
        let depth = checked_depth::<Self>(a, b, tile);
        // SAFETY: a value of this type exists only where `detect` found the features; `checked_depth` checks the lengths.
        unsafe { multiply(depth, a.as_ptr(), b.as_ptr(), tile.as_mut_ptr(), accumulate) }
    }

    #[inline(always)]
    fn transform_patches(self, patches: &Patches, data: &[f32], plane: usize, columns: &mut [f32], stride: usize) {
        self.transform_all_patches::<COLUMNS>(patches, data, plane, columns, stride);
    }
}

#[target_feature(enable = "avx2,fma")]
fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// # Safety
/// `a` has `depth * ROWS` numbers, `b` `depth * COLUMNS`, and `tile` `ROWS * COLUMNS`.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, tile: *mut f32, accumulate: bool) {
    let mut sums = [[_mm256_setzero_ps(); COLUMNS / LANES]; ROWS];
    if accumulate {
        for (row, sums) in sums.iter_mut().enumerate() {
            for (part, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the tile has ROWS rows of COLUMNS numbers.
                *sum = unsafe { _mm256_loadu_ps(tile.add(row * COLUMNS + part * LANES)) };
            }
        }
    }
    for k in 0..depth {
        // SAFETY: `k` is below `depth`, for which both panels have room.
        unsafe {
            let (a, b) = (a.add(k * ROWS), b.add(k * COLUMNS));
            _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(AHEAD * COLUMNS).cast());
            let columns = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(LANES))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = _mm256_broadcast_ss(&*a.add(row));
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = _mm256_fmadd_ps(weight, column, *sum);
                }
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (part, &sum) in sums.iter().enumerate() {
            // SAFETY: the tile has ROWS rows of COLUMNS numbers.
            unsafe { _mm256_storeu_ps(tile.add(row * COLUMNS + part * LANES), sum) };
        }
    }
}
