//! Window sums of a convolution's input: for every tap, the sum over all output positions of the number under that tap.
//!
//! What a tap sees is some rows times some columns, so the sums are separable: whole rows are added first, then the columns
//! of the few sums that remain. With stride 1 almost all rows and columns are seen by every tap; these are added once. Maps
//! of few positions have too little of either: there, every number is added to the taps that see it.

use crate::sums::sum;
use mda_core::op::Window;
use std::ops::Range;

/// Columns that are added side by side.
const COLUMNS: usize = 8;
/// Taps that are added to side by side: those of a 3x3 kernel, in whole registers.
const TAPS: usize = 12;
/// Positions up to which every number goes to its taps by itself.
const FEW: usize = 36;

/// The window sums of one convolution.
#[derive(Clone, Debug)]
pub(crate) struct WindowSums {
    positions: usize,
    taps: usize,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Separable(Separable),
    EachNumber(EachNumber),
}

impl WindowSums {
    /// Of `window` over inputs of extents `input`, with outputs of extents `output`.
    pub(crate) fn new(window: &Window, input: [usize; 2], output: [usize; 2]) -> Self {
        let [rows, columns] = [0, 1].map(|axis| Axis::new(window, axis, input[axis], output[axis]));
        let (positions, taps) = (input[0] * input[1], window.taps());
        let way = if positions <= FEW || input[1] < COLUMNS {
            Way::EachNumber(EachNumber::new(&rows, &columns))
        } else {
            Way::Separable(Separable { width: input[1], rows, columns })
        };
        Self { positions, taps, way }
    }

    /// Writes the sums over each of `planes` to `sums`, one a tap, row-major. Sums are taken in f64.
    ///
    /// Loops are written out and totals go by value here: what `for_each` calls is compiled apart, without the caller's
    /// vector instructions, and totals behind a reference stay in memory.
    #[inline(always)]
    pub(crate) fn of(&self, planes: &[f32], sums: &mut [f32]) {
        let planes = planes.chunks_exact(self.positions).zip(sums.chunks_exact_mut(self.taps));
        match &self.way {
            Way::Separable(separable) => {
                let mut columns = vec![0.0; separable.rows.extra.len() * separable.width];
                for (plane, sums) in planes {
                    separable.of(plane, &mut columns, sums);
                }
            }
            Way::EachNumber(each) => {
                let mut numbers = vec![0; self.positions];
                for (plane, sums) in planes {
                    each.of(plane, &mut numbers, sums);
                }
            }
        }
    }
}

/// What the taps of one axis see of an input.
#[derive(Clone, Debug)]
struct Axis {
    input: usize,
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
        Self { input, core, extra }
    }

    /// Whether `tap` sees the position `at`.
    fn sees(&self, tap: usize, at: usize) -> bool {
        self.core.contains(&at) || self.extra[tap].contains(&at)
    }
}

/// Rows first, then columns.
#[derive(Clone, Debug)]
struct Separable {
    width: usize,
    rows: Axis,
    columns: Axis,
}

impl Separable {
    /// `columns` has room for a row a vertical tap.
    #[inline(always)]
    fn of(&self, plane: &[f32], columns: &mut [f64], sums: &mut [f32]) {
        let width = self.width;
        for first in (0..width).step_by(COLUMNS) {
            // The last columns may be added twice, to the same sums.
            let first = first.min(width - COLUMNS);
            let mut core = [0.0; COLUMNS];
            for y in self.rows.core.clone() {
                core = added(core, &plane[y * width + first..]);
            }
            for (extra, columns) in self.rows.extra.iter().zip(columns.chunks_exact_mut(width)) {
                let mut totals = core;
                for y in extra {
                    totals = added(totals, &plane[y * width + first..]);
                }
                columns[first..first + COLUMNS].copy_from_slice(&totals);
            }
        }
        let taps = self.columns.extra.len();
        for (columns, sums) in columns.chunks_exact(width).zip(sums.chunks_exact_mut(taps)) {
            let common = sum(&columns[self.columns.core.clone()], |x| x);
            for (sum, extra) in sums.iter_mut().zip(&self.columns.extra) {
                let mut total = common;
                for &x in extra {
                    total += columns[x];
                }
                *sum = total as f32;
            }
        }
    }
}

#[inline(always)]
fn added(mut totals: [f64; COLUMNS], numbers: &[f32]) -> [f64; COLUMNS] {
    for (total, &number) in totals.iter_mut().zip(&numbers[..COLUMNS]) {
        *total += f64::from(number);
    }
    totals
}

/// Every number to the taps that see it.
#[derive(Clone, Debug)]
struct EachNumber {
    /// `[blocks of taps, positions]`: all bits where the tap sees the position, none where it does not.
    seen: Vec<[u64; TAPS]>,
}

impl EachNumber {
    fn new(rows: &Axis, columns: &Axis) -> Self {
        let taps = rows.extra.len() * columns.extra.len();
        let sees = |tap: usize, at: usize| {
            let (ky, kx) = (tap / columns.extra.len(), tap % columns.extra.len());
            tap < taps && rows.sees(ky, at / columns.input) && columns.sees(kx, at % columns.input)
        };
        let mask = |tap, at| if sees(tap, at) { u64::MAX } else { 0 };
        let blocks = (0..taps).step_by(TAPS);
        let seen = blocks.flat_map(|first| {
            (0..rows.input * columns.input).map(move |at| std::array::from_fn(|tap| mask(first + tap, at)))
        });
        Self { seen: seen.collect() }
    }

    #[inline(always)]
    fn of(&self, plane: &[f32], numbers: &mut [u64], sums: &mut [f32]) {
        for (number, &x) in numbers.iter_mut().zip(plane) {
            *number = f64::from(x).to_bits();
        }
        for (sums, seen) in sums.chunks_mut(TAPS).zip(self.seen.chunks_exact(plane.len())) {
            let mut totals = [0.0; TAPS];
            for (&number, seen) in numbers.iter().zip(seen) {
                totals = seen_by(totals, number, seen);
            }
            for (sum, total) in sums.iter_mut().zip(totals) {
                *sum = total as f32;
            }
        }
    }
}

#[inline(always)]
fn seen_by(mut totals: [f64; TAPS], number: u64, seen: &[u64; TAPS]) -> [f64; TAPS] {
    for (total, &seen) in totals.iter_mut().zip(seen) {
        *total += f64::from_bits(number & seen);
    }
    totals
}
