//! Window sums of a convolution's input: for every tap, the sum over all output positions of the number under that tap.
//!
//! What a tap sees is some rows times some columns, so the sums are separable: whole rows are added first, then the columns
//! of the few sums that remain. With stride 1 almost all rows and columns are seen by every tap; these are added once. Maps
//! of few positions have too little of either: there, every number is added to the taps that see it.

use crate::layer::reached;
use crate::sums::sum;
use mda_core::op::Window;
use std::ops::Range;

/// Columns that are added side by side.
const COLUMNS: usize = 8;
/// Taps that are added to side by side: those of a 3x3 kernel, in whole registers.
const TAPS: usize = 12;
/// Positions up to which every number goes to its taps by itself.
const FEW: usize = 36;
/// Masks that may be kept for that, half a megabyte.
const MOST_MASKS: usize = 1 << 16;
/// Vertical taps whose rows are kept at once.
const ROWS: usize = 16;

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
        let masks = positions.saturating_mul(window.taps().next_multiple_of(TAPS));
        let way = if (positions <= FEW || input[1] < COLUMNS) && masks <= MOST_MASKS {
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
                let mut columns = vec![0.0; separable.rows.extra.len().min(ROWS) * separable.width];
                for (plane, sums) in planes {
                    if separable.width < COLUMNS {
                        separable.of::<1>(plane, &mut columns, sums);
                    } else {
                        separable.of::<COLUMNS>(plane, &mut columns, sums);
                    }
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
    /// From one position that a tap sees to the next.
    step: usize,
    /// Seen by each tap beside the core, before it and behind it.
    extra: Vec<[Range<usize>; 2]>,
}

impl Axis {
    fn new(window: &Window, axis: usize, input: usize, output: usize) -> Self {
        let (step, before) = (window.stride[axis], window.padding.along(axis)[0]);
        // From the first position to behind the last one.
        let seen = |tap: usize| {
            let outputs = reached(window, axis, tap, input, output);
            let source = |at: usize| at * step + tap * window.dilation[axis] - before;
            if outputs.is_empty() { 0..0 } else { source(outputs.start)..source(outputs.end - 1) + 1 }
        };
        let taps = 0..window.kernel[axis];
        // A stride leaves gaps, which differ from tap to tap.
        let common = |all: Range<usize>, tap: usize| all.start.max(seen(tap).start)..all.end.min(seen(tap).end);
        let core = if step == 1 { taps.clone().fold(0..input, common) } else { 0..0 };
        let core = if core.is_empty() { 0..0 } else { core };
        let extra = taps.map(seen).map(|seen| match core.is_empty() {
            true => [seen, 0..0],
            false => [seen.start..core.start, core.end..seen.end],
        });
        Self { input, step, extra: extra.collect(), core }
    }

    /// Whether `tap` sees the position `at`.
    fn sees(&self, tap: usize, at: usize) -> bool {
        let extra = |seen: &Range<usize>| seen.contains(&at) && (at - seen.start).is_multiple_of(self.step);
        self.core.contains(&at) || self.extra[tap].iter().any(extra)
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
    /// `columns` has room for a row of each of [`ROWS`] vertical taps, or of all where there are fewer; `LANES` columns, at
    /// most `width`, are added side by side.
    #[inline(always)]
    fn of<const LANES: usize>(&self, plane: &[f32], columns: &mut [f64], sums: &mut [f32]) {
        let (width, taps) = (self.width, self.columns.extra.len());
        for (rows, sums) in self.rows.extra.chunks(ROWS).zip(sums.chunks_mut(ROWS * taps)) {
            self.add_rows::<LANES>(plane, rows, columns);
            for (columns, sums) in columns.chunks_exact(width).zip(sums.chunks_exact_mut(taps)) {
                let common = sum(&columns[self.columns.core.clone()], |x| x);
                for (sum, extra) in sums.iter_mut().zip(&self.columns.extra) {
                    let mut total = common;
                    for seen in extra {
                        let mut x = seen.start;
                        while x < seen.end {
                            total += columns[x];
                            x += self.columns.step;
                        }
                    }
                    *sum = total as f32;
                }
            }
        }
    }

    /// The sums over what the vertical taps `rows` see, column by column.
    #[inline(always)]
    fn add_rows<const LANES: usize>(&self, plane: &[f32], rows: &[[Range<usize>; 2]], columns: &mut [f64]) {
        let width = self.width;
        for first in (0..width).step_by(LANES) {
            // The last columns may be added twice, to the same sums.
            let first = first.min(width - LANES);
            let mut core = [0.0; LANES];
            for y in self.rows.core.clone() {
                core = added(core, &plane[y * width + first..]);
            }
            for (extra, columns) in rows.iter().zip(columns.chunks_exact_mut(width)) {
                let mut totals = core;
                for seen in extra {
                    let mut y = seen.start;
                    while y < seen.end {
                        totals = added(totals, &plane[y * width + first..]);
                        y += self.rows.step;
                    }
                }
                columns[first..first + LANES].copy_from_slice(&totals);
            }
        }
    }
}

#[inline(always)]
fn added<const LANES: usize>(mut totals: [f64; LANES], numbers: &[f32]) -> [f64; LANES] {
    for (total, &number) in totals.iter_mut().zip(&numbers[..LANES]) {
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
