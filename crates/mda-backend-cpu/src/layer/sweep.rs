//! A window sliding over one channel: pools and depthwise convolutions.
//!
//! The channel is laid out with its padding once. What a tap sees of neighbouring windows is then neighbouring numbers,
//! over the ends of rows as well: the few results in between belong to no window and are left out. Horizontal strides are
//! taken when results are read.
//!
//! Where padding is large against the map, the layout would be too: there, every result goes through the taps that lie
//! inside the map, one by one.

use super::covering;
use mda_core::op::Window;
use std::ops::Range;

/// Results that are computed together: four AVX2 registers.
const LANES: usize = 32;
/// Numbers that a layout may always take, a quarter of a megabyte.
const SMALL: usize = 1 << 16;
/// How often larger than the maps a larger layout may be.
const PROPORTION: usize = 4;

/// The geometry of a window over maps of one size.
pub(super) enum Sweep {
    /// Over the map with its padding.
    LaidOut(LaidOut),
    /// Over the map alone.
    Clipped(Clipped),
}

/// What one thread needs.
pub(super) struct Buffers {
    /// The map with its padding, where it is laid out.
    padded: Vec<f32>,
    results: Vec<f32>,
}

impl Sweep {
    /// Of `window` over maps of extents `from`, with results of extents `to`.
    pub(super) fn new(window: Window, extents @ [from, to]: [[usize; 2]; 2]) -> Self {
        let padded = [0, 1].map(|axis| {
            let reach = (to[axis] - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1;
            reach.max(window.padding.along(axis)[0] + from[axis])
        });
        let maps = from[0] * from[1] + to[0] * to[1];
        if padded[0].saturating_mul(padded[1]) <= SMALL.max(PROPORTION * maps) {
            Self::LaidOut(LaidOut::new(window, extents, padded))
        } else {
            Self::Clipped(Clipped::new(window, extents))
        }
    }

    /// Buffers whose padding is `padding`.
    pub(super) fn buffers(&self, padding: f32) -> Buffers {
        match self {
            Self::LaidOut(sweep) => sweep.buffers(padding),
            Self::Clipped(sweep) => Buffers { padded: Vec::new(), results: vec![0.0; sweep.inside[1].len()] },
        }
    }

    /// Folds what every tap sees of `source` into `start`, as `fold(result, tap, number)`, and hands every row of results
    /// to `finish(row, results, step)`: result `x` stands at `x * step`. Folding in the padding has to change nothing.
    #[inline(always)]
    pub(super) fn run(
        &self,
        buffers: &mut Buffers,
        source: &[f32],
        start: f32,
        fold: impl Fn(f32, usize, f32) -> f32,
        finish: impl FnMut(usize, &[f32], usize),
    ) {
        match self {
            Self::LaidOut(sweep) => sweep.run(buffers, source, start, fold, finish),
            Self::Clipped(sweep) => sweep.run(buffers, source, start, fold, finish),
        }
    }
}

pub(super) struct LaidOut {
    window: Window,
    from: [usize; 2],
    to: [usize; 2],
    /// Rows and columns with the padding.
    padded: [usize; 2],
    /// Rows of results that are computed in one go.
    strip: usize,
    /// Where each tap looks, counted from the window's first.
    offsets: Vec<usize>,
}

impl LaidOut {
    fn new(window: Window, [from, to]: [[usize; 2]; 2], padded: [usize; 2]) -> Self {
        let taps = (0..window.taps()).map(|tap| [tap / window.kernel[1], tap % window.kernel[1]]);
        let offsets = taps.map(|[y, x]| y * window.dilation[0] * padded[1] + x * window.dilation[1]).collect();
        let strip = if window.stride[0] == 1 { to[0] } else { 1 };
        Self { window, from, to, padded, strip, offsets }
    }

    fn buffers(&self, padding: f32) -> Buffers {
        let padded = vec![padding; self.padded[0] * self.padded[1] + LANES];
        Buffers { padded, results: vec![0.0; (self.strip * self.padded[1]).next_multiple_of(LANES)] }
    }

    #[inline(always)]
    fn run(
        &self,
        buffers: &mut Buffers,
        source: &[f32],
        start: f32,
        fold: impl Fn(f32, usize, f32) -> f32,
        mut finish: impl FnMut(usize, &[f32], usize),
    ) {
        let (width, padding) = (self.padded[1], self.window.padding);
        let rows = buffers.padded[padding.top * width..].chunks_exact_mut(width);
        for (row, numbers) in rows.zip(source.chunks_exact(self.from[1])) {
            row[padding.left..padding.left + self.from[1]].copy_from_slice(numbers);
        }
        let seen = (self.to[1] - 1) * self.window.stride[1] + 1;
        let len = (self.strip - 1) * width + seen;
        for first in (0..self.to[0]).step_by(self.strip) {
            let source = &buffers.padded[first * self.window.stride[0] * width..];
            for (block, results) in
                buffers.results.as_chunks_mut::<LANES>().0[..len.div_ceil(LANES)].iter_mut().enumerate()
            {
                let mut sums = [start; LANES];
                for (tap, &offset) in self.offsets.iter().enumerate() {
                    let numbers = &source[block * LANES + offset..][..LANES];
                    sums.iter_mut().zip(numbers).for_each(|(sum, &x)| *sum = fold(*sum, tap, x));
                }
                *results = sums;
            }
            for row in 0..self.strip {
                finish(first + row, &buffers.results[row * width..][..seen], self.window.stride[1]);
            }
        }
    }
}

pub(super) struct Clipped {
    window: Window,
    /// Columns of the map.
    width: usize,
    /// For every row and every column of results, the taps that lie inside the map.
    inside: [Vec<Range<usize>>; 2],
}

impl Clipped {
    fn new(window: Window, [from, to]: [[usize; 2]; 2]) -> Self {
        let along = |axis: usize| (0..to[axis]).map(|at| covering(&window, axis, at, from[axis])).collect();
        Self { window, width: from[1], inside: [along(0), along(1)] }
    }

    #[inline(always)]
    fn run(
        &self,
        buffers: &mut Buffers,
        source: &[f32],
        start: f32,
        fold: impl Fn(f32, usize, f32) -> f32,
        mut finish: impl FnMut(usize, &[f32], usize),
    ) {
        let Window { kernel, stride, padding, dilation } = self.window;
        for (row, rows) in self.inside[0].iter().enumerate() {
            for (column, (result, columns)) in buffers.results.iter_mut().zip(&self.inside[1]).enumerate() {
                let mut folded = start;
                for ky in rows.clone() {
                    let numbers = &source[(row * stride[0] + ky * dilation[0] - padding.top) * self.width..];
                    for kx in columns.clone() {
                        let number = numbers[column * stride[1] + kx * dilation[1] - padding.left];
                        folded = fold(folded, ky * kernel[1] + kx, number);
                    }
                }
                *result = folded;
            }
            finish(row, &buffers.results, 1);
        }
    }
}
