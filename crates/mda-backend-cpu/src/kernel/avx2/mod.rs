//! AVX2 with FMA: sixteen registers of eight lanes, twelve of them accumulators.

mod patches;

use super::dots::compute_dots;
use super::tile::{Product, Vector, Vectors, compute_all};
use super::{Dots, Lanes, MAX_DOTS, Patches, Simd, check_taken, checked_depth, patches as portable, tile};
use std::arch::x86_64::{
    __m256, __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_castpd_ps, _mm256_castps_pd, _mm256_cmpgt_epi32,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_max_ps, _mm256_min_ps,
    _mm256_permute4x64_pd, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_shuffle_ps, _mm256_storeu_ps,
};
use std::ops::Range;

/// The processor has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

const COLUMNS: usize = 16;
const LANES: usize = 8;

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

/// All bits of the first `count` lanes.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn first(count: usize) -> __m256i {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }
}

impl Lanes for __m256 {
    const LANES: usize = LANES;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has the instruction set, and the numbers.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has the instruction set, and the room.
        unsafe { _mm256_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { _mm256_fmadd_ps(self, b, c) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { _mm256_add_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn evens(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe {
            let halves = _mm256_castps_pd(_mm256_shuffle_ps::<0b10_00_10_00>(self, other));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(halves))
        }
    }

    #[inline(always)]
    unsafe fn odds(self, other: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe {
            let halves = _mm256_castps_pd(_mm256_shuffle_ps::<0b11_01_11_01>(self, other));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(halves))
        }
    }

    #[inline(always)]
    unsafe fn clamp(self, low: Self, high: Self) -> Self {
        // Of two operands that do not compare, the instructions answer the second.
        // SAFETY: the caller has the instruction set.
        unsafe { _mm256_min_ps(high, _mm256_max_ps(low, self)) }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        // SAFETY: a prefetch of anything is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller has the instruction set, and the first `count` numbers; nothing else is read.
        unsafe { _mm256_maskload_ps(from, first(count)) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: the caller has the instruction set, and room for the first `count` numbers; nothing else is written.
        unsafe { _mm256_maskstore_ps(to, first(count), self) }
    }
}

impl Simd for Avx2 {
    const NAME: &'static str = "AVX2 with FMA";
    const ROWS: usize = 6;
    const COLUMNS: usize = COLUMNS;
    const LANES: usize = LANES;
    const HEIGHTS: &'static [usize] = &[6, 4];
    const DOTS: [usize; 2] = [4, 3];

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
        unsafe { tile::take::<__m256>(from.as_ptr(), step, to.as_mut_ptr(), to.len()) }
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
        self.transform_all_patches::<COLUMNS>(patches, data, plane, columns, stride);
    }
}

#[target_feature(enable = "avx2,fma")]
fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// # Safety
/// As [`tile::multiply`] says.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, tile: *mut f32, accumulate: bool) {
    // SAFETY: the same as the caller's.
    unsafe { tile::multiply::<__m256, 6, 2>(depth, a, b, tile, accumulate) }
}

/// # Safety
/// `product.check` has passed with the other arguments.
#[target_feature(enable = "avx2,fma")]
unsafe fn compute(height: usize, product: &Product<'_>, output: &mut [f32], vectors: &[Vector]) {
    match height {
        1 => compute_all!(product, output, vectors, __m256, 1, 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        4 => compute_all!(product, output, vectors, __m256, 4, 3, [1, 2, 3]),
        6 => compute_all!(product, output, vectors, __m256, 6, 2, [1, 2]),
        _ => unreachable!("a height of this instruction set"),
    }
}

/// # Safety
/// `dots.check` has passed.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_rows(dots: &Dots<'_>, sums: &mut [f32; MAX_DOTS]) {
    compute_dots!(dots, sums, __m256, 3, [1, 2, 3, 4])
}
