//! Work over rayon's current pool, where there is enough of it.

use crate::maps::MapsMut;
use rayon::prelude::*;

/// Numbers that one thread should at least handle before a second is asked: waking it costs some microseconds.
const GRAIN: usize = 1 << 14;

/// Calls `f` for every task, on several threads where `parallel` says so.
pub(crate) fn for_each_task(tasks: usize, parallel: bool, f: impl Fn(usize) + Sync) {
    if parallel && tasks > 1 {
        (0..tasks).into_par_iter().with_max_len(1).for_each(&f);
    } else {
        (0..tasks).for_each(f);
    }
}

/// Calls `f(image, channel, plane)` for every plane of `output`, on several threads where there is enough to do; `cost` is
/// how many numbers one call handles.
pub(crate) fn for_each_plane(output: MapsMut<'_>, cost: usize, f: impl Fn(usize, usize, &mut [f32]) + Sync) {
    let positions = output.shape().positions();
    for_each_block(output, cost, |n, first, planes| {
        planes.chunks_mut(positions).enumerate().for_each(|(index, plane)| f(n, first + index, plane));
    });
}

/// Calls `f(image, first channel, planes)` for blocks of neighbouring planes that make up `output`; `cost` is how many
/// numbers are handled for one plane.
pub(crate) fn for_each_block(mut output: MapsMut<'_>, cost: usize, f: impl Fn(usize, usize, &mut [f32]) + Sync) {
    let (shape, stride) = (output.shape(), output.stride());
    let (elements, positions) = (shape.elements(), shape.positions());
    let work = (output.images() * shape.channels()).saturating_mul(cost);
    if output.threads() == 1 || work < 2 * GRAIN {
        let images = output.data_mut().chunks_mut(stride).enumerate();
        return images.for_each(|(n, image)| f(n, 0, &mut image[..elements]));
    }
    let block = (GRAIN / cost).max(1);
    output.data_mut().par_chunks_mut(stride).enumerate().for_each(|(n, image)| {
        let blocks = image[..elements].par_chunks_mut(block * positions).enumerate();
        blocks.for_each(|(index, planes)| f(n, index * block, planes));
    });
}
