//! AVX-512: thirty-two registers of sixteen lanes, twenty-four of them accumulators.

use super::dots::compute_dots;
use super::tile::{Product, Vector, Vectors, compute_all};
use super::{Avx2, Dots, Lanes, MAX_DOTS, Patches, Simd, check_taken, checked_depth, tile};
use std::arch::x86_64::{
    __m512, _MM_HINT_T0, _mm_prefetch, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_permutex2var_ps, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_storeu_ps,
};
use std::ops::Range;

/// The processor has AVX-512 (F, BW, DQ and VL), and AVX2 with FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(Avx2);

const COLUMNS: usize = 32;

impl Avx512 {
    /// The proof, where the processor has all of them.
    pub(crate) fn detect() -> Option<Self> {
        let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        let all = wide && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512dq");
        Avx2::detect().filter(|_| all).map(Self)
    }
}

/// The bits of the first `count` lanes.
#[inline(always)]
fn first(count: usize) -> u16 {
    (((1u32 << count) - 1) & 0xffff) as u16
}

impl Lanes for __m512 {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has the instruction set, and the numbers.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has the instruction set, and the room.
        unsafe { _mm512_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { _mm512_fmadd_ps(self, b, c) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { _mm512_add_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn evens(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe {
            let places = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            _mm512_permutex2var_ps(self, places, other)
        }
    }

    #[inline(always)]
    unsafe fn odds(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe {
            let places = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            _mm512_permutex2var_ps(self, places, other)
        }
    }

    #[inline(always)]
    unsafe fn clamp(self, low: Self, high: Self) -> Self {
        // Of two operands that do not compare, the instructions answer the second.
        // SAFETY: the caller has the instruction set.
        unsafe { _mm512_min_ps(high, _mm512_max_ps(low, self)) }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        // SAFETY: a prefetch of anything is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller has the instruction set, and the first `count` numbers; nothing else is read.
        unsafe { _mm512_maskz_loadu_ps(first(count), from) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: the caller has the instruction set, and room for the first `count` numbers; nothing else is written.
        unsafe { _mm512_mask_storeu_ps(to, first(count), self) }
    }
}

impl Simd for Avx512 {
    const NAME: &'static str = "AVX-512";
    const ROWS: usize = 12;
    const COLUMNS: usize = COLUMNS;
    const LANES: usize = 16;
    const HEIGHTS: &'static [usize] = &[12, 8, 6];
    const DOTS: [usize; 2] = [6, 4];

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
    fn take(self, from: &[f32], step: usize, to: &mut [f32]) {
        check_taken(from, step, to);
        // SAFETY: a value of this type exists only where `detect` found the features; all numbers are there, as just checked.
        unsafe { tile::take::<__m512>(from.as_ptr(), step, to.as_mut_ptr(), to.len()) }
    }

    #[inline(always)]
    fn product(self, height: usize, product: &Product<'_>, output: &mut [f32], vectors: &Vectors, range: Range<usize>) {
        product.check::<Self>(height, output, vectors);
        let vectors = vectors.part(range);
        // SAFETY: a value of this type exists only where `detect` found the features; `check` has just passed.
        unsafe { compute(height, product, output, vectors) }
    }

    #[inline(always)]
    fn dots(self, dots: &Dots<'_>, sums: &mut [f32; MAX_DOTS]) {
        dots.check::<Self>();
        // SAFETY: a value of this type exists only where `detect` found the features; `check` has just passed.
        unsafe { multiply_rows(dots, sums) }
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
/// As [`tile::multiply`] says.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, tile: *mut f32, accumulate: bool) {
    // SAFETY: the same as the caller's.
    unsafe { tile::multiply::<__m512, 12, 2>(depth, a, b, tile, accumulate) }
}

/// # Safety
/// `product.check` has passed with the other arguments.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn compute(height: usize, product: &Product<'_>, output: &mut [f32], vectors: &[Vector]) {
    match height {
        1 => compute_all!(product, output, vectors, __m512, 1, 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        6 => compute_all!(product, output, vectors, __m512, 6, 4, [1, 2, 3, 4]),
        8 => compute_all!(product, output, vectors, __m512, 8, 3, [1, 2, 3]),
        12 => compute_all!(product, output, vectors, __m512, 12, 2, [1, 2]),
        _ => unreachable!("a height of this instruction set"),
    }
}

/// # Safety
/// `dots.check` has passed.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn multiply_rows(dots: &Dots<'_>, sums: &mut [f32; MAX_DOTS]) {
    compute_dots!(dots, sums, __m512, 4, [1, 2, 3, 4, 5, 6])
}
