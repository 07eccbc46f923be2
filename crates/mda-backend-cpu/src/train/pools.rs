//! Derivatives of pools: to the largest number under a window, or to all alike.

use crate::maps::Maps;
use mda_core::op::{AvgPool, MaxPool, Window};

/// Spreads the derivative by every position of the output over zeros: `f(plane, output, positions under the window, g, spread)`.
fn spread(
    window: &Window,
    input: Maps<'_>,
    gradient: Maps<'_>,
    to: &mut [f32],
    mut f: impl FnMut(&[f32], [usize; 2], &[usize], f32, &mut [f32]),
) {
    let (from, out) = (input.shape().spatial(), gradient.shape().spatial());
    let along = |axis: usize, at: usize| {
        let sources = (0..window.kernel[axis]).filter_map(move |tap| window.source(axis, at, tap, from[axis]));
        sources.collect::<Vec<usize>>()
    };
    let rows: Vec<Vec<usize>> = (0..out[0]).map(|at| along(0, at)).collect();
    let columns: Vec<Vec<usize>> = (0..out[1]).map(|at| along(1, at)).collect();
    let size = from[0] * from[1];
    let planes = input.data().chunks_exact(size).zip(to.chunks_exact_mut(size));
    let mut positions = Vec::with_capacity(window.taps());
    for ((plane, to), gradients) in planes.zip(gradient.data().chunks_exact(out[0] * out[1])) {
        for (row, gradients) in gradients.chunks_exact(out[1]).enumerate() {
            for (column, &g) in gradients.iter().enumerate().filter(|&(_, &g)| g != 0.0) {
                positions.clear();
                positions.extend(rows[row].iter().flat_map(|y| columns[column].iter().map(move |x| y * from[1] + x)));
                f(plane, [row, column], &positions, g, to);
            }
        }
    }
}

/// The first of equal numbers is the largest.
pub(super) fn maximum(pool: &MaxPool, input: Maps<'_>, gradient: Maps<'_>, to: &mut [f32]) {
    to.fill(0.0);
    spread(&pool.window, input, gradient, to, |plane, _, positions, g, to| {
        let first_max = |best: usize, &at: &usize| if plane[at] > plane[best] { at } else { best };
        to[positions.iter().skip(1).fold(positions[0], first_max)] += g;
    });
}

pub(super) fn average(pool: &AvgPool, input: Maps<'_>, gradient: Maps<'_>, to: &mut [f32]) {
    to.fill(0.0);
    let extents = input.shape().spatial();
    spread(&pool.window, input, gradient, to, |_, at, positions, g, to| {
        let share = g / pool.divisor(at, extents) as f32;
        positions.iter().for_each(|&position| to[position] += share);
    });
}

pub(super) fn global_average(positions: usize, gradient: Maps<'_>, to: &mut [f32]) {
    for (to, g) in to.chunks_exact_mut(positions).zip(gradient.data()) {
        to.fill(g / positions as f32);
    }
}
