//! NEON, which every 64-bit ARM processor has: thirty-two registers of four lanes, twenty-four of them accumulators.

use super::{Simd, checked_depth};
use std::arch::aarch64::{vdupq_n_f32, vfmaq_n_f32, vld1q_f32, vst1q_f32};

/// The processor has NEON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon(());

const ROWS: usize = 6;
const COLUMNS: usize = 16;
const LANES: usize = 4;

impl Neon {
    /// The proof, where the processor has it.
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

impl Simd for Neon {
    const NAME: &'static str = "NEON";
    const ROWS: usize = ROWS;
    const COLUMNS: usize = COLUMNS;

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        // SAFETY: a value of this type exists only where `detect` found the feature.
        unsafe { vectorized(f) }
    }

    #[inline(always)]
    fn multiply_add(self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn multiply(self, a: &[f32], b: &[f32], tile: &mut [f32], accumulate: bool) {
        let depth = checked_depth::<Self>(a, b, tile);
        // SAFETY: a value of this type exists only where `detect` found the feature; `checked_depth` checks the lengths.
        unsafe { multiply(depth, a.as_ptr(), b.as_ptr(), tile.as_mut_ptr(), accumulate) }
    }
}

#[target_feature(enable = "neon")]
fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// # Safety
/// `a` has `depth * ROWS` numbers, `b` `depth * COLUMNS`, and `tile` `ROWS * COLUMNS`.
#[target_feature(enable = "neon")]
unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, tile: *mut f32, accumulate: bool) {
    let mut sums = [[vdupq_n_f32(0.0); COLUMNS / LANES]; ROWS];
    if accumulate {
        for (row, sums) in sums.iter_mut().enumerate() {
            for (part, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the tile has ROWS rows of COLUMNS numbers.
                *sum = unsafe { vld1q_f32(tile.add(row * COLUMNS + part * LANES)) };
            }
        }
    }
    for k in 0..depth {
        // SAFETY: `k` is below `depth`, for which both panels have room.
        unsafe {
            let (a, b) = (a.add(k * ROWS), b.add(k * COLUMNS));
            let columns =
                [vld1q_f32(b), vld1q_f32(b.add(LANES)), vld1q_f32(b.add(2 * LANES)), vld1q_f32(b.add(3 * LANES))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = *a.add(row);
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = vfmaq_n_f32(*sum, column, weight);
                }
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (part, &sum) in sums.iter().enumerate() {
            // SAFETY: the tile has ROWS rows of COLUMNS numbers.
            unsafe { vst1q_f32(tile.add(row * COLUMNS + part * LANES), sum) };
        }
    }
}
