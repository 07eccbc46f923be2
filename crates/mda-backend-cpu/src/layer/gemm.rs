//! Convolutions and linear layers as one matrix product over the positions of the whole batch (implicit GEMM): weights
//! packed once, columns packed block by block while they are used, so that no im2col matrix ever exists.

use super::finish::Finish;
use super::im2col::Columns;
use crate::buffer::{Buffer, Scratch, ScratchPool};
use crate::kernel::{Cells, Grid, Region, Simd};
use crate::maps::{Maps, MapsMut};
use mda_core::op::Window;
use rayon::prelude::*;
use std::ops::Range;

/// Terms of a sum that are packed at a time: two panels of this depth fill the first-level cache.
const DEPTH: usize = 288;
/// Columns that are packed together; a block of this many fits the second-level cache.
const COLUMNS: usize = 128;
/// Multiply-adds below which a second thread costs more than it brings.
const PARALLEL_MACS: usize = 1 << 18;

/// A convolution with its weights packed for `S`.
pub(crate) struct Gemm<S> {
    simd: S,
    columns: Columns,
    taps: usize,
    groups: usize,
    /// Per group: input channels, output channels.
    channels: [usize; 2],
    positions: usize,
    /// `[groups, depth blocks, panels, depth of the block, ROWS]`, zero where a panel has no channel.
    weights: Buffer,
}

impl<S: Simd> Gemm<S> {
    /// Packs `weight`, `[Q, P / groups, KH, KW]`, with filter `q` multiplied by `scale[q]`. `input` and `output` are the
    /// extents of the maps.
    pub(crate) fn new(
        simd: S,
        window: Window,
        groups: usize,
        [input, output]: [[usize; 2]; 2],
        weight: &mda_core::Tensor,
        scale: &[f64],
    ) -> Self {
        let channels = [weight.shape()[1], weight.shape()[0] / groups];
        let positions = output[0] * output[1];
        let (taps, columns) = (window.taps(), Columns::new(window, input, output));
        let mut gemm = Self { simd, columns, taps, groups, channels, positions, weights: Buffer::default() };
        // A new buffer is all zeros, as are rows without a channel.
        let size = groups * gemm.panels() * S::ROWS * gemm.depth();
        gemm.weights.reserve(size);
        gemm.pack(weight.data(), scale);
        gemm
    }

    /// Packs other weights of the same shape, filter `q` multiplied by `scale[q]`.
    pub(crate) fn pack(&mut self, weight: &[f32], scale: &[f64]) {
        let (channels, taps, panels, depth) = (self.channels, self.taps, self.panels(), self.depth());
        let mut rest = &mut self.weights[..self.groups * panels * S::ROWS * depth];
        for group in 0..self.groups {
            for terms in blocks(channels[0], taps).map(|block| block.terms(taps)) {
                let (packed, after) = std::mem::take(&mut rest).split_at_mut(panels * S::ROWS * terms.len());
                packed.par_chunks_exact_mut(S::ROWS * terms.len()).enumerate().for_each(|(panel, packed)| {
                    let first = panel * S::ROWS;
                    for (row, inside) in (first..channels[1].min(first + S::ROWS)).enumerate() {
                        let q = group * channels[1] + inside;
                        let packed = packed[row..].iter_mut().step_by(S::ROWS);
                        let filter = &weight[q * depth..(q + 1) * depth];
                        for (packed, &weight) in packed.zip(&filter[terms.clone()]) {
                            *packed = (f64::from(weight) * scale[q]) as f32;
                        }
                    }
                });
                rest = after;
            }
        }
    }

    fn panels(&self) -> usize {
        self.channels[1].div_ceil(S::ROWS)
    }

    fn depth(&self) -> usize {
        self.channels[0] * self.taps
    }

    /// Computes `output` from `input`.
    pub(crate) fn run(&self, input: Maps<'_>, output: MapsMut<'_>, finish: &Finish<'_>, scratch: &ScratchPool) {
        let columns = output.images() * self.positions;
        let tiles = columns.div_ceil(S::COLUMNS);
        let threads = output.threads();
        // Enough tasks that no thread waits long for the last one, but blocks wide enough to pay for reading the weights.
        let wanted = 4 * threads;
        let block = (tiles * self.groups).div_ceil(wanted).clamp(COLUMNS / S::COLUMNS / 2, COLUMNS / S::COLUMNS);
        let splits = wanted.div_ceil(tiles.div_ceil(block) * self.groups);
        let panels = if threads == 1 { self.panels() } else { self.panels().div_ceil(splits).max(4) };
        let grid = Grid {
            cells: Cells::new(1, [1, self.positions]),
            range: 0..columns,
            cell_block: block * S::COLUMNS,
            groups: self.groups,
            channel_block: panels * S::ROWS,
        };
        let macs = columns * self.depth() * self.channels[1] * self.groups;
        grid.for_each(output, threads > 1 && macs >= PARALLEL_MACS, |region| {
            scratch.with(|scratch| {
                self.simd.vectorize(
                    #[inline(always)]
                    || self.region(input, region, grid.cells, finish, scratch),
                )
            });
        });
    }

