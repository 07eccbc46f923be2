//! AVX-512: thirty-two registers of sixteen lanes, twenty-four of them accumulators.

use super::{Avx2, Patches, Simd, checked_depth};
use std::arch::x86_64::{
    _MM_HINT_T0, _mm_prefetch, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

/// The processor has AVX-512 (F, BW, DQ and VL), and AVX2 with FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(Avx2);

const ROWS: usize = 12;
const COLUMNS: usize = 32;
const LANES: usize = 16;
/// How many rows of columns are asked for in advance: enough to hide the way from the second-level cache.
const AHEAD: usize = 8;

impl Avx512 {
    /// The proof, where the processor has all of them.
    pub(crate) fn detect() -> Option<Self> {
        let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        let all = wide && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512dq");
        Avx2::detect().filter(|_| all).map(Self)
    }
}

impl Simd for Avx512 {
    const NAME: &'static str = "AVX-512";
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
        self.0.transform_all_patches::<COLUMNS>(patches, data, plane, columns, stride);
    }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// # Safety
/// `a` has `depth * ROWS` numbers, `b` `depth * COLUMNS`, and `tile` `ROWS * COLUMNS`.
#[target_feature(enable = "avx512f")]
unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, tile: *mut f32, accumulate: bool) {
    let mut sums = [[_mm512_setzero_ps(); COLUMNS / LANES]; ROWS];
    if accumulate {
        for (row, sums) in sums.iter_mut().enumerate() {
            for (part, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the tile has ROWS rows of COLUMNS numbers.
                *sum = unsafe { _mm512_loadu_ps(tile.add(row * COLUMNS + part * LANES)) };
            }
        }
    }
    for k in 0..depth {
        // SAFETY: `k` is below `depth`, for which both panels have room.
        unsafe {
            let (a, b) = (a.add(k * ROWS), b.add(k * COLUMNS));
            _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(AHEAD * COLUMNS).cast());
            _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(AHEAD * COLUMNS + LANES).cast());
            let columns = [_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(LANES))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = _mm512_set1_ps(*a.add(row));
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = _mm512_fmadd_ps(weight, column, *sum);
                }
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (part, &sum) in sums.iter().enumerate() {
            // SAFETY: the tile has ROWS rows of COLUMNS numbers.
            unsafe { _mm512_storeu_ps(tile.add(row * COLUMNS + part * LANES), sum) };
        }
    }
}
