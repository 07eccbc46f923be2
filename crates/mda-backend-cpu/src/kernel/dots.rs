//! Scalar products of rows with rows, many at a time: what weight gradients are made of. Both lie in memory as they are multiplied,
//! so nothing is packed; what registers have summed lane by lane is added up at the end.

use super::{Lanes, Simd};

/// The most products that any instruction set computes at once, rounded up to whole registers of sums.
pub(crate) const MAX_DOTS: usize = 32;

/// Rows to multiply with one another: the first `len` numbers behind every start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dots<'a> {
    pub left: &'a [f32],
    /// Where each row on the left starts; at most as many as the instruction set takes at once, as those on the right.
    pub rows: &'a [usize],
    pub right: &'a [f32],
    /// Where each row on the right starts.
    pub columns: &'a [usize],
    /// A multiple of the instruction set's lanes.
    pub len: usize,
}

impl Dots<'_> {
    /// Checks that everything is inside its slice.
    ///
    /// # Panics
    /// Where it is not.
    #[inline(always)]
    pub(super) fn check<S: Simd>(&self) {
        let [rows, columns] = S::DOTS;
        assert!(
            (1..=rows).contains(&self.rows.len()) && (1..=columns).contains(&self.columns.len()),
            "a block of products"
        );
        assert!(self.len.is_multiple_of(S::LANES), "whole registers");
        let inside = |starts: &[usize], numbers: &[f32]| starts.iter().all(|&start| start + self.len <= numbers.len());
        assert!(inside(self.rows, self.left) && inside(self.columns, self.right), "rows inside their numbers");
    }

    /// Writes the product of row `r` on the left with row `c` on the right to `sums[r * C + c]`, for all `R` on the left; of the `C` on
    /// the right the last may stand for several.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`; [`Dots::check`] has passed, and there are `R` rows and at most `C` columns. `R * C`
    /// is at most [`MAX_DOTS`], as rounded up to whole registers.
    #[inline(always)]
    pub(super) unsafe fn compute<L: Lanes, const R: usize, const C: usize>(&self, sums: &mut [f32; MAX_DOTS]) {
        let last = self.columns.len() - 1;
        // SAFETY: the caller has the instruction set and has checked all starts; `sums` has room for whole registers.
        unsafe {
            let left: [*const f32; R] = std::array::from_fn(|r| self.left.as_ptr().add(self.rows[r]));
            let right: [*const f32; C] = std::array::from_fn(|c| self.right.as_ptr().add(self.columns[c.min(last)]));
            let mut products = [[L::splat(0.0); C]; R];
            for at in (0..self.len).step_by(L::LANES) {
                let numbers: [L; C] = std::array::from_fn(|c| L::load(right[c].add(at)));
                for (products, left) in products.iter_mut().zip(left) {
                    let factor = L::load(left.add(at));
                    for (product, number) in products.iter_mut().zip(numbers) {
                        *product = factor.multiply_add(number, *product);
                    }
                }
            }
            let mut vectors = [L::splat(0.0); MAX_DOTS];
            vectors[..R * C].copy_from_slice(products.as_flattened());
            // Each round adds neighbours of neighbouring registers, until a lane of a register is a whole sum.
            let mut count = (R * C).next_multiple_of(L::LANES);
            let registers = count / L::LANES;
            while count > registers {
                count /= 2;
                for at in 0..count {
                    let (a, b) = (vectors[2 * at], vectors[2 * at + 1]);
                    vectors[at] = a.evens(b).add(a.odds(b));
                }
            }
            for (at, vector) in vectors[..registers].iter().enumerate() {
                vector.store(sums.as_mut_ptr().add(at * L::LANES));
            }
        }
    }
}

/// Computes `$dots` with as many rows as it has, each of the `$count`s.
macro_rules! compute_dots {
    ($dots:expr, $sums:expr, $lanes:ty, $columns:literal, [$($count:literal),+]) => {
        match $dots.rows.len() {
            // SAFETY: the caller's proof of the instruction set, and its check of these rows.
            $($count => unsafe { $dots.compute::<$lanes, $count, $columns>($sums) },)+
            _ => unreachable!("as many rows as were checked"),
        }
    };
}
pub(super) use compute_dots;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Portable;

    fn agrees<S: Simd>(simd: S) {
        let number = |at: usize| ((at * 7919 + 13) % 101) as f32 - 50.0;
        let (left, right): (Vec<f32>, Vec<f32>) = ((0..400).map(number).collect(), (400..900).map(number).collect());
        let [most_rows, most_columns] = S::DOTS;
        for (rows, columns, len) in
            [(most_rows, most_columns, 48), (1, 1, 16), (most_rows - 1, 2, 0), (2, most_columns, 64)]
        {
            let starts: Vec<usize> = (0..rows).map(|r| r * 37).collect();
            let others: Vec<usize> = (0..columns).map(|c| c * 3 + 1).collect();
            let mut sums = [f32::NAN; MAX_DOTS];
            simd.dots(&Dots { left: &left, rows: &starts, right: &right, columns: &others, len }, &mut sums);
            for (r, c) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
                let expected: f32 = (0..len).map(|k| left[starts[r] + k] * right[others[c] + k]).sum();
                // Sums of small integers are exact.
                assert_eq!(sums[r * most_columns + c], expected, "{} {rows}x{columns} over {len}: {r}, {c}", S::NAME);
            }
        }
    }

    #[test]
    fn products_of_rows_are_exact() {
        agrees(Portable);
        #[cfg(target_arch = "x86_64")]
        crate::kernel::Avx2::detect().into_iter().for_each(agrees);
        #[cfg(target_arch = "x86_64")]
        crate::kernel::Avx512::detect().into_iter().for_each(agrees);
        #[cfg(target_arch = "aarch64")]
        crate::kernel::Neon::detect().into_iter().for_each(agrees);
    }
}
