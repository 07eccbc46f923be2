//! Window sums of a convolution's input: for every tap, the sum over all output positions of the number under that tap.
//!
//! What a tap sees is some rows times some columns, so the sums are separable: rows first, then columns. With stride 1
//! almost all rows are seen by every tap; these are added once.

use mda_core::op::Window;
use std::ops::Range;

/// Columns that are handled together, held on the stack.
const STRIP: usize = 64;

/// What the taps of one axis see of an input.
#[derive(Clone, Debug)]
struct Axis {
    /// Seen by every tap.
    core: Range<usize>,
    /// Seen by each tap beside the core.
    extra: Vec<Vec<usize>>,
}

impl Axis {
    fn new(window: &Window, axis: usize, input: usize, output: usize) -> Self {
        let seen = |tap: usize| (0..output).filter_map(move |at| window.source(axis, at, tap, input));
        let taps = 0..window.kernel[axis];
        let first = taps.clone().map(|tap| seen(tap).next().unwrap_or(input)).max().unwrap_or(0);
        let last = taps.clone().map(|tap| seen(tap).next_back().map_or(0, |at| at + 1)).min().unwrap_or(0);
        // A stride leaves gaps, which differ from tap to tap.
        let core = if window.stride[axis] == 1 { first.min(last)..last } else { 0..0 };
        let extra = taps.map(|tap| seen(tap).filter(|at| !core.contains(at)).collect()).collect();
        Self { core, extra }
    }
}

/// The window sums of one convolution.
#[derive(Clone, Debug)]
pub(crate) struct WindowSums {
    width: usize,
    rows: Axis,
    columns: Axis,
}

impl WindowSums {
    /// Of `window` over inputs of extents `input`, with outputs of extents `output`.
    pub(crate) fn new(window: &Window, input: [usize; 2], output: [usize; 2]) -> Self {
        let [rows, columns] = [0, 1].map(|axis| Axis::new(window, axis, input[axis], output[axis]));
        Self { width: input[1], rows, columns }
    }

    /// Writes the sums over `plane` to `sums`, one a tap, row-major. Sums are taken in f64.
    #[inline(always)]
    pub(crate) fn of(&self, plane: &[f32], sums: &mut [f32]) {
        sums.fill(0.0);
        for start in (0..self.width).step_by(STRIP) {
            let len = STRIP.min(self.width - start);
            let mut core = [0.0; STRIP];
            self.rows.core.clone().for_each(|y| self.add_row(plane, y, start, &mut core[..len]));
            for (sums, extra) in sums.chunks_exact_mut(self.columns.extra.len()).zip(&self.rows.extra) {
                let mut rows = core;
                extra.iter().for_each(|&y| self.add_row(plane, y, start, &mut rows[..len]));
                self.add_columns(&rows[..len], start, sums);
            }
        }
    }

    #[inline(always)]
    fn add_row(&self, plane: &[f32], y: usize, start: usize, rows: &mut [f64]) {
        let numbers = &plane[y * self.width + start..][..rows.len()];
        rows.iter_mut().zip(numbers).for_each(|(sum, &x)| *sum += f64::from(x));
    }

    /// Adds what each tap sees of the strip of columns that begins at `start`.
    #[inline(always)]
    fn add_columns(&self, rows: &[f64], start: usize, sums: &mut [f32]) {
        let end = start + rows.len();
        let core = self.columns.core.start.clamp(start, end)..self.columns.core.end.clamp(start, end);
        let common: f64 = sum(&rows[core.start - start..core.end - start]);
        for (total, extra) in sums.iter_mut().zip(&self.columns.extra) {
            let inside = extra.iter().filter(|&&x| (start..end).contains(&x));
            *total += (common + inside.map(|&x| rows[x - start]).sum::<f64>()) as f32;
        }
    }
}

/// The sum in four strands, which do not wait for one another.
#[inline(always)]
fn sum(numbers: &[f64]) -> f64 {
    let (fours, rest) = numbers.as_chunks::<4>();
    let strands = fours.iter().fold([0.0; 4], |sums, four| std::array::from_fn(|i| sums[i] + four[i]));
    strands.iter().chain(rest).sum()
}
