//! Dense 3x3 convolutions of stride 1 by Winograd's minimal filtering F(2x2, 3x3), as in Lavin and Gray, "Fast Algorithms
//! for Convolutional Neural Networks" (2016): 16 products instead of 36 for every 2x2 block of outputs.
//!
//! The input is cut into overlapping 4x4 patches, one for every 2x2 cell of the output. Patches and filters are transformed,
//! multiplied number by number (which is one matrix product over the channels for each of the 16 numbers of a patch), and
//! transformed back.

use super::finish::Finish;
use crate::buffer::{Buffer, Scratch, Workspace};
use crate::kernel::{Cells, Grid, MAX_COLUMNS, Region, Simd};
use crate::maps::{Maps, MapsMut};
use mda_core::Tensor;
use mda_core::op::{Padding, Window};
use rayon::prelude::*;

/// Numbers in a patch.
const PATCH: usize = 16;
/// Panels of weights in a region: their unfinished tiles stay in the second-level cache.
const PANELS: usize = 8;
/// Tiles of cells in a region.
const TILES: usize = 4;
/// Transformed numbers that are held at once, at most; more would leave the last-level cache.
const TRANSFORMED: usize = 1 << 21;

/// A 3x3 convolution with its weights transformed and packed for `S`.
pub(crate) struct Winograd<S> {
    simd: S,
    padding: Padding,
    /// Input and output channels.
    channels: [usize; 2],
    /// Input and output extents.
    extents: [[usize; 2]; 2],
    /// `[blocks of PANELS, 16, panels of the block, P, ROWS]`, zero where a panel has no channel.
    weights: Buffer,
}

/// One row of four numbers of a patch: where it is in its plane (relative to image 0) and which numbers are inside.
#[derive(Clone, Copy, Default)]
struct PatchRow {
    source: usize,
    first: usize,
    last: usize,
}

impl<S: Simd> Winograd<S> {
    /// Whether a convolution has this form and is large enough to gain.
    pub(crate) fn suits(window: &Window, groups: usize, channels: [usize; 2]) -> bool {
        let form = window.kernel == [3, 3] && window.stride == [1, 1] && window.dilation == [1, 1] && groups == 1;
        form && channels.iter().all(|&count| count >= 16)
    }

    /// Transforms `weight`, `[Q, P, 3, 3]`, with filter `q` multiplied by `scale[q]`.
    pub(crate) fn new(simd: S, padding: Padding, extents: [[usize; 2]; 2], weight: &Tensor, scale: &[f64]) -> Self {
        let channels = [weight.shape()[1], weight.shape()[0]];
        let panels = channels[1].div_ceil(S::ROWS);
        let depth = channels[0];
        let mut weights = Buffer::default();
        let packed = weights.reserve(panels * PATCH * depth * S::ROWS);
        for (q, &scale) in scale.iter().enumerate() {
            let (panel, row) = (q / S::ROWS, q % S::ROWS);
            let (block, inside) = (panel / PANELS, panel % PANELS);
            let in_block = PANELS.min(panels - block * PANELS);
            for (p, kernel) in weight.row(q).chunks_exact(9).enumerate() {
                for (index, number) in transform_kernel(kernel, scale).into_iter().enumerate() {
                    let panel = block * PANELS * PATCH + index * in_block + inside;
                    packed[(panel * depth + p) * S::ROWS + row] = number;
                }
            }
        }
        Self { simd, padding, channels, extents, weights }
    }

