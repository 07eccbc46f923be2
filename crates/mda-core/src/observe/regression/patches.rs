//! What a layer sees and what it should answer, one observation a row.
//!
//! Rows are chosen by image and output position, never by where an image stands in a batch.

use crate::graph::{NodeId, ValidGraph};
use crate::op::{Op, Window};
use crate::tensor::Tensor;
use rayon::prelude::*;

/// The geometry of a convolution or linear layer; a linear layer is a 1x1 convolution of one position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) groups: usize,
    /// Input channels of one group.
    pub(crate) seen: usize,
    /// Output channels of one group.
    pub(crate) filters: usize,
    window: Window,
    input: [usize; 2],
    output: [usize; 2],
}

impl Geometry {
    /// The geometry of node `id`, where it is a layer.
    pub(crate) fn of(graph: &ValidGraph, id: NodeId) -> Option<Self> {
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

    /// The same layer as if every filter saw all channels.
    pub(crate) fn dense(self) -> Self {
        Self { groups: 1, seen: self.seen * self.groups, filters: self.filters * self.groups, ..self }
    }

    /// Numbers that one filter sees.
    pub(crate) fn regressors(&self) -> usize {
        self.seen * self.window.taps()
    }

    /// Output positions of one image.
    fn area(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Up to `most` output positions of image `image`: spread evenly, each drawn from its share of the map, so that the
    /// positions of all images together cover it.
    fn positions(&self, image: usize, most: usize) -> Vec<usize> {
        let all = self.area();
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

    /// What the filters of group `group` see of a batch `[N, C, H, W]` at the positions of `sample`: `[rows, regressors]`.
    pub(crate) fn observe(&self, input: &Tensor, group: usize, sample: &Sample) -> Vec<f32> {
        sample.gather(self.regressors(), |n, positions, rows| self.windows(input.row(n), group, positions, rows))
    }

    /// The numbers of `channels` of a batch of outputs at the positions of `sample`: `[rows, channels]`.
    pub(crate) fn targets(&self, output: &Tensor, channels: &[usize], sample: &Sample) -> Vec<f32> {
        let area = self.area();
        sample.gather(channels.len(), |n, positions, rows| {
            let image = output.row(n);
            for (&position, row) in positions.iter().zip(rows.chunks_mut(channels.len())) {
                row.iter_mut().zip(channels).for_each(|(slot, &channel)| *slot = image[channel * area + position]);
            }
        })
    }

    /// Writes what a filter of group `group` sees at `positions` of one image `[C, H, W]`: `[positions, seen * taps]`.
    fn windows(&self, image: &[f32], group: usize, positions: &[usize], rows: &mut [f32]) {
        let ([height, width], [kernel_rows, kernel_columns]) = (self.input, self.window.kernel);
        let (taps, area) = (self.window.taps(), height * width);
        let planes = &image[group * self.seen * area..(group + 1) * self.seen * area];
        // Where every tap is in a plane; none where that is padding.
        let mut places: Vec<Option<usize>> = Vec::with_capacity(taps);
        for (&position, row) in positions.iter().zip(rows.chunks_mut((self.seen * taps).max(1))) {
            let at = [position / self.output[1], position % self.output[1]];
            places.clear();
            for ky in 0..kernel_rows {
                let y = self.window.source(0, at[0], ky, height);
                let x = |kx| self.window.source(1, at[1], kx, width);
                places.extend((0..kernel_columns).map(|kx| y.zip(x(kx)).map(|(y, x)| y * width + x)));
            }
            for (slots, plane) in row.chunks_mut(taps).zip(planes.chunks(area)) {
                slots.iter_mut().zip(&places).for_each(|(slot, place)| *slot = place.map_or(0.0, |place| plane[place]));
            }
        }
    }
}

/// How many rows are taken of how many images of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampling {
    images: usize,
    /// Images that rows are taken of, spread evenly over the run.
    looked_at: usize,
    /// Output positions that are taken of one image.
    each: usize,
}

impl Sampling {
    /// Up to `each` rows of every one of `images` images, and at most `most` of all.
    pub(crate) fn new(geometry: &Geometry, images: usize, each: usize, most: usize) -> Self {
        let each = each.min(geometry.area()).min((most / images.max(1)).max(1)).max(1);
        Self { images, looked_at: images.min(most), each }
    }

    /// How many rows there will be.
    pub(crate) fn rows(&self) -> usize {
        self.looked_at * self.each
    }

    /// What to take of a batch: the images at `indices` of their source, the first of which is number `first` of the run.
    pub(crate) fn of_batch(&self, geometry: &Geometry, first: usize, indices: &[usize]) -> Sample {
        let chosen = self.chosen(first, indices);
        let positions = chosen.map(|(n, image)| (n, geometry.positions(image, self.each))).collect();
        Sample { each: self.each, positions }
    }

    /// The same of every image, whether it is looked at or not.
    pub(crate) fn of_all(&self, geometry: &Geometry, indices: &[usize]) -> Sample {
        let positions = indices.iter().enumerate().map(|(n, &image)| (n, geometry.positions(image, self.each)));
        Sample { each: self.each, positions: positions.collect() }
    }

    /// What to take of a batch of which `there` positions of every image are there already: which of the images, and which of
    /// those positions, spread evenly and from one image to the next not the same ones.
    pub(crate) fn among<'a>(
        &'a self,
        first: usize,
        indices: &'a [usize],
        there: usize,
    ) -> impl Iterator<Item = (usize, Vec<usize>)> + 'a {
        let each = self.each.min(there);
        let taken = move |image: usize| {
            let begin = scramble(image as u64) as usize % there.max(1);
            let mut taken: Vec<usize> = (0..each).map(|index| (begin + index * there / each) % there).collect();
            taken.sort_unstable();
            taken
        };
        self.chosen(first, indices).map(move |(n, image)| (n, taken(image)))
    }

