//! Window sums of a convolution's input: for every tap, the sum over all output positions of the number under that tap.
//!
//! What a tap sees is some rows times some columns, so the sums are separable: along each row first, then over the rows.
//! With stride 1 almost all rows and columns are seen by every tap; these are added once. Several channels are handled side
//! by side, because late layers have many channels of few positions.

use crate::sums::sum;
use mda_core::op::Window;
use std::ops::Range;

/// Channels that are handled together.
const LANES: usize = 8;
/// Common columns from which on each channel's are added by themselves.
const WIDE: usize = 16;

type Lanes = [f64; LANES];

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
    /// Extents of the input.
    input: [usize; 2],
    /// Extents of the kernel.
    kernel: [usize; 2],
    /// Rows that every vertical tap sees.
    core: Range<usize>,
    /// The other rows, each with the vertical taps that see it.
    edges: Vec<(usize, Vec<usize>)>,
    columns: Axis,
}

impl WindowSums {
    /// Of `window` over inputs of extents `input`, with outputs of extents `output`.
    pub(crate) fn new(window: &Window, input: [usize; 2], output: [usize; 2]) -> Self {
        let [rows, columns] = [0, 1].map(|axis| Axis::new(window, axis, input[axis], output[axis]));
        let seen_by = |y: usize| (0..window.kernel[0]).filter(|&ky| rows.extra[ky].contains(&y)).collect();
        let edges = (0..input[0]).map(|y| (y, seen_by(y))).filter(|(_, taps): &(_, Vec<usize>)| !taps.is_empty());
        Self { input, kernel: window.kernel, edges: edges.collect(), core: rows.core, columns }
    }

    /// Writes the sums over each of `planes` to `sums`, one a tap, row-major. Sums are taken in f64.
    #[inline(always)]
    pub(crate) fn of(&self, planes: &[f32], sums: &mut [f32]) {
        let (positions, taps) = (self.input[0] * self.input[1], self.kernel[0] * self.kernel[1]);
        let mut common = vec![[0.0; LANES]; self.kernel[1]];
        let mut row = common.clone();
        let mut totals = vec![[0.0; LANES]; taps];
        for (planes, sums) in planes.chunks(LANES * positions).zip(sums.chunks_mut(LANES * taps)) {
            common.fill([0.0; LANES]);
            for y in self.core.clone() {
                self.row(planes, y, &mut row);
                common.iter_mut().zip(&row).for_each(|(sums, row)| add(sums, row));
            }
            totals.chunks_exact_mut(self.kernel[1]).for_each(|totals| totals.copy_from_slice(&common));
            for (y, seen_by) in &self.edges {
                self.row(planes, *y, &mut row);
                for ky in seen_by {
                    let totals = &mut totals[ky * self.kernel[1]..][..self.kernel[1]];
                    totals.iter_mut().zip(&row).for_each(|(sums, row)| add(sums, row));
                }
            }
            for (lane, sums) in sums.chunks_exact_mut(taps).enumerate() {
                sums.iter_mut().zip(&totals).for_each(|(sum, totals)| *sum = totals[lane] as f32);
            }
        }
    }

    /// What every horizontal tap sees of row `y` of up to LANES planes.
    #[inline(always)]
    fn row(&self, planes: &[f32], y: usize, sums: &mut [Lanes]) {
        let (width, positions) = (self.input[1], self.input[0] * self.input[1]);
        let last = planes.len() / positions - 1;
        // Lanes without a plane of their own repeat the last one; nobody reads their sums.
        let rows: [&[f32]; LANES] =
            std::array::from_fn(|lane| &planes[lane.min(last) * positions + y * width..][..width]);
        let core = self.columns.core.clone();
        let common = if core.len() >= WIDE {
            rows.map(|row| sum(&row[core.clone()], f64::from))
        } else {
            core.fold([0.0; LANES], |mut sums, x| {
                add(&mut sums, &rows.map(|row| f64::from(row[x])));
                sums
            })
        };
        for (sums, extra) in sums.iter_mut().zip(&self.columns.extra) {
            *sums = common;
            extra.iter().for_each(|&x| add(sums, &rows.map(|row| f64::from(row[x]))));
        }
    }
}

#[inline(always)]
fn add(sums: &mut Lanes, numbers: &Lanes) {
    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
}
