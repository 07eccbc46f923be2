//! How a channel is laid out so that what a tap sees of neighbouring positions is neighbouring numbers: then the sums of a
//! convolution read it as it is, a register of positions at a time, and nothing is packed tap by tap.
//!
//! A 1x1 window that skips nothing sees the map itself. Else a channel is laid out with its padding, each row cut into as
//! many phases as the horizontal stride has; or, where rows are too short to fill registers, tap by tap.

use super::reached;
use crate::kernel::{Simd, Vector, Vectors};
use mda_core::op::{Padding, Window};
use std::ops::Range;

/// Numbers that the layout of one channel may always take, a quarter of a megabyte.
const SMALL: usize = 1 << 16;
/// How often larger than the maps a larger layout may be.
const PROPORTION: usize = 4;

/// The layout of a channel, for a window over maps of one size.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    window: Window,
    from: [usize; 2],
    to: [usize; 2],
    kind: Kind,
    /// Numbers of one channel.
    pub(super) plane: usize,
    /// Where each tap looks, counted from the position's source.
    pub(super) taps: Vec<usize>,
    /// Numbers of a row, and what it takes of a row of the map, where rows are laid out.
    row: usize,
    phases: Vec<Phase>,
    /// What each tap sees, where the layout goes tap by tap.
    seen: Vec<Seen>,
    /// All positions of one image, at most a register of them at a time.
    pub(super) vectors: Vectors,
}

/// Which part of a row holds numbers of the map, every `stride`th from one on.
#[derive(Clone, Debug)]
struct Phase {
    to: Range<usize>,
    from: usize,
}

/// The positions at which a tap is inside the map, and where it is at the first of them.
#[derive(Clone, Debug)]
struct Seen {
    rows: Range<usize>,
    columns: Range<usize>,
    first: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The map as it is.
    Same,
    /// Rows with their padding, cut into phases.
    Rows,
    /// What every tap sees, one after the other.
    Taps,
}

impl Layout {
    /// Row by row: `None` where the padding is out of proportion.
    pub(super) fn rows(window: Window, [from, to]: [[usize; 2]; 2], lanes: usize) -> Option<Self> {
        let reach = |axis: usize| (window.kernel[axis] - 1) * window.dilation[axis];
        let [rows, phases] = [(to[0] - 1) * window.stride[0] + reach(0) + 1, window.stride[1]];
        let phase = to[1] + reach(1) / phases;
        let plane = rows.saturating_mul(phases).saturating_mul(phase);
        if plane > SMALL.max(PROPORTION * (from[0] * from[1] + to[0] * to[1])) {
            return None;
        }
        let (row, left) = (phases * phase, window.padding.left);
        let part = |index: usize| {
            let first = left.saturating_sub(index).div_ceil(phases).min(phase);
            let last = (from[1] + left).saturating_sub(index).div_ceil(phases).clamp(first, phase);
            let start = (first * phases + index).saturating_sub(left);
            Phase { to: index * phase + first..index * phase + last, from: start }
        };
        let parts = (0..phases).map(part).filter(|part| !part.to.is_empty()).collect();
        let tap = |ky: usize, kx: usize| {
            let x = kx * window.dilation[1];
            ky * window.dilation[0] * row + x % phases * phase + x / phases
        };
        let taps = (0..window.taps()).map(|at| tap(at / window.kernel[1], at % window.kernel[1])).collect();
        let columns = |y: usize| {
            let at = move |(x, len): (usize, usize)| {
                let (source, target) = (y * window.stride[0] * row + x, y * to[1] + x);
                Vector { source, target, residual: target, len }
            };
            cut(to[1], lanes).map(at)
        };
        let mut vectors = Vectors::default();
        vectors.extend((0..to[0]).flat_map(columns));
        Some(Self { window, from, to, kind: Kind::Rows, plane, taps, row, phases: parts, seen: Vec::new(), vectors })
    }

