//! Disjoint parts of an output, written by several threads at once.
//!
//! A convolution's work is cut into channels times positions, which no slice of a row-major output follows. [`Grid`]
//! cuts the output into such regions and hands each to one task; a [`Region`] only gives out what lies inside it.

use crate::maps::MapsMut;
use crate::parallel::for_each_task;
use std::marker::PhantomData;
use std::ops::Range;

/// The positions of a batch of maps as square cells of `size` by `size` positions, numbered image by image, row by row;
/// the last cells of a row or column may reach over the edge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells {
    size: usize,
    extents: [usize; 2],
    grid: [usize; 2],
}

/// Neighbouring cells of one row of one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where the run starts in the range that was asked for.
    pub lane: usize,
    /// Which image.
    pub image: usize,
    /// Row of the cells in the image's grid.
    pub row: usize,
    /// Column of the first cell in the image's grid.
    pub column: usize,
    /// How many cells.
    pub len: usize,
}

impl Cells {
    /// Cells of `size` over maps of `extents`, `[rows, columns]`.
    pub(crate) fn new(size: usize, extents: [usize; 2]) -> Self {
        Self { size, extents, grid: extents.map(|extent| extent.div_ceil(size)) }
    }

    /// Cells in one image.
    pub(crate) fn per_image(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The cells of `range`, cut where a row of cells ends.
    pub(crate) fn runs(self, range: Range<usize>) -> impl Iterator<Item = Run> {
        let mut next = range.start;
        std::iter::from_fn(move || {
            if next >= range.end {
                return None;
            }
            let (image, inside) = (next / self.per_image(), next % self.per_image());
            let (row, column) = (inside / self.grid[1], inside % self.grid[1]);
            let len = (self.grid[1] - column).min(range.end - next);
            let run = Run { lane: next - range.start, image, row, column, len };
            next += len;
            Some(run)
        })
    }

    /// The positions of row `inside` (below `size`) of a run's cells, as a range of one plane; `None` over the edge.
    pub(crate) fn positions(&self, run: &Run, inside: usize) -> Option<Range<usize>> {
        let row = run.row * self.size + inside;
        let start = run.column * self.size;
        let end = (start + run.len * self.size).min(self.extents[1]);
        (row < self.extents[0]).then(|| row * self.extents[1] + start..row * self.extents[1] + end)
    }
}

/// How an output is cut into regions: blocks of channels times blocks of cells.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    /// How positions are numbered.
    pub cells: Cells,
    /// The cells to cover.
    pub range: Range<usize>,
    /// Cells in a region.
    pub cell_block: usize,
    /// Groups of channels; no region spans two.
    pub groups: usize,
    /// Channels in a region.
    pub channel_block: usize,
}

impl Grid {
    /// Calls `f` once for every region of `output`, on several threads where `parallel` says so.
    pub(crate) fn for_each(&self, mut output: MapsMut<'_>, parallel: bool, f: impl Fn(Region<'_>) + Sync) {
        let per_group = output.shape().channels() / self.groups;
        let channel_blocks = per_group.div_ceil(self.channel_block);
        let cell_blocks = self.range.len().div_ceil(self.cell_block);
        let (stride, positions) = (output.stride(), output.shape().positions());
        assert_eq!(positions, self.cells.extents[0] * self.cells.extents[1], "cells over this output");
        assert!(self.range.end <= output.images() * self.cells.per_image(), "cells of this batch");
        assert!(stride >= output.shape().elements(), "images that do not overlap");
        let data = output.data_mut();
        let base = Base(data.as_mut_ptr(), data.len());
        for_each_task(self.groups * channel_blocks * cell_blocks, parallel, |task| {
            let (channels, cells) = (task / cell_blocks, task % cell_blocks);
            let (group, block) = (channels / channel_blocks, channels % channel_blocks);
            let first = block * self.channel_block;
            let last = (first + self.channel_block).min(per_group);
            let start = self.range.start + cells * self.cell_block;
            let base = &base;
            f(Region {
                base: base.0,
                len: base.1,
                stride,
                plane: positions,
                group,
                channels: group * per_group + first..group * per_group + last,
                cells: start..(start + self.cell_block).min(self.range.end),
                grid: self.cells,
                output: PhantomData,
            });
        });
    }
}

