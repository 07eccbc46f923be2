//! Dense 3x3 convolutions of stride 1 by Winograd's minimal filtering F(2x2, 3x3), as in Lavin and Gray, "Fast Algorithms
//! for Convolutional Neural Networks" (2016): 16 products instead of 36 for every 2x2 block of outputs.
//!
//! The input is cut into overlapping 4x4 patches, one for every 2x2 cell of the output. Patches and filters are transformed,
//! multiplied number by number (which is one matrix product over the channels for each of the 16 numbers of a patch), and
//! transformed back.

use super::finish::Finish;
use crate::buffer::{Buffer, Scratch, Workspace};
use crate::kernel::{Cells, Grid, MAX_COLUMNS, Patches, Region, Simd};
use crate::maps::{Maps, MapsMut};
use mda_core::Tensor;
use mda_core::op::{Padding, Window};
use rayon::prelude::*;
use std::ops::Range;

/// Numbers in a patch.
const PATCH: usize = 16;
/// Output channels that share transformed patches: their unfinished tiles stay in the second-level cache.
const CHANNELS: usize = 48;
/// Cells in a region.
const CELLS: usize = 64;
/// Multiply-adds below which a second thread costs more than it brings.
const PARALLEL_MACS: usize = 1 << 18;

/// A 3x3 convolution with its weights transformed and packed for `S`.
pub(crate) struct Winograd<S> {
    simd: S,
    padding: Padding,
    /// Extents of the input.
    input: [usize; 2],
    /// The output, cut into cells of 2x2.
    cells: Cells,
    /// Input and output channels.
    channels: [usize; 2],
    /// `[blocks of `Self::PANELS`, 16, panels of the block, P, ROWS]`, zero where a panel has no channel.
    weights: Buffer,
}

impl<S: Simd> Winograd<S> {
    /// Panels of weights in a block.
    const PANELS: usize = CHANNELS / S::ROWS;

    /// Whether a convolution has this form and is large enough to gain.
    pub(crate) fn suits(window: &Window, groups: usize, channels: [usize; 2]) -> bool {
        let form = window.kernel == [3, 3] && window.stride == [1, 1] && window.dilation == [1, 1] && groups == 1;
        form && channels.iter().all(|&count| count >= 16)
    }

    /// Transforms `weight`, `[Q, P, 3, 3]`, with filter `q` multiplied by `scale[q]`. `extents` are those of the input and
    /// of the output.
    pub(crate) fn new(simd: S, padding: Padding, extents: [[usize; 2]; 2], weight: &Tensor, scale: &[f64]) -> Self {
        let channels = [weight.shape()[1], weight.shape()[0]];
        let panels = channels[1].div_ceil(S::ROWS);
        let mut weights = Buffer::default();
        // A new buffer is all zeros, as are rows without a channel.
        weights.reserve(panels * PATCH * channels[0] * S::ROWS);
        let cells = Cells::new(2, extents[1]);
        let mut winograd = Self { simd, padding, input: extents[0], cells, channels, weights };
        winograd.pack(weight.data(), scale);
        winograd
    }

    /// Transforms and packs other weights of the same shape, filter `q` multiplied by `scale[q]`.
    pub(crate) fn pack(&mut self, weight: &[f32], scale: &[f64]) {
        let (channels, depth) = (self.channels, self.channels[0]);
        let size = channels[1].div_ceil(S::ROWS) * PATCH * depth * S::ROWS;
        let block = Self::PANELS * PATCH * depth * S::ROWS;
        self.weights[..size].par_chunks_mut(block).enumerate().for_each(|(block, packed)| {
            let in_block = packed.len() / (PATCH * depth * S::ROWS);
            let first = block * Self::PANELS * S::ROWS;
            for (inside, q) in (first..channels[1].min(first + in_block * S::ROWS)).enumerate() {
                let (panel, row) = (inside / S::ROWS, inside % S::ROWS);
                for (p, kernel) in weight[q * depth * 9..(q + 1) * depth * 9].chunks_exact(9).enumerate() {
                    for (index, number) in transform_kernel(kernel, scale[q]).into_iter().enumerate() {
                        packed[((index * in_block + panel) * depth + p) * S::ROWS + row] = number;
                    }
                }
            }
        });
    }

    /// Computes `output` from `input`.
    pub(crate) fn run(&self, input: Maps<'_>, output: MapsMut<'_>, finish: &Finish<'_>, workspace: &mut Workspace) {
        let total = output.images() * self.cells.per_image();
        let threads = output.threads();
        let (cell_block, all) = (CELLS, self.channels[1]);
        // With few cells the threads share the channels out, and then the transformed patches.
        let shares = threads > 1 && total.div_ceil(cell_block) < 2 * threads;
        let channel_block = if shares { CHANNELS } else { all.next_multiple_of(CHANNELS) };
        let shared = shares.then(|| {
            let tiles = total.div_ceil(S::COLUMNS);
            let columns = workspace.transformed.reserve(tiles * self.tile());
            columns.par_chunks_mut(self.tile()).enumerate().for_each(|(tile, columns)| {
                let first = tile * S::COLUMNS;
                let seen = first..(first + S::COLUMNS).min(total);
                self.simd.vectorize(
                    #[inline(always)]
                    || self.transform(input, seen, columns),
                );
            });
            &*columns
        });
        let grid = Grid { cells: self.cells, range: 0..total, cell_block, groups: 1, channel_block };
        let parallel = threads > 1 && total * PATCH * self.channels[0] * self.channels[1] >= PARALLEL_MACS;
        grid.for_each(output, parallel, |region| {
            workspace.scratch.with(|scratch| {
                self.simd.vectorize(
                    #[inline(always)]
                    || self.region(input, shared, region, finish, scratch),
                );
            });
        });
    }

