//! Patches of 4x4 numbers, which Winograd's filtering cuts an input into, and their transform on any processor.

use super::{Cells, MAX_COLUMNS};
use mda_core::op::Padding;
use std::ops::Range;

/// Where the patches of one tile's cells lie, the same in every channel.
#[derive(Clone, Debug)]
pub(crate) struct Patches {
    /// For each of the four rows, where a patch's first number is, counted from the first number of its channel in image
    /// 0. In the leading padding that wraps below zero.
    sources: [[usize; MAX_COLUMNS]; 4],
    /// All bits of the numbers that are inside the map.
    masks: [[[u32; 4]; MAX_COLUMNS]; 4],
    /// The sources lie from `-before` to `last`.
    before: usize,
    last: usize,
}

impl Patches {
    /// The patches under the 2x2 cells `seen`, at most [`MAX_COLUMNS`], of an input of `extents` whose images are `stride`
    /// apart. The remaining patches are zero.
    pub(crate) fn new(
        cells: Cells,
        seen: Range<usize>,
        padding: Padding,
        [height, width]: [usize; 2],
        stride: usize,
    ) -> Self {
        let mut patches =
            Self { sources: [[0; MAX_COLUMNS]; 4], masks: [[[0; 4]; MAX_COLUMNS]; 4], before: 0, last: 0 };
        for run in cells.runs(seen) {
            for offset in 0..run.len {
                let left = 2 * (run.column + offset);
                let inside = |x: usize| (padding.left..padding.left + width).contains(&(left + x));
                let mask = std::array::from_fn(|x| if inside(x) { u32::MAX } else { 0 });
                for row in 0..4 {
                    let y = (2 * run.row + row).checked_sub(padding.top).filter(|&y| y < height);
                    if let (Some(y), true) = (y, mask != [0; 4]) {
                        let source = run.image * stride + y * width + left;
                        patches.sources[row][run.lane + offset] = source.wrapping_sub(padding.left);
                        patches.masks[row][run.lane + offset] = mask;
                        patches.before = patches.before.max(padding.left.saturating_sub(source));
                        patches.last = patches.last.max(source.saturating_sub(padding.left));
                    }
                }
            }
        }
        patches
    }

    /// Whether all four numbers of every row, padding included, are inside `data` for the channel that begins at `plane`.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn inside(&self, data: &[f32], plane: usize) -> bool {
        plane >= self.before && plane + self.last + 4 <= data.len()
    }

    /// Where row `row` of a patch begins, to be added to its channel's begin with wrapping, and which numbers count.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize, patch: usize) -> (usize, &[u32; 4]) {
        (self.sources[row][patch], &self.masks[row][patch])
    }
}

/// Transforms `width` patches of the channel that begins at `plane`; number `i` goes to `columns[i * stride..]`.
#[inline(always)]
pub(crate) fn transform(
    width: usize,
    patches: &Patches,
    data: &[f32],
    plane: usize,
    columns: &mut [f32],
    stride: usize,
) {
    for patch in 0..width {
        let rows: [[f32; 4]; 4] = std::array::from_fn(|row| {
            let (source, mask) = patches.row(row, patch);
            let first = plane.wrapping_add(source);
            // Under the padding there may be nothing at the very ends of the data.
            std::array::from_fn(|x| if mask[x] == 0 { 0.0 } else { data[first.wrapping_add(x)] })
        });
        let [a, b, c, d] = &rows;
        let vertical: [[f32; 4]; 4] = std::array::from_fn(|x| combine([a[x], b[x], c[x], d[x]]));
        for row in 0..4 {
            let numbers = combine([vertical[0][row], vertical[1][row], vertical[2][row], vertical[3][row]]);
            for (column, number) in numbers.into_iter().enumerate() {
                columns[(row * 4 + column) * stride + patch] = number;
            }
        }
    }
}

/// `B^T` times four numbers.
#[inline(always)]
fn combine([a, b, c, d]: [f32; 4]) -> [f32; 4] {
    [a - c, b + c, c - b, b - d]
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::kernel::{Avx2, Simd};

    #[test]
    fn avx2_transforms_as_the_portable_path() {
        let Some(avx2) = Avx2::detect() else { return };
        let data: Vec<f32> = (0..3 * 2 * 35).map(|x| (x * x % 97) as f32).collect();
        for padding in [Padding::same(1), Padding { top: 3, left: 0, bottom: 2, right: 4 }] {
            let extents = [5 + padding.top + padding.bottom - 2, 7 + padding.left + padding.right - 2];
            let cells = Cells::new(2, extents);
            for start in (0..3 * cells.per_image()).step_by(16) {
                let seen = start..(start + 16).min(3 * cells.per_image());
                let patches = Patches::new(cells, seen, padding, [5, 7], 70);
                for plane in [0, 35] {
                    let mut columns = [vec![0.0; 16 * 20], vec![0.0; 16 * 20]];
                    avx2.transform_patches(&patches, &data, plane, &mut columns[0], 20);
                    transform(16, &patches, &data, plane, &mut columns[1], 20);
                    assert_eq!(columns[0], columns[1]);
                }
            }
        }
    }
}