struct Base(*mut f32, usize);

// SAFETY: the pointer is only followed inside regions, which are disjoint and live no longer than the output's borrow.
unsafe impl Sync for Base {}

/// The numbers of an output that belong to some channels and some cells; nobody else writes to them meanwhile.
pub(crate) struct Region<'a> {
    base: *mut f32,
    len: usize,
    stride: usize,
    plane: usize,
    /// The group of channels.
    pub group: usize,
    /// The channels, counted over all groups.
    pub channels: Range<usize>,
    /// The cells.
    pub cells: Range<usize>,
    grid: Cells,
    output: PhantomData<&'a mut [f32]>,
}

impl Region<'_> {
    /// Calls `f(index, row)` with row `inside` of the cells of `run` in the plane of every one of `channels`; not at all
    /// where that row lies over the edge of the map. `run` is of this region's cells, from [`Cells::runs`].
    ///
    /// # Panics
    /// Where a channel or the run is not this region's.
    #[inline(always)]
    pub(crate) fn for_each_row(
        &mut self,
        channels: Range<usize>,
        run: &Run,
        inside: usize,
        mut f: impl FnMut(usize, &mut [f32]),
    ) {
        let first = run.image * self.grid.per_image() + run.row * self.grid.grid[1] + run.column;
        let owned = self.cells.start <= first && first + run.len <= self.cells.end;
        let fits = run.column + run.len <= self.grid.grid[1] && run.row < self.grid.grid[0] && inside < self.grid.size;
        let own = self.channels.start <= channels.start && channels.end <= self.channels.end;
        assert!(owned && fits && own, "a run of this region");
        let Some(positions) = self.grid.positions(run, inside) else { return };
        let start = run.image * self.stride + channels.start * self.plane + positions.start;
        let last = start + (channels.len().max(1) - 1) * self.plane + positions.len();
        assert!(last <= self.len && positions.len() <= self.plane, "a region inside its output");
        for index in 0..channels.len() {
            // SAFETY: the range is inside the output (checked above for the last channel). Regions of one grid are
            // disjoint in channels or in cells, every task of the grid runs once, and this borrow of the region keeps
            // the row exclusive within it.
            let row =
                unsafe { std::slice::from_raw_parts_mut(self.base.add(start + index * self.plane), positions.len()) };
            f(index, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda_core::tensor::Shape;

    #[test]
    fn every_number_belongs_to_exactly_one_region() {
        let shape = Shape::Map { channels: 6, height: 5, width: 7 };
        let mut data = vec![0.0; 3 * shape.elements()];
        let cells = Cells::new(2, [5, 7]);
        let grid = Grid { cells, range: 0..3 * cells.per_image(), cell_block: 5, groups: 2, channel_block: 2 };
        let output = MapsMut::new(&mut data, 3, shape.elements(), shape, 2);
        grid.for_each(output, true, |mut region| {
            for channel in region.channels.clone() {
                for run in cells.runs(region.cells.clone()) {
                    for inside in 0..2 {
                        region.for_each_row(channel..channel + 1, &run, inside, |_, row| {
                            row.iter_mut().for_each(|x| *x += 1.0);
                        });
                    }
                }
            }
        });
        assert!(data.iter().all(|&x| x == 1.0));
    }

    #[test]
    #[should_panic(expected = "a run of this region")]
    fn a_region_refuses_what_is_not_its_own() {
        let shape = Shape::Map { channels: 1, height: 1, width: 8 };
        let mut data = vec![0.0; 8];
        let cells = Cells::new(1, [1, 8]);
        let grid = Grid { cells, range: 0..8, cell_block: 4, groups: 1, channel_block: 1 };
        grid.for_each(MapsMut::new(&mut data, 1, 8, shape, 1), false, |mut region| {
            region.for_each_row(0..1, &Run { lane: 0, image: 0, row: 0, column: 2, len: 4 }, 0, |_, _| ());
        });
    }
}