    /// Computes `output` from `input`.
    pub(crate) fn run(&self, input: Maps<'_>, mut output: MapsMut<'_>, finish: &Finish<'_>, workspace: &mut Workspace) {
        let cells = Cells::new(2, self.extents[1]);
        let total = output.images() * cells.per_image();
        let tile = PATCH * self.channels[0] * S::COLUMNS;
        let at_once = (TRANSFORMED / tile).max(TILES).next_multiple_of(TILES) * S::COLUMNS;
        for start in (0..total).step_by(at_once) {
            let range = start..(start + at_once).min(total);
            let tiles = range.len().div_ceil(S::COLUMNS);
            let transformed = workspace.transformed.reserve(tiles * tile);
            let transform = |(index, transformed): (usize, &mut [f32])| {
                let first = start + index * S::COLUMNS;
                let seen = first..(first + S::COLUMNS).min(range.end);
                self.simd.vectorize(|| match S::COLUMNS {
                    8 => self.transform::<8>(input, cells, seen, transformed),
                    16 => self.transform::<16>(input, cells, seen, transformed),
                    _ => self.transform::<MAX_COLUMNS>(input, cells, seen, transformed),
                });
            };
            if rayon::current_num_threads() > 1 {
                transformed.par_chunks_mut(tile).enumerate().for_each(transform);
            } else {
                transformed.chunks_mut(tile).enumerate().for_each(transform);
            }
            let transformed = &*transformed;
            let (cell_block, channel_block) = (TILES * S::COLUMNS, PANELS * S::ROWS);
            let grid = Grid { cells, range, cell_block, groups: 1, channel_block };
            let scratch = &workspace.scratch;
            grid.for_each(output.reborrow(), true, |region| {
                let first = (region.cells.start - start) / S::COLUMNS * tile;
                scratch.with(|scratch| {
                    self.simd.vectorize(|| self.region(&transformed[first..], region, cells, finish, scratch));
                });
            });
        }
    }

    /// Transforms the patches of `seen` (at most `WIDTH` cells) of every channel into `[16, P, WIDTH]`.
    #[inline(always)]
    fn transform<const WIDTH: usize>(
        &self,
        input: Maps<'_>,
        cells: Cells,
        seen: std::ops::Range<usize>,
        transformed: &mut [f32],
    ) {
        let rows = self.patch_rows(input.stride(), cells, seen);
        let plane = self.extents[0][0] * self.extents[0][1];
        let mut patches = [[[0.0f32; 4]; WIDTH]; 4];
        for channel in 0..self.channels[0] {
            let source = &input.data()[channel * plane..];
            for (patches, rows) in patches.iter_mut().zip(&rows) {
                for (numbers, row) in patches.iter_mut().zip(rows) {
                    if row.first == 0 && row.last == 4 {
                        numbers.copy_from_slice(&source[row.source..row.source + 4]);
                    } else {
                        let inside = &mut numbers[row.first..row.last];
                        inside.iter_mut().zip(&source[row.source..]).for_each(|(to, &from)| *to = from);
                    }
                }
            }
            let [a, b, c, d] = &patches;
            let vertical = |x: &[[f32; 4]; WIDTH], y: &[[f32; 4]; WIDTH], sign: f32| {
                let mut sum = [[0.0f32; 4]; WIDTH];
                for (sum, (x, y)) in
                    sum.as_flattened_mut().iter_mut().zip(x.as_flattened().iter().zip(y.as_flattened()))
                {
                    *sum = x + sign * y;
                }
                sum
            };
            for (row, numbers) in
                [vertical(a, c, -1.0), vertical(b, c, 1.0), vertical(c, b, -1.0), vertical(b, d, -1.0)]
                    .iter()
                    .enumerate()
            {
                let mut horizontal = [[0.0f32; WIDTH]; 4];
                for (lane, &[a, b, c, d]) in numbers.iter().enumerate() {
                    horizontal[0][lane] = a - c;
                    horizontal[1][lane] = b + c;
                    horizontal[2][lane] = c - b;
                    horizontal[3][lane] = b - d;
                }
                for (column, numbers) in horizontal.iter().enumerate() {
                    let at = ((row * 4 + column) * self.channels[0] + channel) * WIDTH;
                    transformed[at..at + WIDTH].copy_from_slice(numbers);
                }
            }
        }
    }

