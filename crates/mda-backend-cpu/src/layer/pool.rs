//! Pools over windows and over whole maps.

use super::reached;
use crate::kernel::Simd;
use crate::maps::{Maps, MapsMut};
use crate::parallel::for_each_plane;
use crate::sums::sum;
use mda_core::op::{AvgPool, MaxPool, Window};

/// The maximum under a window. NaN wins, so that a broken input shows.
pub(crate) fn maximum<S: Simd>(simd: S, pool: &MaxPool, input: Maps<'_>, output: MapsMut<'_>) {
    let extents @ [from, to] = [input.shape().spatial(), output.shape().spatial()];
    let halves = pool.window == Window::square(2, 2, 0) && from == to.map(|extent| 2 * extent);
    for_each_plane(output, to[0] * to[1] * pool.window.taps(), |n, c, plane| {
        let source = input.plane(n, c);
        simd.vectorize(
            #[inline(always)]
            || {
                if halves {
                    return halve(to[1], source, plane);
                }
                plane.fill(f32::NEG_INFINITY);
                over_taps(&pool.window, extents, source, plane, larger);
            },
        );
    });
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// The maximum over 2x2 blocks of an even map.
#[inline(always)]
fn halve(columns: usize, source: &[f32], plane: &mut [f32]) {
    for (output, rows) in plane.chunks_exact_mut(columns).zip(source.chunks_exact(4 * columns)) {
        let (upper, lower) = rows.split_at(2 * columns);
        for ((output, upper), lower) in output.iter_mut().zip(upper.chunks_exact(2)).zip(lower.chunks_exact(2)) {
            *output = larger(larger(upper[0], lower[0]), larger(upper[1], lower[1]));
        }
    }
}

/// The mean under a window.
pub(crate) fn average<S: Simd>(simd: S, pool: &AvgPool, input: Maps<'_>, output: MapsMut<'_>) {
    let extents @ [from, to] = [input.shape().spatial(), output.shape().spatial()];
    // The divisor is one number a row times one a column, each seen here times the other's first.
    let first = pool.divisor([0, 0], from) as f32;
    let rows: Vec<f32> = (0..to[0]).map(|row| pool.divisor([row, 0], from) as f32 / first).collect();
    let columns: Vec<f32> = (0..to[1]).map(|column| pool.divisor([0, column], from) as f32).collect();
    for_each_plane(output, to[0] * to[1] * pool.window.taps(), |n, c, plane| {
        let source = input.plane(n, c);
        simd.vectorize(
            #[inline(always)]
            || {
                plane.fill(0.0);
                over_taps(&pool.window, extents, source, plane, |sum, x| sum + x);
                for (sums, row) in plane.chunks_exact_mut(to[1]).zip(&rows) {
                    sums.iter_mut().zip(&columns).for_each(|(sum, column)| *sum /= row * column);
                }
            },
        );
    });
}

/// Folds what every tap of a window sees into the outputs, one row of outputs at a time.
#[inline(always)]
fn over_taps(
    window: &Window,
    [from, to]: [[usize; 2]; 2],
    source: &[f32],
    plane: &mut [f32],
    fold: impl Fn(f32, f32) -> f32,
) {
    for kx in 0..window.kernel[1] {
        let seen = reached(window, 1, kx, from[1], to[1]);
        if seen.is_empty() {
            continue;
        }
        let first = seen.start * window.stride[1] + kx * window.dilation[1] - window.padding.left;
        for ky in 0..window.kernel[0] {
            for row in reached(window, 0, ky, from[0], to[0]) {
                let y = row * window.stride[0] + ky * window.dilation[0] - window.padding.top;
                let outputs = &mut plane[row * to[1]..][seen.clone()];
                let numbers = source[y * from[1] + first..(y + 1) * from[1]].iter().step_by(window.stride[1]);
                outputs.iter_mut().zip(numbers).for_each(|(output, &x)| *output = fold(*output, x));
            }
        }
    }
}

/// The mean over every plane.
pub(crate) fn global_average<S: Simd>(simd: S, input: Maps<'_>, output: MapsMut<'_>) {
    let positions = input.shape().positions();
    for_each_plane(output, positions, |n, c, mean| {
        let total = simd.vectorize(
            #[inline(always)]
            || sum(input.plane(n, c), f64::from),
        );
        mean[0] = (total / positions as f64) as f32;
    });
}
