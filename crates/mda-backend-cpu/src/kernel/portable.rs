//! The path for every processor: plain Rust that the compiler vectorises for the baseline of its target.

use super::dots::compute_dots;
use super::tile::{Product, Vector, Vectors, compute_all};
use super::{Dots, Lanes, MAX_DOTS, Simd, check_taken, checked_depth, tile};
use std::ops::Range;

/// Whatever the compiler's target guarantees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

/// Four numbers, a register of SSE2 and of most others.
type Four = [f32; 4];

impl Lanes for Four {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        [x; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has four numbers there; an unaligned read takes them from anywhere.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has room for four numbers there.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        std::array::from_fn(|lane| self[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] + other[lane])
    }

    #[inline(always)]
    unsafe fn evens(self, other: Self) -> Self {
        [self[0], self[2], other[0], other[2]]
    }

    #[inline(always)]
    unsafe fn odds(self, other: Self) -> Self {
        [self[1], self[3], other[1], other[3]]
    }

    #[inline(always)]
    unsafe fn clamp(self, low: Self, high: Self) -> Self {
        let above: Self = std::array::from_fn(|lane| if low[lane] > self[lane] { low[lane] } else { self[lane] });
        std::array::from_fn(|lane| if high[lane] < above[lane] { high[lane] } else { above[lane] })
    }
}

impl Simd for Portable {
    const NAME: &'static str = "portable";
    // Eight accumulators of four lanes: what the sixteen registers of SSE2 hold beside the operands.
    const ROWS: usize = 4;
    const COLUMNS: usize = 8;
    const LANES: usize = 4;
    const HEIGHTS: &'static [usize] = &[4];
    const DOTS: [usize; 2] = [4, 3];

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline(always)]
    fn multiply_add(self, a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    fn multiply(self, a: &[f32], b: &[f32], tile: &mut [f32], accumulate: bool) {
        let depth = checked_depth::<Self>(a, b, tile);
        // SAFETY: every processor has this instruction set; `checked_depth` checks the lengths.
        unsafe { tile::multiply::<Four, 4, 2>(depth, a.as_ptr(), b.as_ptr(), tile.as_mut_ptr(), accumulate) }
    }

    #[inline(always)]
    fn take(self, from: &[f32], step: usize, to: &mut [f32]) {
        check_taken(from, step, to);
        // SAFETY: every processor has this instruction set; all numbers are there, as just checked.
        unsafe { tile::take::<Four>(from.as_ptr(), step, to.as_mut_ptr(), to.len()) }
    }

    fn product(self, height: usize, product: &Product<'_>, output: &mut [f32], vectors: &Vectors, range: Range<usize>) {
        product.check::<Self>(height, output, vectors);
        let vectors = vectors.part(range);
        match height {
            1 => compute_all!(product, output, vectors, Four, 1, 4, [1, 2, 3, 4]),
            4 => compute_all!(product, output, vectors, Four, 4, 2, [1, 2]),
            _ => unreachable!("a height of this instruction set"),
        }
    }

    fn dots(self, dots: &Dots<'_>, sums: &mut [f32; MAX_DOTS]) {
        dots.check::<Self>();
        compute_dots!(dots, sums, Four, 3, [1, 2, 3, 4])
    }
}
