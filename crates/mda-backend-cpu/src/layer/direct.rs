//! Convolutions whose sums read the input as it lies, or as its [`Layout`] has it: weights packed once, nothing packed tap by
//! tap, results finished in registers.

use super::finish::Finish;
use super::layout::Layout;
use crate::buffer::{Buffer, Scratch, ScratchPool};
use crate::kernel::{MAX_ROWS, Offsets, Product, Simd, Vector};
use crate::maps::{Maps, MapsMut};
use mda_core::Tensor;
use mda_core::op::Window;
use rayon::prelude::*;
use std::ops::Range;

/// Registers of positions that share weights while these are in the first-level cache, at least: so many images are taken
/// together.
const VECTORS: usize = 16;
/// The same, at most a multiple of it: what any instruction set computes together divides it.
const GROUP: usize = 24;
/// Bytes of input that are read once for every panel of weights: they stay in the second-level cache.
const INPUT_BYTES: usize = 384 << 10;
/// The most numbers that an image may take laid out.
const MOST: usize = 1 << 20;
/// Output channels up to which half-filled registers cost less than packing.
const FEW_CHANNELS: usize = 16;
/// Multiply-adds below which a second thread costs more than it brings.
const PARALLEL_MACS: usize = 1 << 18;

/// A convolution with its weights packed for `S`.
pub(crate) struct Direct<S> {
    simd: S,
    layout: Layout,
    offsets: Offsets,
    /// Input channels of a group.
    depth: usize,
    groups: usize,
    panels: Vec<Panel>,
    weights: Buffer,
}

/// Output channels that are computed together.
#[derive(Clone, Debug)]
struct Panel {
    group: usize,
    channels: Range<usize>,
    height: usize,
    /// Where its weights, `[terms, height]`, begin.
    weights: usize,
}

impl<S: Simd> Direct<S> {
    /// Packs `weight`, `[Q, P / groups, KH, KW]`, with filter `q` multiplied by `scale[q]`; `None` where another form suits
    /// better. `extents` are those of the input and of the output.
    pub(crate) fn new(
        simd: S,
        window: Window,
        groups: usize,
        extents: [[usize; 2]; 2],
        weight: &Tensor,
        scale: &[f64],
    ) -> Option<Self> {
        let (depth, filters) = (weight.shape()[1], weight.shape()[0]);
        let few = filters / groups <= FEW_CHANNELS;
        let one = window.taps() == 1;
        let rows = Layout::rows(window, extents, S::LANES).filter(|_| !one);
        let rows = rows.filter(|layout| layout.used(S::LANES) >= if few { 0.5 } else { 0.75 });
        let flat = || Layout::flat(window, extents, S::LANES).filter(|layout| layout.used(S::LANES) >= 0.8);
        let layout = rows.or_else(flat)?;
        if layout.plane.saturating_mul(depth * groups) > MOST && !layout.is_same() {
            return None;
        }
        let terms = (0..depth).flat_map(|channel| layout.taps.iter().map(move |tap| (channel, tap)));
        let offsets = Offsets::new(terms.map(|(channel, tap)| channel * layout.plane + tap));
        let mut panels = Vec::new();
        let mut size = 0;
        for group in 0..groups {
            let mut first = group * (filters / groups);
            let last = first + filters / groups;
            for height in heights(filters / groups, S::HEIGHTS) {
                let channels = first..(first + height).min(last);
                first = channels.end;
                panels.push(Panel { group, channels, height, weights: size });
                size += height * offsets.len();
            }
        }
        // A new buffer is all zeros, as are rows without a channel.
        let mut weights = Buffer::default();
        weights.reserve(size);
        let mut direct = Self { simd, layout, offsets, depth, groups, panels, weights };
        direct.pack(weight.data(), scale);
        Some(direct)
    }

    /// Packs other weights of the same shape, filter `q` multiplied by `scale[q]`.
    pub(crate) fn pack(&mut self, weight: &[f32], scale: &[f64]) {
        let terms = self.offsets.len();
        for panel in &self.panels {
            for (row, q) in panel.channels.clone().enumerate() {
                let packed = self.weights[panel.weights + row..].iter_mut().step_by(panel.height);
                let filter = &weight[q * terms..(q + 1) * terms];
                packed.zip(filter).for_each(|(to, &weight)| *to = (f64::from(weight) * scale[q]) as f32);
            }
        }
    }