    #[inline(always)]
    fn region(
        &self,
        input: Maps<'_>,
        mut region: Region<'_>,
        cells: Cells,
        finish: &Finish<'_>,
        scratch: &mut Scratch,
    ) {
        let tiles = region.cells.len().div_ceil(S::COLUMNS);
        let first_row = region.channels.start - region.group * self.channels[1];
        let panels = first_row / S::ROWS..(first_row + region.channels.len()).div_ceil(S::ROWS);
        // Where one block holds all terms, no tile has to be kept.
        let kept = if blocks(self.channels[0], self.taps).nth(1).is_none() { 0 } else { S::TILE };
        let unfinished = scratch.tiles.reserve(S::TILE + panels.len() * tiles * kept);
        let group_weights = &self.weights[region.group * self.panels() * S::ROWS * self.depth()..];
        for block in blocks(self.channels[0], self.taps) {
            let terms = block.terms(self.taps);
            let depth = terms.len();
            let columns = scratch.columns.reserve(tiles * depth * S::COLUMNS);
            let first_input = region.group * self.channels[0];
            for (tile, packed) in columns.chunks_exact_mut(depth * S::COLUMNS).enumerate() {
                let start = region.cells.start + tile * S::COLUMNS;
                let seen = start..(start + S::COLUMNS).min(region.cells.end);
                let channels = first_input + block.channels.start..first_input + block.channels.end;
                self.columns.pack(self.simd, input, channels, block.taps.clone(), seen, packed);
            }
            let weights = &group_weights[terms.start * self.panels() * S::ROWS..];
            let last = terms.end == self.depth();
            for (index, panel) in panels.clone().enumerate() {
                let weights = &weights[panel * depth * S::ROWS..][..depth * S::ROWS];
                for (tile, columns) in columns.chunks_exact(depth * S::COLUMNS).enumerate() {
                    let sums = &mut unfinished[(index * tiles + tile) * kept..][..S::TILE];
                    if terms.start == 0 {
                        self.start(sums, region.group, panel, finish);
                    }
                    self.simd.multiply(weights, columns, sums, true);
                    if last {
                        self.store(sums, panel, tile, &mut region, cells, finish);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn start(&self, sums: &mut [f32], group: usize, panel: usize, finish: &Finish<'_>) {
        for (row, sums) in sums.chunks_exact_mut(S::COLUMNS).enumerate() {
            let inside = panel * S::ROWS + row;
            let exists = inside < self.channels[1];
            sums.fill(if exists { finish.epilogue.shift[group * self.channels[1] + inside] } else { 0.0 });
        }
    }

    #[inline(always)]
    fn store(
        &self,
        sums: &[f32],
        panel: usize,
        tile: usize,
        region: &mut Region<'_>,
        cells: Cells,
        finish: &Finish<'_>,
    ) {
        let start = region.cells.start + tile * S::COLUMNS;
        let first = region.group * self.channels[1] + panel * S::ROWS;
        let channels = first..(first + S::ROWS).min(region.channels.end);
        for run in cells.runs(start..(start + S::COLUMNS).min(region.cells.end)) {
            region.for_each_row(channels.clone(), &run, 0, |row, output| {
                let sums = &sums[row * S::COLUMNS..][..S::COLUMNS];
                let channel = first + row;
                if output.len() == S::COLUMNS {
                    // The same with a length that the compiler knows.
                    finish.store(sums, &mut output[..S::COLUMNS], run.image, channel, run.column);
                } else {
                    finish.store(&sums[run.lane..run.lane + run.len], output, run.image, channel, run.column);
                }
            });
        }
    }
}

/// Terms of a sum that are packed together: some taps of some input channels, all taps where there are several channels.
struct Block {
    channels: Range<usize>,
    taps: Range<usize>,
}

impl Block {
    /// Which of a sum's terms they are; each channel has `taps` of them.
    fn terms(&self, taps: usize) -> Range<usize> {
        self.channels.start * taps + self.taps.start..(self.channels.end - 1) * taps + self.taps.end
    }
}

/// The blocks of all input channels, each of at most [`DEPTH`] terms.
fn blocks(channels: usize, taps: usize) -> impl Iterator<Item = Block> {
    let (channel_block, tap_block) = ((DEPTH / taps).max(1), taps.min(DEPTH));
    let of_channels = move |start: usize| {
        let channels = start..(start + channel_block).min(channels);
        let block =
            move |first: usize| Block { channels: channels.clone(), taps: first..(first + tap_block).min(taps) };
        (0..taps).step_by(tap_block).map(block)
    };
    (0..channels).step_by(channel_block).flat_map(of_channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_terms_and_none_is_deep() {
        for (channels, taps) in [(1, 1), (3, 9), (70, 9), (600, 1), (2, 288), (3, 289), (2, 1000)] {
            let mut next = 0;
            for terms in blocks(channels, taps).map(|block| block.terms(taps)) {
                assert!(terms.start == next && (1..=DEPTH).contains(&terms.len()), "{channels}, {taps}: {terms:?}");
                next = terms.end;
            }
            assert_eq!(next, channels * taps);
        }
    }
}
