//! Pools over windows and over whole maps.

use super::sweep::Sweep;
use crate::kernel::Simd;
use crate::maps::{Maps, MapsMut};
use crate::parallel::{for_each_block, for_each_plane};
use crate::sums::sum;
use mda_core::op::{AvgPool, MaxPool, Window};

/// The maximum under a window. NaN wins, so that a broken input shows.
pub(crate) fn maximum<S: Simd>(simd: S, pool: &MaxPool, input: Maps<'_>, output: MapsMut<'_>) {
    let extents @ [from, to] = [input.shape().spatial(), output.shape().spatial()];
    let halves = pool.window == Window::square(2, 2, 0) && from == to.map(|extent| 2 * extent);
    if halves {
        return for_each_plane(output, from[0] * from[1], |n, c, plane| {
            let source = input.plane(n, c);
            simd.vectorize(
                #[inline(always)]
                || halve(to[1], source, plane),
            );
        });
    }
    sweep(simd, &pool.window, extents, f32::NEG_INFINITY, larger, input, output, |_, numbers, results, step| {
        numbers.iter_mut().zip(results.iter().step_by(step)).for_each(|(number, &result)| *number = result);
    });
}

/// Folds what a window sees, `fold(result, number)`, and hands every row of results to `finish(row, output, results, step)`,
/// result `x` standing at `x * step`.
#[expect(clippy::too_many_arguments, reason = "a private loop that two pools share")]
fn sweep<S: Simd>(
    simd: S,
    window: &Window,
    extents @ [from, to]: [[usize; 2]; 2],
    start: f32,
    fold: impl Fn(f32, f32) -> f32 + Sync,
    input: Maps<'_>,
    output: MapsMut<'_>,
    finish: impl Fn(usize, &mut [f32], &[f32], usize) + Sync,
) {
    let sweep = Sweep::new(*window, extents);
    let positions = to[0] * to[1];
    let seen = window.taps().min(from[0] * from[1]);
    for_each_block(output, positions.saturating_mul(seen), |n, first, planes| {
        let mut buffers = sweep.buffers(start);
        for (c, plane) in (first..).zip(planes.chunks_exact_mut(positions)) {
            let source = input.plane(n, c);
            simd.vectorize(
                #[inline(always)]
                || {
                    sweep.run(
                        &mut buffers,
                        source,
                        start,
                        |result, _, x| fold(result, x),
                        |row, results, step| {
                            finish(row, &mut plane[row * to[1]..(row + 1) * to[1]], results, step);
                        },
                    );
                },
            );
        }
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
    sweep(
        simd,
        &pool.window,
        extents,
        0.0,
        |sum, x| sum + x,
        input,
        output,
        |row, means, sums, step| {
            for ((mean, sum), column) in means.iter_mut().zip(sums.iter().step_by(step)).zip(&columns) {
                *mean = sum / (rows[row] * column);
            }
        },
    );
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