    /// Computes `output` from `input`.
    pub(crate) fn run(&self, input: Maps<'_>, mut output: MapsMut<'_>, finish: &Finish<'_>, scratch: &ScratchPool) {
        let (images, stride, threads) = (output.images(), output.stride(), output.threads());
        let (positions, elements) = (output.shape().positions(), output.shape().elements());
        let work = images * elements * self.offsets.len();
        let threads = if work < PARALLEL_MACS { 1 } else { threads };
        let together = VECTORS.div_ceil(self.layout.vectors.len()).min(images.div_ceil(threads));
        let task = |images: Range<usize>, panels: &[Panel], numbers: &mut [f32]| {
            scratch.with(|scratch| {
                self.simd.vectorize(
                    #[inline(always)]
                    || self.compute(input, images, panels, numbers, [stride, positions], finish, scratch),
                );
            });
        };
        let of_images = |(index, numbers): (usize, &mut [f32])| {
            let first = index * together;
            task(first..(first + together).min(images), &self.panels, numbers);
        };
        if threads == 1 {
            return output.data_mut().chunks_mut(together * stride).enumerate().for_each(of_images);
        }
        if images.div_ceil(together) >= threads {
            return output.data_mut().par_chunks_mut(together * stride).with_max_len(1).enumerate().for_each(of_images);
        }
        // Too few images: the threads share the channels out.
        let mut tasks = Vec::new();
        for (n, image) in output.data_mut().chunks_mut(stride).enumerate() {
            let mut rest = &mut image[..elements];
            for panels in self.panels.chunks(self.panels.len().div_ceil(2 * threads)) {
                let channels = panels[panels.len() - 1].channels.end - panels[0].channels.start;
                let (own, after) = std::mem::take(&mut rest).split_at_mut(channels * positions);
                tasks.push((n, panels, own));
                rest = after;
            }
        }
        tasks.into_par_iter().with_max_len(1).for_each(|(n, panels, numbers)| task(n..n + 1, panels, numbers));
    }

    /// Computes the channels of `panels` of some images into `numbers`, which begin with the first of both.
    #[expect(clippy::too_many_arguments, reason = "what one task of `run` is made of")]
    #[inline(always)]
    fn compute(
        &self,
        input: Maps<'_>,
        images: Range<usize>,
        panels: &[Panel],
        numbers: &mut [f32],
        [stride, positions]: [usize; 2],
        finish: &Finish<'_>,
        scratch: &mut Scratch,
    ) {
        let Scratch { columns, vectors, .. } = scratch;
        let plane = self.layout.plane;
        let (laid, between) = if self.layout.is_same() {
            (&input.data()[images.start * input.stride()..], input.stride())
        } else {
            let between = self.depth * self.groups * plane;
            // What a register reads behind the last number does not count.
            let laid = columns.reserve(images.len() * between + S::LANES);
            self.layout.clear(laid);
            for (n, laid) in images.clone().zip(laid.chunks_exact_mut(between)) {
                let maps = input.image(n).chunks_exact(input.shape().positions());
                maps.zip(laid.chunks_exact_mut(plane))
                    .for_each(|(map, laid)| self.layout.lay_out(self.simd, map, laid));
            }
            (&*laid, between)
        };
        let of_residual = finish.residual.map_or(0, |residual| residual.stride());
        vectors.clear();
        for n in images.clone() {
            let inside = n - images.start;
            vectors.extend(self.layout.vectors.iter().map(|vector| Vector {
                source: vector.source + inside * between,
                target: vector.target + inside * stride,
                residual: vector.residual + n * of_residual,
                len: vector.len,
            }));
        }
        let read = self.depth * plane * size_of::<f32>() / self.layout.vectors.len();
        let block = (INPUT_BYTES / read.max(1) / GROUP).max(1) * GROUP;
        let base = panels[0].channels.start;
        for start in (0..vectors.len()).step_by(block) {
            let range = start..(start + block).min(vectors.len());
            for panel in panels {
                let (first, channels) = (panel.channels.start, panel.channels.len());
                let mut shift = [0.0; MAX_ROWS];
                shift[..channels].copy_from_slice(&finish.epilogue.shift[panel.channels.clone()]);
                let product = Product {
                    weights: &self.weights[panel.weights..][..self.offsets.len() * panel.height],
                    offsets: &self.offsets,
                    input: &laid[panel.group * self.depth * plane..],
                    shift,
                    channels,
                    plane: positions,
                    residual: finish.residual.map(|residual| &residual.data()[first * positions..]),
                    bounds: finish.epilogue.bounds,
                };
                self.simd.product(
                    panel.height,
                    &product,
                    &mut numbers[(first - base) * positions..],
                    vectors,
                    range.clone(),
                );
            }
        }
    }
}

/// Heights of panels that together hold `count` channels with the least work: rows that hold no channel are work, and so is
/// every panel.
fn heights(count: usize, available: &[usize]) -> Vec<usize> {
    // A panel costs about one row more than it has.
    let mut best = vec![(0, 0)];
    for channels in 1..=count {
        let of = |&height: &usize| (best[channels.saturating_sub(height)].0 + height + 1, height);
        best.push(available.iter().map(of).min().expect("every instruction set has a height"));
    }
    let mut rest = count;
    let mut heights = Vec::new();
    while rest > 0 {
        heights.push(best[rest].1);
        rest = rest.saturating_sub(best[rest].1);
    }
    // Only the last panel may have rows without a channel.
    heights.sort_unstable_by(|a, b| b.cmp(a));
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_hold_all_channels_and_little_else() {
        for (count, expected) in
            [(6, vec![6]), (16, vec![8, 8]), (24, vec![12, 12]), (32, vec![12, 12, 8]), (1, vec![6]), (18, vec![12, 6])]
        {
            assert_eq!(heights(count, &[12, 8, 6]), expected, "{count}");
        }
        for count in 1..100 {
            let heights = heights(count, &[12, 8, 6]);
            let sum: usize = heights.iter().sum();
            assert!(sum >= count && sum - heights.last().expect("a panel") < count, "{count}: {heights:?}");
        }
    }
}
