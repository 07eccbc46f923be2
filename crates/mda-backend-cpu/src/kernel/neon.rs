//! NEON, which every 64-bit ARM processor has: thirty-two registers of four lanes, twenty-four of them accumulators.

use super::dots::compute_dots;
use super::tile::{Product, Vector, Vectors, compute_all};
use super::{Dots, Lanes, MAX_DOTS, Simd, check_taken, checked_depth, tile};
use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vmaxq_f32, vminq_f32, vst1q_f32, vuzp1q_f32, vuzp2q_f32,
};
use std::ops::Range;

/// The processor has NEON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon(());

impl Neon {
    /// The proof, where the processor has it.
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

impl Lanes for float32x4_t {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has the instruction set, and the numbers.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has the instruction set, and the room.
        unsafe { vst1q_f32(to, self) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { vfmaq_f32(c, self, b) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { vaddq_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn evens(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { vuzp1q_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn odds(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { vuzp2q_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn clamp(self, low: Self, high: Self) -> Self {
        // NaN wins in both.
        // SAFETY: the caller has the instruction set.
        unsafe { vminq_f32(high, vmaxq_f32(low, self)) }
    }
}

impl Simd for Neon {
    const NAME: &'static str = "NEON";
    const ROWS: usize = 6;
    const COLUMNS: usize = 16;
    const LANES: usize = 4;
    const HEIGHTS: &'static [usize] = &[8, 6];
    const DOTS: [usize; 2] = [6, 4];

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

    #[inline(always)]
    fn take(self, from: &[f32], step: usize, to: &mut [f32]) {
        check_taken(from, step, to);
        // SAFETY: a value of this type exists only where `detect` found the feature; all numbers are there, as just checked.
        unsafe { tile::take::<float32x4_t>(from.as_ptr(), step, to.as_mut_ptr(), to.len()) }
    }

    #[inline(always)]
    fn product(self, height: usize, product: &Product<'_>, output: &mut [f32], vectors: &Vectors, range: Range<usize>) {
        product.check::<Self>(height, output, vectors);
        let vectors = vectors.part(range);
        // SAFETY: a value of this type exists only where `detect` found the feature; `check` has just passed.
        unsafe { compute(height, product, output, vectors) }
    }

    #[inline(always)]
    fn dots(self, dots: &Dots<'_>, sums: &mut [f32; MAX_DOTS]) {
        dots.check::<Self>();
        // SAFETY: a value of this type exists only where `detect` found the features; `check` has just passed.
        unsafe { multiply_rows(dots, sums) }
    }
}

#[target_feature(enable = "neon")]
fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// # Safety
/// As [`tile::multiply`] says.
#[target_feature(enable = "neon")]
unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, tile: *mut f32, accumulate: bool) {
    // SAFETY: the same as the caller's.
    unsafe { tile::multiply::<float32x4_t, 6, 4>(depth, a, b, tile, accumulate) }
}

/// # Safety
/// `product.check` has passed with the other arguments.
#[target_feature(enable = "neon")]
unsafe fn compute(height: usize, product: &Product<'_>, output: &mut [f32], vectors: &[Vector]) {
    match height {
        1 => compute_all!(product, output, vectors, float32x4_t, 1, 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        6 => compute_all!(product, output, vectors, float32x4_t, 6, 4, [1, 2, 3, 4]),
        8 => compute_all!(product, output, vectors, float32x4_t, 8, 3, [1, 2, 3]),
        _ => unreachable!("a height of this instruction set"),
    }
}

/// # Safety
/// `dots.check` has passed.
#[target_feature(enable = "neon")]
unsafe fn multiply_rows(dots: &Dots<'_>, sums: &mut [f32; MAX_DOTS]) {
    compute_dots!(dots, sums, float32x4_t, 4, [1, 2, 3, 4, 5, 6])
}
