//! The micro-kernels, once for all instruction sets: rows of weights times columns of numbers, in registers.

use super::{Lanes, MAX_ROWS, Simd};
use std::ops::Range;

/// How many terms are asked for in advance: enough to hide the way from the second-level cache.
const AHEAD: usize = 8;

/// Sets `tile` (`[R, V * LANES]`) to the product of the packed panels `a` and `b`, or adds it.
///
/// # Safety
/// The processor has the instruction set of `L`. `a` has `depth * R` numbers, `b` `depth * V * LANES`, `tile` `R * V * LANES`.
#[inline(always)]
pub(super) unsafe fn multiply<L: Lanes, const R: usize, const V: usize>(
    depth: usize,
    a: *const f32,
    b: *const f32,
    tile: *mut f32,
    accumulate: bool,
) {
    let columns = V * L::LANES;
    // SAFETY: the caller has the instruction set; all indices are below what the caller says is there.
    unsafe {
        let mut sums = [[L::splat(0.0); V]; R];
        if accumulate {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (part, sum) in sums.iter_mut().enumerate() {
                    *sum = L::load(tile.add(row * columns + part * L::LANES));
                }
            }
        }
        for k in 0..depth {
            let (a, b) = (a.add(k * R), b.add(k * columns));
            let mut numbers = [L::splat(0.0); V];
            for (part, number) in numbers.iter_mut().enumerate() {
                L::prefetch(b.wrapping_add(AHEAD * columns + part * L::LANES));
                *number = L::load(b.add(part * L::LANES));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = L::splat(*a.add(row));
                for (sum, &number) in sums.iter_mut().zip(&numbers) {
                    *sum = weight.multiply_add(number, *sum);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (part, sum) in sums.iter().enumerate() {
                sum.store(tile.add(row * columns + part * L::LANES));
            }
        }
    }
}

/// Where the terms of a sum lie, counted from the first.
#[derive(Clone, Debug)]
pub(crate) struct Offsets {
    /// The last one stands there again for those that are asked for in advance.
    numbers: Vec<u32>,
    largest: usize,
}

impl Offsets {
    /// `offsets`, in the order of the sum.
    pub(crate) fn new(offsets: impl Iterator<Item = usize>) -> Self {
        let mut numbers: Vec<u32> = offsets.map(|offset| u32::try_from(offset).expect("a layout of 16 GB")).collect();
        let largest = numbers.iter().copied().max().unwrap_or(0) as usize;
        let last = numbers.last().copied().unwrap_or(0);
        numbers.extend([last; AHEAD]);
        Self { numbers, largest }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len() - AHEAD
    }
}

/// Neighbouring positions of an output, at most a register of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Vector {
    /// Where the first position's first term is in the input.
    pub source: usize,
    /// Where the first position is in the first channel of the output.
    pub target: usize,
    /// Where it is in the first channel of what is added.
    pub residual: usize,
    /// How many positions count.
    pub len: usize,
}

/// Some vectors, and the largest of each of their numbers: what has to be inside is checked once for all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vectors {
    list: Vec<Vector>,
    largest: Vector,
}

impl Vectors {
    /// None.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.largest = Vector::default();
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// One after the other.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Vector> {
        self.list.iter()
    }

    /// Those of `range`.
    pub(super) fn part(&self, range: Range<usize>) -> &[Vector] {
        &self.list[range]
    }
}

impl Extend<Vector> for Vectors {
    fn extend<T: IntoIterator<Item = Vector>>(&mut self, vectors: T) {
        let mut most = self.largest;
        self.list.extend(vectors.into_iter().inspect(|vector| {
            most.source = most.source.max(vector.source);
            most.target = most.target.max(vector.target);
            most.residual = most.residual.max(vector.residual);
            most.len = most.len.max(vector.len);
        }));
        self.largest = most;
    }
}

/// Sums over terms that lie in the input as it is: `shift + sum(weights * input)` for some channels, what is added, clamped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product<'a> {
    /// `[terms, height]`.
    pub weights: &'a [f32],
    pub offsets: &'a Offsets,
    pub input: &'a [f32],
    /// What each channel's sums begin with.
    pub shift: [f32; MAX_ROWS],
    /// Channels that exist, at most the height of the panel of weights.
    pub channels: usize,
    /// From one channel of the output, and of what is added, to the next.
    pub plane: usize,
    pub residual: Option<&'a [f32]>,
    pub bounds: [f32; 2],
}

