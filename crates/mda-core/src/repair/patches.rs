//! What a layer sees and what it should answer, one observation a row.

use crate::graph::{NodeId, ValidGraph};
use crate::op::{Op, Window};

/// The geometry of a convolution or linear layer; a linear layer is a 1x1 convolution of one position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) groups: usize,
    /// Input channels of one group.
    pub(super) seen: usize,
    /// Output channels of one group.
    pub(super) filters: usize,
    window: Window,
    input: [usize; 2],
    output: [usize; 2],
}

impl Geometry {
    /// The geometry of node `id`, where it is a layer.
    pub(super) fn of(graph: &ValidGraph, id: NodeId) -> Option<Self> {
        let node = graph.node(id);
        let (groups, window) = match &node.op {
            Op::Conv2d(conv) => (conv.groups, conv.window),
            Op::Linear(_) => (1, Window::square(1, 1, 0)),
            _ => return None,
        };
        let input = graph.node(*node.inputs.first()?).shape;
        let (seen, filters) = (input.channels() / groups, node.shape.channels() / groups);
        Some(Self { groups, seen, filters, window, input: input.spatial(), output: node.shape.spatial() })
    }

    /// Numbers that one filter sees.
    pub(super) fn regressors(&self) -> usize {
        self.seen * self.window.taps()
    }

    /// Up to `most` output positions of image `image`: spread evenly, each drawn from its share of the map, so that the
    /// positions of all images together cover it.
    pub(super) fn positions(&self, image: usize, most: usize) -> Vec<usize> {
        let all = self.output[0] * self.output[1];
        if all <= most {
            return (0..all).collect();
        }
        let share = |index: usize| index * all / most;
        let pick = |index: usize| {
            let range = share(index)..share(index + 1);
            let draw = scramble((image * most + index) as u64) % range.len() as u64;
            range.start + draw as usize
        };
        (0..most).map(pick).collect()
    }

    /// Writes what a filter of group `group` sees at `positions` of one image `[C, H, W]`: `[positions, seen * taps]`.
    pub(super) fn observe(&self, image: &[f32], group: usize, positions: &[usize], rows: &mut [f32]) {
        let ([height, width], [kernel_rows, kernel_columns]) = (self.input, self.window.kernel);
        let mut slots = rows.iter_mut();
        for &position in positions {
            let at = [position / self.output[1], position % self.output[1]];
            for channel in group * self.seen..(group + 1) * self.seen {
                let plane = &image[channel * height * width..(channel + 1) * height * width];
                for ky in 0..kernel_rows {
                    let y = self.window.source(0, at[0], ky, height);
                    for (kx, slot) in (0..kernel_columns).zip(&mut slots) {
                        let x = self.window.source(1, at[1], kx, width);
                        *slot = y.zip(x).map_or(0.0, |(y, x)| plane[y * width + x]);
                    }
                }
            }
        }
    }

    /// Writes the numbers of `channels` at `positions` of one image `[C, H, W]`: `[positions, channels]`.
    pub(super) fn targets(&self, image: &[f32], channels: &[usize], positions: &[usize], rows: &mut [f32]) {
        let area = self.output[0] * self.output[1];
        for (&position, row) in positions.iter().zip(rows.chunks_mut(channels.len())) {
            row.iter_mut().zip(channels).for_each(|(slot, &channel)| *slot = image[channel * area + position]);
        }
    }
}

/// The finaliser of SplitMix64: an even draw that depends on nothing but its argument.
fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry() -> Geometry {
        Geometry { groups: 1, seen: 1, filters: 1, window: Window::square(3, 1, 1), input: [3, 3], output: [3, 3] }
    }

    #[test]
    fn a_corner_sees_the_padding() {
        let image: Vec<f32> = (1u8..10).map(f32::from).collect();
        let mut rows = [f32::NAN; 9];
        geometry().observe(&image, 0, &[0], &mut rows);
        assert_eq!(rows, [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 4.0, 5.0]);
    }

    #[test]
    fn positions_are_distinct_and_cover_the_map() {
        let mut seen = [false; 9];
        for image in 0..40 {
            let positions = geometry().positions(image, 4);
            assert_eq!(positions.len(), 4);
            assert!(positions.is_sorted_by(|a, b| a < b));
            positions.iter().for_each(|&position| seen[position] = true);
        }
        assert_eq!(seen, [true; 9]);
        assert_eq!(geometry().positions(3, 9), (0..9).collect::<Vec<_>>());
    }
}