    /// Over the ends of rows: the map itself, or tap by tap. `None` where there are fewer positions than lanes, or too many taps.
    pub(super) fn flat(window: Window, [from, to]: [[usize; 2]; 2], lanes: usize) -> Option<Self> {
        let positions = to[0] * to[1];
        let plane = window.taps().saturating_mul(positions);
        if positions < lanes || plane > SMALL {
            return None;
        }
        let kind = if window == Window::square(1, 1, 0) { Kind::Same } else { Kind::Taps };
        let taps = (0..window.taps()).map(|tap| tap * positions).collect();
        let vector = |(at, len)| Vector { source: at, target: at, residual: at, len };
        let mut vectors = Vectors::default();
        vectors.extend(cut(positions, lanes).map(vector));
        let seen = (0..window.taps()).map(|tap| {
            let taps = [tap / window.kernel[1], tap % window.kernel[1]];
            let [rows, columns] = [0, 1].map(|axis| reached(&window, axis, taps[axis], from[axis], to[axis]));
            let source = |axis: usize, at: usize| {
                (at * window.stride[axis] + taps[axis] * window.dilation[axis])
                    .saturating_sub(window.padding.along(axis)[0])
            };
            Seen { first: source(0, rows.start) * from[1] + source(1, columns.start), rows, columns }
        });
        let seen = seen.collect();
        Some(Self { window, from, to, kind, plane, taps, row: 0, phases: Vec::new(), seen, vectors })
    }

    /// Positions of one channel.
    pub(super) fn positions(&self) -> usize {
        self.to[0] * self.to[1]
    }

    /// Whether the map itself is the layout.
    pub(super) fn is_same(&self) -> bool {
        self.kind == Kind::Same
    }

    /// Which part of the registers' lanes holds positions that no other register holds.
    pub(super) fn used(&self, lanes: usize) -> f64 {
        (self.to[0] * self.to[1]) as f64 / (self.vectors.len() * lanes) as f64
    }

    /// Clears what [`Layout::lay_out`] leaves alone, the padding, of any number of channels.
    pub(super) fn clear(&self, to: &mut [f32]) {
        if self.window.padding != Padding::default() {
            to.fill(0.0);
        }
    }

    /// Lays `map` out in `to`, which has room for a channel.
    #[inline(always)]
    pub(super) fn lay_out<S: Simd>(&self, simd: S, map: &[f32], to: &mut [f32]) {
        match self.kind {
            Kind::Same => to.copy_from_slice(map),
            Kind::Rows => self.lay_out_rows(simd, map, to),
            Kind::Taps => self.lay_out_taps(simd, map, to),
        }
    }

    #[inline(always)]
    fn lay_out_rows<S: Simd>(&self, simd: S, map: &[f32], to: &mut [f32]) {
        let rows = to.chunks_exact_mut(self.row).skip(self.window.padding.top);
        for (row, source) in rows.zip(map.chunks_exact(self.from[1])) {
            for phase in &self.phases {
                simd.take(&source[phase.from..], self.window.stride[1], &mut row[phase.to.clone()]);
            }
        }
    }

    #[inline(always)]
    fn lay_out_taps<S: Simd>(&self, simd: S, map: &[f32], to: &mut [f32]) {
        let [down, right] = self.window.stride;
        for (seen, numbers) in self.seen.iter().zip(to.chunks_exact_mut(self.to[0] * self.to[1])) {
            if seen.columns.is_empty() {
                continue;
            }
            for (index, y) in seen.rows.clone().enumerate() {
                let to = &mut numbers[y * self.to[1]..][seen.columns.clone()];
                simd.take(&map[seen.first + index * down * self.from[1]..], right, to);
            }
        }
    }
}

/// Cuts `count` positions into registers of `lanes`, as starts and lengths. The last one reaches back over positions that the
/// one before it has, where there are enough.
fn cut(count: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    let start = move |at: usize| if count < lanes { (0, count) } else { (at.min(count - lanes), lanes) };
    (0..count).step_by(lanes).map(start)
}
