//! Weight gradients. Input and output gradient are laid out so that a tap of the window is a shift: then every weight's gradient
//! is one scalar product of two rows that run over all positions of several images.
//!
//! A channel is cut into as many phases as the stride has. Between rows and between images stand as many zeros as the window reaches
//! over the edge, once for both sides. The output gradient is laid out alike, zero where no position is.

use crate::buffer::Buffer;
use crate::kernel::{Dots, MAX_DOTS, Simd};
use crate::maps::Maps;
use mda_core::op::Window;
use std::ops::Range;

/// Numbers of a row that are multiplied in one go, about: a block of rows stays in the first-level cache.
const ROW: usize = 1536;
/// Numbers that a laid out map may always take, and how often larger than the maps a larger one may be.
const SMALL: usize = 1 << 16;
const PROPORTION: usize = 16;

/// How maps of one size are laid out for a window.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    stride: [usize; 2],
    from: [usize; 2],
    to: [usize; 2],
    /// From a row to the next, and rows from an image to the next.
    pitch: usize,
    rows: usize,
    /// Images that are laid out together.
    images: usize,
    /// Which phases any tap sees.
    phases: Vec<[usize; 2]>,
    /// Numbers of a phase, and where its first image begins there.
    plane: usize,
    before: usize,
    /// Numbers of a row of the output gradient: whole registers.
    len: usize,
    /// Where the rows of a group begin: of its input for each channel and tap, of its output gradient for each filter.
    columns: Vec<usize>,
    starts: Vec<usize>,
    groups: usize,
}

/// How an axis is laid out: numbers of a phase, zeros behind them, and each tap's phase and shift.
struct Axis {
    size: usize,
    gap: usize,
    taps: Vec<(usize, isize)>,
}

impl Axis {
    fn new(window: &Window, axis: usize, from: usize, to: usize) -> Self {
        let stride = window.stride[axis] as isize;
        let offset = |tap: usize| (tap * window.dilation[axis]) as isize - window.padding.along(axis)[0] as isize;
        let place = |tap: usize| (offset(tap).rem_euclid(stride) as usize, offset(tap).div_euclid(stride));
        let taps: Vec<(usize, isize)> = (0..window.kernel[axis]).map(place).collect();
        let size = from.div_ceil(window.stride[axis]);
        let shifts = || taps.iter().map(|&(_, shift)| shift);
        let (least, most) = (shifts().min().unwrap_or(0), shifts().max().unwrap_or(0));
        let gap = (-least).max(to as isize + most - size as isize).max(to as isize - size as isize).max(0);
        Self { size, gap: gap as usize, taps }
    }
}

impl Spread {
    /// For a window over maps of extents `from`, with `groups` of filters, `filters` of which see `seen` channels each; `None` where its
    /// padding is out of proportion.
    pub(super) fn new(
        window: &Window,
        [from, to]: [[usize; 2]; 2],
        lanes: usize,
        groups: usize,
        [filters, seen]: [usize; 2],
    ) -> Option<Self> {
        let [down, right] = [0, 1].map(|axis| Axis::new(window, axis, from[axis], to[axis]));
        let (rows, pitch) = (down.size + down.gap, right.size + right.gap);
        let image = rows.saturating_mul(pitch);
        if image > SMALL.max(PROPORTION * (from[0] * from[1] + to[0] * to[1])) {
            return None;
        }
        let images = (ROW / image).max(1);
        let len = (images * image).next_multiple_of(lanes);
        let pairs = down.taps.iter().flat_map(|&y| right.taps.iter().map(move |&x| (y, x)));
        let shift = |(y, x): ((usize, isize), (usize, isize))| ([y.0, x.0], y.1 * pitch as isize + x.1);
        let placed: Vec<([usize; 2], isize)> = pairs.map(shift).collect();
        let before = placed.iter().map(|&(_, shift)| -shift).max().unwrap_or(0).max(0) as usize;
        let after = placed.iter().map(|&(_, shift)| shift).max().unwrap_or(0).max(0) as usize;
        let plane = before + len + after;
        let mut phases: Vec<[usize; 2]> = placed.iter().map(|&(phase, _)| phase).collect();
        phases.sort_unstable();
        phases.dedup();
        let start = |(phase, shift): &([usize; 2], isize)| {
            let phase = phases.iter().position(|other| other == phase).unwrap_or(0);
            (phase * plane + before).saturating_add_signed(*shift)
        };
        let taps: Vec<usize> = placed.iter().map(start).collect();
        let block = phases.len() * plane;
        let columns = (0..seen).flat_map(|channel| taps.iter().map(move |tap| channel * block + tap)).collect();
        let starts = (0..filters).map(|filter| filter * len).collect();
        let stride = window.stride;
        Some(Self { stride, from, to, pitch, rows, images, phases, plane, before, len, columns, starts, groups })
    }