    /// For each of the four rows of a patch and every lane, what is inside the map.
    #[inline(always)]
    fn patch_rows(&self, stride: usize, cells: Cells, seen: std::ops::Range<usize>) -> [[PatchRow; MAX_COLUMNS]; 4] {
        let [height, width] = self.extents[0];
        let mut rows = [[PatchRow::default(); MAX_COLUMNS]; 4];
        for run in cells.runs(seen) {
            for offset in 0..run.len {
                let left = 2 * (run.column + offset);
                let first = self.padding.left.saturating_sub(left).min(4);
                let last = (width + self.padding.left).saturating_sub(left).min(4);
                for (row, rows) in rows.iter_mut().enumerate() {
                    let y = (2 * run.row + row).checked_sub(self.padding.top).filter(|&y| y < height);
                    if let (Some(y), true) = (y, first < last) {
                        let source = run.image * stride + y * width + left + first - self.padding.left;
                        rows[run.lane + offset] = PatchRow { source, first, last };
                    }
                }
            }
        }
        rows
    }

    #[inline(always)]
    fn region(
        &self,
        transformed: &[f32],
        mut region: Region<'_>,
        cells: Cells,
        finish: &Finish<'_>,
        scratch: &mut Scratch,
    ) {
        let depth = self.channels[0];
        let tiles = region.cells.len().div_ceil(S::COLUMNS);
        let panels = region.channels.len().div_ceil(S::ROWS);
        let weights = &self.weights[region.channels.start / S::ROWS * PATCH * depth * S::ROWS..];
        let products = scratch.tiles.reserve(PATCH * panels * tiles * S::TILE);
        for index in 0..PATCH {
            for panel in 0..panels {
                let weights = &weights[(index * panels + panel) * depth * S::ROWS..][..depth * S::ROWS];
                for tile in 0..tiles {
                    let columns = &transformed[(tile * PATCH + index) * depth * S::COLUMNS..][..depth * S::COLUMNS];
                    let product = &mut products[((panel * tiles + tile) * PATCH + index) * S::TILE..][..S::TILE];
                    self.simd.multiply(weights, columns, product, false);
                }
            }
        }
        for panel in 0..panels {
            for tile in 0..tiles {
                let products = &products[(panel * tiles + tile) * PATCH * S::TILE..][..PATCH * S::TILE];
                match S::COLUMNS {
                    8 => self.store::<8>(products, panel, tile, &mut region, cells, finish),
                    16 => self.store::<16>(products, panel, tile, &mut region, cells, finish),
                    _ => self.store::<MAX_COLUMNS>(products, panel, tile, &mut region, cells, finish),
                }
            }
        }
    }

    /// Transforms one tile of products, `[16, ROWS, WIDTH]`, back and stores it.
    #[inline(always)]
    fn store<const WIDTH: usize>(
        &self,
        products: &[f32],
        panel: usize,
        tile: usize,
        region: &mut Region<'_>,
        cells: Cells,
        finish: &Finish<'_>,
    ) {
        let start = region.cells.start + tile * S::COLUMNS;
        let seen = start..(start + S::COLUMNS).min(region.cells.end);
        let first = region.channels.start + panel * S::ROWS;
        for channel in first..(first + S::ROWS).min(region.channels.end) {
            let product = |index: usize| {
                let at = index * S::TILE + (channel - first) * WIDTH;
                <&[f32; WIDTH]>::try_from(&products[at..at + WIDTH]).expect("a row of a tile")
            };
            let shift = finish.epilogue.shift[channel];
            let mut sums = [[[0.0f32; 2]; WIDTH]; 2];
            let m: [&[f32; WIDTH]; PATCH] = std::array::from_fn(product);
            for lane in 0..WIDTH {
                let upper: [f32; 4] = std::array::from_fn(|x| m[x][lane] + m[4 + x][lane] + m[8 + x][lane]);
                let lower: [f32; 4] = std::array::from_fn(|x| m[4 + x][lane] - m[8 + x][lane] - m[12 + x][lane]);
                for (sums, [a, b, c, d]) in sums.iter_mut().zip([upper, lower]) {
                    sums[lane] = [a + b + c + shift, b - c - d + shift];
                }
            }
            for run in cells.runs(seen.clone()) {
                for (inside, sums) in sums.iter().enumerate() {
                    let Some(positions) = cells.positions(&run, inside) else { continue };
                    if let Some(row) = region.row(channel, &run, inside) {
                        let sums = &sums.as_flattened()[2 * run.lane..];
                        finish.store(sums, row, run.image, channel, positions.start);
                    }
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