    /// Transformed numbers of one tile.
    fn tile(&self) -> usize {
        PATCH * self.channels[0] * S::COLUMNS
    }

    /// Writes the transformed patches of `seen`, at most one tile of cells, to `columns`, `[16, P, COLUMNS]`.
    #[inline(always)]
    fn transform(&self, input: Maps<'_>, seen: Range<usize>, columns: &mut [f32]) {
        let patches = Patches::new(self.cells, seen, self.padding, self.input, input.stride());
        let plane = self.input[0] * self.input[1];
        for channel in 0..self.channels[0] {
            let (columns, stride) = (&mut columns[channel * S::COLUMNS..], self.channels[0] * S::COLUMNS);
            self.simd.transform_patches(&patches, input.data(), channel * plane, columns, stride);
        }
    }

    #[inline(always)]
    fn region(
        &self,
        input: Maps<'_>,
        shared: Option<&[f32]>,
        mut region: Region<'_>,
        finish: &Finish<'_>,
        scratch: &mut Scratch,
    ) {
        let tiles = region.cells.len().div_ceil(S::COLUMNS);
        let columns = match shared {
            Some(shared) => &shared[region.cells.start / S::COLUMNS * self.tile()..],
            None => {
                let own = scratch.columns.reserve(tiles * self.tile());
                for (tile, columns) in own.chunks_exact_mut(self.tile()).enumerate() {
                    let first = region.cells.start + tile * S::COLUMNS;
                    self.transform(input, first..(first + S::COLUMNS).min(region.cells.end), columns);
                }
                own
            }
        };
        for first in region.channels.clone().step_by(CHANNELS) {
            let channels = first..(first + CHANNELS).min(region.channels.end);
            let products = scratch.tiles.reserve(PATCH * channels.len().div_ceil(S::ROWS) * tiles * S::TILE);
            self.multiply(channels.clone(), tiles, columns, products);
            for (index, products) in products.chunks_exact(PATCH * S::TILE).enumerate() {
                let first = first + index / tiles * S::ROWS;
                let channels = first..(first + S::ROWS).min(channels.end);
                self.store(products, channels, index % tiles, &mut region, finish);
            }
        }
    }

    /// Multiplies a block of weights with `tiles` tiles of columns into `[panels, tiles, 16, ROWS, COLUMNS]`.
    #[inline(always)]
    fn multiply(&self, channels: Range<usize>, tiles: usize, columns: &[f32], products: &mut [f32]) {
        let depth = self.channels[0];
        let panels = channels.len().div_ceil(S::ROWS);
        let weights = &self.weights[channels.start / S::ROWS * PATCH * depth * S::ROWS..];
        for index in 0..PATCH {
            for panel in 0..panels {
                let weights = &weights[(index * panels + panel) * depth * S::ROWS..][..depth * S::ROWS];
                for tile in 0..tiles {
                    let columns = &columns[(tile * PATCH + index) * depth * S::COLUMNS..][..depth * S::COLUMNS];
                    let product = &mut products[((panel * tiles + tile) * PATCH + index) * S::TILE..][..S::TILE];
                    self.simd.multiply(weights, columns, product, false);
                }
            }
        }
    }

    /// Transforms one tile of products, `[16, ROWS, WIDTH]`, back (`A^T m A`) and stores it.
    #[inline(always)]
    fn store(
        &self,
        products: &[f32],
        channels: Range<usize>,
        tile: usize,
        region: &mut Region<'_>,
        finish: &Finish<'_>,
    ) {
        let cells = self.cells;
        let start = region.cells.start + tile * S::COLUMNS;
        let seen = start..(start + S::COLUMNS).min(region.cells.end);
        for (row, channel) in channels.enumerate() {
            let m: [&[f32]; PATCH] =
                std::array::from_fn(|index| &products[index * S::TILE + row * S::COLUMNS..][..S::COLUMNS]);
            let shift = finish.epilogue.shift[channel];
            let mut sums = [[[0.0f32; 2]; MAX_COLUMNS]; 2];
            for lane in 0..S::COLUMNS {
                let upper: [f32; 4] = std::array::from_fn(|x| m[x][lane] + m[4 + x][lane] + m[8 + x][lane]);
                let lower: [f32; 4] = std::array::from_fn(|x| m[4 + x][lane] - m[8 + x][lane] - m[12 + x][lane]);
                for (sums, [a, b, c, d]) in sums.iter_mut().zip([upper, lower]) {
                    sums[lane] = [a + b + c + shift, b - c - d + shift];
                }
            }
            for run in cells.runs(seen.clone()) {
                for (inside, sums) in sums.iter().enumerate() {
                    let Some(positions) = cells.positions(&run, inside) else { continue };
                    let sums = &sums.as_flattened()[2 * run.lane..];
                    region.for_each_row(channel..channel + 1, &run, inside, |_, row| {
                        finish.store(&sums[..row.len()], row, run.image, channel, positions.start);
                    });
                }
            }
        }
    }
}

/// `G g G^T` in f64, times `scale`.
fn transform_kernel(kernel: &[f32], scale: f64) -> [f32; PATCH] {
    let expand = |a: f64, b: f64, c: f64| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
    let at = |row: usize, column: usize| f64::from(kernel[row * 3 + column]) * scale;
    let columns: [[f64; 4]; 3] = std::array::from_fn(|x| expand(at(0, x), at(1, x), at(2, x)));
    let mut transformed = [0.0; PATCH];
    for (row, numbers) in transformed.chunks_exact_mut(4).enumerate() {
        let expanded = expand(columns[0][row], columns[1][row], columns[2][row]);
        numbers.iter_mut().zip(expanded).for_each(|(to, from)| *to = from as f32);
    }
    transformed
}