    /// Adds to `weights`, `[Q, P / groups, KH, KW]`, what `gradient` by the output says of a convolution over `input`.
    #[inline(always)]
    pub(super) fn add<S: Simd>(
        &self,
        simd: S,
        [input, gradient]: [Maps<'_>; 2],
        weights: &mut [f32],
        [left, right]: [&mut Buffer; 2],
    ) {
        let channels = [input, gradient].map(|maps| maps.shape().channels());
        let block = self.phases.len() * self.plane;
        let (left, right) = (left.reserve(channels[1] * self.len), right.reserve(channels[0] * block));
        let group = channels.map(|count| count / self.groups);
        for first in (0..input.images()).step_by(self.images) {
            let images = first..(first + self.images).min(input.images());
            left.fill(0.0);
            right.fill(0.0);
            for channel in 0..channels[1] {
                self.lay_out_gradient(gradient, images.clone(), channel, &mut left[channel * self.len..][..self.len]);
            }
            for channel in 0..channels[0] {
                self.lay_out(simd, input, images.clone(), channel, &mut right[channel * block..][..block]);
            }
            let sums = weights.chunks_exact_mut(group[1] * self.columns.len());
            let sides = left.chunks_exact(group[1] * self.len).zip(right.chunks_exact(group[0] * block));
            for (sums, (left, right)) in sums.zip(sides) {
                self.multiply(simd, left, right, sums);
            }
        }
    }

    /// Adds the products of all rows with all columns to `sums`, `[rows, columns]`.
    #[inline(always)]
    fn multiply<S: Simd>(&self, simd: S, left: &[f32], right: &[f32], sums: &mut [f32]) {
        let [most_rows, most_columns] = S::DOTS;
        let (count, width) = (self.starts.len(), self.columns.len());
        // Blocks of about one size, so that none is nearly empty.
        let height = count.div_ceil(count.div_ceil(most_rows).max(1)).max(1);
        let mut products = [0.0; MAX_DOTS];
        for (index, rows) in self.starts.chunks(height).enumerate() {
            let first = index * height;
            for (block, columns) in self.columns.chunks(most_columns).enumerate() {
                let dots = Dots { left, rows, right, columns, len: self.len };
                simd.dots(&dots, &mut products);
                for (r, products) in products.chunks_exact(most_columns).take(rows.len()).enumerate() {
                    let to = &mut sums[(first + r) * width + block * most_columns..][..columns.len()];
                    to.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
                }
            }
        }
    }

    /// Lays a channel of some images out, phase by phase, over zeros.
    #[inline(always)]
    fn lay_out<S: Simd>(&self, simd: S, maps: Maps<'_>, images: Range<usize>, channel: usize, to: &mut [f32]) {
        let [down, right] = self.stride;
        for (phase, to) in self.phases.iter().zip(to.chunks_exact_mut(self.plane)) {
            let count = self.from[1].saturating_sub(phase[1]).div_ceil(right);
            if count == 0 {
                continue;
            }
            for (index, n) in images.clone().enumerate() {
                let plane = maps.plane(n, channel);
                let start = self.before + index * self.rows * self.pitch;
                for (row, y) in (phase[0]..self.from[0]).step_by(down).enumerate() {
                    let from = &plane[y * self.from[1] + phase[1]..(y + 1) * self.from[1]];
                    let to = &mut to[start + row * self.pitch..][..count];
                    if right == 1 {
                        to.copy_from_slice(from);
                    } else {
                        simd.take(from, right, to);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn lay_out_gradient(&self, maps: Maps<'_>, images: Range<usize>, channel: usize, to: &mut [f32]) {
        for (index, n) in images.enumerate() {
            let rows = to[index * self.rows * self.pitch..].chunks_mut(self.pitch);
            for (to, from) in rows.zip(maps.plane(n, channel).chunks_exact(self.to[1])) {
                to[..self.to[1]].copy_from_slice(from);
            }
        }
    }
}
