//! The inner loops that depend on the instruction set, one file an instruction set, and all `unsafe` of the crate.
//!
//! A new instruction set is a new file with a type that implements [`Simd`] and an arm where the backend picks it; tile
//! sizes follow from the type, so that weights are packed for it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dots;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod patches;
mod portable;
mod region;
#[cfg(test)]
mod tests;
mod tile;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use dots::{Dots, MAX_DOTS};
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use patches::Patches;
pub(crate) use portable::Portable;
pub(crate) use region::{Cells, Grid, Region, Run};
pub(crate) use tile::{Offsets, Product, Vector, Vectors};

use lanes::Lanes;
use std::ops::Range;

/// An instruction set. A value of the type is the proof that the processor has it.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// Its name, for people.
    const NAME: &'static str;
    /// Rows of a tile: output channels that are computed together.
    const ROWS: usize;
    /// Columns of a tile: output positions that are computed together, at most [`MAX_COLUMNS`].
    const COLUMNS: usize;
    /// Numbers that one instruction handles.
    const LANES: usize;
    /// How many rows of weights [`Simd::product`] takes together, beside one alone; at most [`MAX_ROWS`], the largest first.
    const HEIGHTS: &'static [usize];
    /// How many rows and columns of products [`Simd::dots`] computes at once, at most.
    const DOTS: [usize; 2];
    /// Numbers in a tile.
    const TILE: usize = Self::ROWS * Self::COLUMNS;

    /// Runs `f`, compiled for this instruction set as far as `f` is inlined.
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R;

    /// `a * b + c`, rounded once where the processor can.
    fn multiply_add(self, a: f32, b: f32, c: f32) -> f32;

    /// Sets `tile` (`[ROWS, COLUMNS]`) to the product of the packed panels `a` (`[depth, ROWS]`, transposed) and `b`
    /// (`[depth, COLUMNS]`), or adds the product to it where `accumulate` says so.
    ///
    /// # Panics
    /// Where the lengths do not fit each other.
    fn multiply(self, a: &[f32], b: &[f32], tile: &mut [f32], accumulate: bool);

    /// Writes every `step`th number of `from` to `to`.
    ///
    /// # Panics
    /// Where `from` ends too early.
    fn take(self, from: &[f32], step: usize, to: &mut [f32]);

    /// Computes the sums of `product` for `vectors[range]` in every one of its channels into `output`; `height` is one of
    /// [`Simd::HEIGHTS`], or 1.
    ///
    /// # Panics
    /// Where a term, a position or what is added lies outside its slice.
    fn product(self, height: usize, product: &Product<'_>, output: &mut [f32], vectors: &Vectors, range: Range<usize>);

    /// Writes the scalar product of row `r` on the left with row `c` on the right to `sums[r * Self::DOTS[1] + c]`; other numbers of
    /// `sums` are unspecified.
    ///
    /// # Panics
    /// Where there are too many rows, or one lies outside its slice.
    fn dots(self, dots: &Dots<'_>, sums: &mut [f32; MAX_DOTS]);

    /// Winograd's input transform (`B^T d B`) of [`Simd::COLUMNS`] patches in the channel that begins at `data[plane]`:
    /// number `i` of all patches goes to `columns[i * stride..]`.
    ///
    /// # Panics
    /// Where the data or the columns end too early.
    #[inline(always)]
    fn transform_patches(self, patches: &Patches, data: &[f32], plane: usize, columns: &mut [f32], stride: usize) {
        patches::transform(Self::COLUMNS, patches, data, plane, columns, stride);
    }
}

/// Checks that `from` has every `step`th number that `to` has room for.
///
/// # Panics
/// Where it has not.
#[inline(always)]
fn check_taken(from: &[f32], step: usize, to: &[f32]) {
    assert!(to.is_empty() || (to.len() - 1) * step < from.len(), "enough numbers to take");
}

/// The depth of the panels `a` and `b`, whose product is to fill `tile`.
///
/// # Panics
/// Where the lengths do not fit each other.
#[inline(always)]
fn checked_depth<S: Simd>(a: &[f32], b: &[f32], tile: &[f32]) -> usize {
    let depth = a.len() / S::ROWS;
    assert!(a.len() == depth * S::ROWS && b.len() == depth * S::COLUMNS, "panels of one depth");
    assert!(tile.len() == S::TILE, "one tile");
    depth
}

/// The widest tile that any instruction set uses.
pub(crate) const MAX_COLUMNS: usize = 32;
/// The most rows of weights that any instruction set takes together.
pub(crate) const MAX_ROWS: usize = 12;