    /// One of every so many images: whose share of those that are looked at passes a whole number.
    fn chosen<'a>(&'a self, first: usize, indices: &'a [usize]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let share = |number: usize| number * self.looked_at / self.images.max(1);
        let is_chosen = move |(n, _): &(usize, usize)| share(first + n) < share(first + n + 1);
        indices.iter().copied().enumerate().filter(is_chosen)
    }
}

/// Which rows are taken of a batch.
pub(crate) struct Sample {
    each: usize,
    /// Images, as rows of the batch, and the output positions that are taken of them.
    positions: Vec<(usize, Vec<usize>)>,
}

impl Sample {
    /// `[rows, width]`, written image by image.
    fn gather(&self, width: usize, write: impl Fn(usize, &[usize], &mut [f32]) + Sync) -> Vec<f32> {
        let mut rows = vec![0.0; self.positions.len() * self.each * width];
        if width > 0 {
            let images = rows.par_chunks_mut(self.each * width).zip(&self.positions);
            images.for_each(|(rows, (n, positions))| write(*n, positions, rows));
        }
        rows
    }
}

/// The finaliser of SplitMix64: an even draw that depends on nothing but its argument.
pub(crate) fn scramble(number: u64) -> u64 {
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
        geometry().windows(&image, 0, &[0], &mut rows);
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

    #[test]
    fn all_of_a_map_of_28_by_28_is_seen() {
        let window = Window::square(3, 1, 1);
        let geometry = Geometry { groups: 1, seen: 1, filters: 1, window, input: [28, 28], output: [28, 28] };
        let mut seen = [[false; 28]; 2];
        for image in 0..50 {
            for position in geometry.positions(image, 16) {
                (seen[0][position / 28], seen[1][position % 28]) = (true, true);
            }
        }
        assert_eq!(seen, [[true; 28]; 2]);
    }

    #[test]
    fn a_batch_changes_nothing_of_what_is_taken() {
        let images: Vec<usize> = (0..40).map(|i| 3 * i + 1).collect();
        let sampling = Sampling::new(&geometry(), images.len(), 4, 10_000);
        let taken = |batch: usize| -> Vec<(usize, Vec<usize>)> {
            let batches = images.chunks(batch).enumerate();
            let samples = batches.flat_map(|(b, images)| {
                let sample = sampling.of_batch(&geometry(), b * batch, images);
                sample.positions.into_iter().map(move |(n, positions)| (b * batch + n, positions))
            });
            samples.collect()
        };
        assert_eq!(taken(1), taken(7));
        assert_eq!(taken(1), taken(64));
        assert_eq!((taken(1).len(), sampling.rows()), (40, 160));
    }

    #[test]
    fn of_what_is_there_as_many_are_taken_as_fit() {
        let images: Vec<usize> = (0..40).collect();
        let all = Sampling::new(&geometry(), 40, 9, usize::MAX);
        assert!(all.among(0, &images, 9).all(|(_, taken)| taken == (0..9).collect::<Vec<_>>()));
        let some = Sampling::new(&geometry(), 40, 9, 120);
        let taken: Vec<_> = some.among(0, &images, 9).map(|(_, taken)| taken).collect();
        assert_eq!((taken.len(), taken.iter().map(Vec::len).sum::<usize>()), (40, some.rows()));
        assert!((0..9).all(|at| taken.iter().any(|taken| taken.contains(&at))), "all positions have their turn");
        assert!(taken.iter().all(|taken| taken.windows(2).all(|pair| pair[1] - pair[0] == 3)), "spread evenly");
        let few = Sampling::new(&geometry(), 40, 9, 4);
        assert_eq!(
            few.among(0, &images, 9).map(|(n, taken)| (n, taken.len())).collect::<Vec<_>>(),
            [(9, 1), (19, 1), (29, 1), (39, 1)]
        );
    }

    #[test]
    fn a_bound_on_rows_holds_and_spreads_over_the_run() {
        let images: Vec<usize> = (0..40).collect();
        let one_each = Sampling::new(&geometry(), 40, 9, 50);
        assert_eq!(one_each.rows(), 40);
        let few = Sampling::new(&geometry(), 40, 9, 4);
        let sample = few.of_batch(&geometry(), 0, &images);
        assert_eq!(sample.positions.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [9, 19, 29, 39]);
        assert_eq!(few.rows(), 4);
    }
}