impl Product<'_> {
    /// Checks that everything is inside its slice for a panel of `height` rows.
    ///
    /// # Panics
    /// Where it is not.
    #[inline(always)]
    pub(super) fn check<S: Simd>(&self, height: usize, output: &[f32], vectors: &Vectors) {
        assert!((1..=height).contains(&self.channels) && height <= MAX_ROWS, "channels of one panel");
        assert!(self.weights.len() == self.offsets.len() * height, "a weight for every term and row");
        let last = (self.channels - 1) * self.plane;
        let Vector { source, target, residual, len } = vectors.largest;
        assert!(len <= S::LANES, "vectors of this instruction set");
        assert!(source + self.offsets.largest + S::LANES <= self.input.len(), "terms inside the input");
        assert!(target + last + len <= output.len(), "positions inside the output");
        assert!(self.residual.is_none_or(|numbers| residual + last + len <= numbers.len()), "as many to add");
    }

    /// Computes `V` vectors of a panel of `R` rows.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`; [`Product::check`] has passed with `R` and these vectors, of which there
    /// are at least `V`.
    #[inline(always)]
    pub(super) unsafe fn compute<L: Lanes, const R: usize, const V: usize>(
        &self,
        output: &mut [f32],
        vectors: &[Vector],
    ) {
        let (weights, offsets) = (self.weights.as_ptr(), self.offsets.numbers.as_ptr());
        let output = output.as_mut_ptr();
        // SAFETY: the caller has the instruction set and has checked all indices; `AHEAD` more offsets stand behind the last.
        unsafe {
            let sources: [*const f32; V] = std::array::from_fn(|v| self.input.as_ptr().add(vectors[v].source));
            let mut sums = [[L::splat(0.0); V]; R];
            for (row, sums) in sums.iter_mut().enumerate() {
                *sums = [L::splat(self.shift[row]); V];
            }
            for k in 0..self.offsets.len() {
                let offset = *offsets.add(k) as usize;
                let mut numbers = [L::splat(0.0); V];
                for (number, source) in numbers.iter_mut().zip(sources) {
                    *number = L::load(source.add(offset));
                }
                if R > 1 {
                    let next = *offsets.add(k + AHEAD) as usize;
                    sources.iter().for_each(|source| L::prefetch(source.wrapping_add(next)));
                }
                let weights = weights.add(k * R);
                for (row, sums) in sums.iter_mut().enumerate() {
                    let weight = L::splat(*weights.add(row));
                    for (sum, &number) in sums.iter_mut().zip(&numbers) {
                        *sum = weight.multiply_add(number, *sum);
                    }
                }
            }
            let [low, high] = self.bounds.map(|bound| L::splat(bound));
            for (row, sums) in sums.iter().enumerate() {
                if row >= self.channels {
                    break;
                }
                for (sum, vector) in sums.iter().zip(vectors) {
                    let (mut sum, whole) = (*sum, vector.len == L::LANES);
                    if let Some(residual) = self.residual {
                        let from = residual.as_ptr().add(vector.residual + row * self.plane);
                        sum = sum.add(if whole { L::load(from) } else { L::load_first(from, vector.len) });
                    }
                    let (sum, to) = (sum.clamp(low, high), output.add(vector.target + row * self.plane));
                    if whole { sum.store(to) } else { sum.store_first(to, vector.len) }
                }
            }
        }
    }
}

/// Writes every `step`th number from `from` on to `to`, `count` of them.
///
/// # Safety
/// The processor has the instruction set of `L`; all those numbers are there, and there is room for them.
#[inline(always)]
pub(super) unsafe fn take<L: Lanes>(from: *const f32, step: usize, to: *mut f32, count: usize) {
    let mut at = 0;
    // SAFETY: the caller has the instruction set; all indices are below what the caller says is there.
    unsafe {
        if step > 2 {
            return (0..count).for_each(|at| *to.add(at) = *from.add(at * step));
        }
        while at < count {
            let (left, from) = (count - at, from.add(at * step));
            // Behind the last number that is taken there may be nothing.
            let seen = (left - 1) * step + 1;
            let part = |first: usize| match seen.saturating_sub(first) {
                0 => L::splat(0.0),
                rest if rest < L::LANES => L::load_first(from.add(first), rest),
                _ => L::load(from.add(first)),
            };
            let numbers = if step == 1 { part(0) } else { part(0).evens(part(L::LANES)) };
            if left < L::LANES {
                numbers.store_first(to.add(at), left)
            } else {
                numbers.store(to.add(at))
            }
            at += L::LANES;
        }
    }
}

/// Computes every vector of `$vectors`, in groups of equal size up to `$most`, which is the last of the `$count`s from 1 on.
macro_rules! compute_all {
    ($product:expr, $output:expr, $vectors:expr, $lanes:ty, $rows:literal, $most:literal, [$($count:literal),+]) => {{
        let mut rest: &[Vector] = $vectors;
        while !rest.is_empty() {
            let group = rest.len().div_ceil(rest.len().div_ceil($most));
            match group {
                // SAFETY: the caller's proof of the instruction set, and its check of these vectors.
                $($count => unsafe { $product.compute::<$lanes, $rows, $count>($output, rest) },)+
                _ => unreachable!("a group of at most {}", $most),
            }
            rest = &rest[group..];
        }
    }};
}
pub(super) use compute_all;
