//! The columns of an implicit GEMM: what a window sees, packed tile by tile as it is needed.

use super::reached;
use crate::kernel::{Cells, MAX_COLUMNS, Run, Simd};
use crate::maps::Maps;
use mda_core::op::Window;
use std::ops::Range;

/// The geometry of a convolution's columns; one column an output position.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    window: Window,
    input: [usize; 2],
    output: [usize; 2],
}

/// Neighbouring columns that see neighbouring (or equally spaced) numbers of the input.
#[derive(Clone, Copy, Default)]
struct Piece {
    lane: usize,
    len: usize,
    /// Where the first number is, relative to its plane's place in image 0.
    source: usize,
}

impl Columns {
    /// The columns of `window` over maps of extents `input`.
    ///
    /// A 1x1 window that does not skip anything sees the map as one long row.
    pub(super) fn new(window: Window, input: [usize; 2], output: [usize; 2]) -> Self {
        if window == Window::square(1, 1, 0) {
            let flat = [1, input[0] * input[1]];
            return Self { window, input: flat, output: flat };
        }
        Self { window, input, output }
    }

    /// Packs `columns` (at most a tile's) of `taps` of the input channels `channels` into `packed`, `[channels, taps, COLUMNS]`;
    /// lanes beyond `columns` are zero.
    #[inline(always)]
    pub(super) fn pack<S: Simd>(
        &self,
        simd: S,
        input: Maps<'_>,
        channels: Range<usize>,
        taps: Range<usize>,
        columns: Range<usize>,
        packed: &mut [f32],
    ) {
        let width = S::COLUMNS;
        let (count_taps, plane) = (taps.len(), self.input[0] * self.input[1]);
        let step = self.window.stride[1];
        let mut runs = [Run::default(); MAX_COLUMNS];
        let found = Cells::new(1, self.output).runs(columns).zip(&mut runs).map(|(run, to)| *to = run).count();
        for (at, tap) in taps.enumerate() {
            let (ky, kx) = (tap / self.window.kernel[1], tap % self.window.kernel[1]);
            let rows = reached(&self.window, 0, ky, self.input[0], self.output[0]);
            let seen = reached(&self.window, 1, kx, self.input[1], self.output[1]);
            let mut pieces = [Piece::default(); MAX_COLUMNS];
            let (mut count, mut covered) = (0, 0);
            for run in runs[..found].iter().filter(|run| rows.contains(&run.row)) {
                let first = run.column.max(seen.start);
                let last = (run.column + run.len).min(seen.end);
                if first < last {
                    let source = |axis: usize, at: usize, tap: usize| {
                        at * self.window.stride[axis] + tap * self.window.dilation[axis]
                            - self.window.padding.along(axis)[0]
                    };
                    let inside = source(0, run.row, ky) * self.input[1] + source(1, first, kx);
                    let source = run.image * input.stride() + inside;
                    pieces[count] = Piece { lane: run.lane + first - run.column, len: last - first, source };
                    (count, covered) = (count + 1, covered + last - first);
                }
            }
            let pieces = &pieces[..count];
            let packed = packed.chunks_exact_mut(count_taps * width).map(|packed| &mut packed[at * width..][..width]);
            let sources = channels.clone().map(|channel| &input.data()[channel * plane..]);
            if let ([piece], true) = (pieces, covered == width && step == 1) {
                for (packed, source) in packed.zip(sources) {
                    packed.copy_from_slice(&source[piece.source..piece.source + width]);
                }
                continue;
            }
            for (packed, source) in packed.zip(sources) {
                if covered < width {
                    packed.fill(0.0);
                }
                for piece in pieces {
                    simd.take(&source[piece.source..], step, &mut packed[piece.lane..piece.lane + piece.len]);
                }
            }
        }
    }
}
