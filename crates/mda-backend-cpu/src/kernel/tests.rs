//! The micro-kernels of every instruction set that runs here, by themselves; emulated processors run these.

use super::*;
use mda_core::op::Padding;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `$check` with every instruction set that runs here, and makes sure of the one that `MDA_INSTRUCTIONS` names.
macro_rules! on_all {
    ($check:ident) => {{
        let mut names = vec![Portable::NAME];
        $check(Portable);
        #[cfg(target_arch = "x86_64")]
        {
            names.extend(Avx2::detect().map(|simd| ($check(simd), Avx2::NAME).1));
            names.extend(Avx512::detect().map(|simd| ($check(simd), Avx512::NAME).1));
        }
        #[cfg(target_arch = "aarch64")]
        names.extend(Neon::detect().map(|simd| ($check(simd), Neon::NAME).1));
        if let Ok(name) = std::env::var("MDA_INSTRUCTIONS") {
            assert!(names.contains(&name.as_str()), "this processor has no {name}, which MDA_INSTRUCTIONS asks for");
        }
    }};
}

/// Small whole numbers, so that every sum of their products is exact in whatever order it is taken.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 7 + seed * 5) % 13) as f32 - 6.0).collect()
}

fn products<S: Simd>(simd: S) {
    for depth in [0, 1, 2, 3, 17, 64] {
        let (a, b) = (numbers(depth * S::ROWS, 1), numbers(depth * S::COLUMNS, 2));
        let before = numbers(S::TILE, 3);
        for accumulate in [false, true] {
            let mut tile = before.clone();
            simd.vectorize(|| simd.multiply(&a, &b, &mut tile, accumulate));
            for row in 0..S::ROWS {
                for column in 0..S::COLUMNS {
                    let term = |step: usize| a[step * S::ROWS + row] * b[step * S::COLUMNS + column];
                    let place = row * S::COLUMNS + column;
                    let expected = (0..depth).map(term).sum::<f32>() + if accumulate { before[place] } else { 0.0 };
                    assert_eq!(tile[place], expected, "{}, depth {depth}, row {row}, column {column}", S::NAME);
                }
            }
        }
    }
}

#[test]
fn tiles_are_products_of_panels() {
    on_all!(products);
}

fn special<S: Simd>(simd: S) {
    let depth = 3;
    let (mut a, mut b) = (vec![1.0; depth * S::ROWS], vec![1.0; depth * S::COLUMNS]);
    a[S::ROWS] = f32::NAN;
    b[S::COLUMNS - 1] = f32::INFINITY;
    let mut tile = vec![0.0; S::TILE];
    simd.multiply(&a, &b, &mut tile, false);
    for (place, number) in tile.iter().enumerate() {
        let (row, column) = (place / S::COLUMNS, place % S::COLUMNS);
        let right = match (row, column == S::COLUMNS - 1) {
            (0, _) => number.is_nan(),
            (_, true) => *number == f32::INFINITY,
            (_, false) => *number == depth as f32,
        };
        assert!(right, "{}: {number} in row {row}, column {column}", S::NAME);
    }
    assert!(simd.multiply_add(f32::NAN, 0.0, 1.0).is_nan());
    assert_eq!(simd.multiply_add(3.0, -5.0, 7.0), -8.0, "{}", S::NAME);
}

#[test]
fn nan_and_infinities_stay_in_their_rows_and_columns() {
    on_all!(special);
}

/// What is safe to read and write is checked before any of it is.
fn refused<S: Simd>(simd: S) {
    let sizes = |a: usize, b: usize, tile: usize| {
        let mut tile = vec![0.0; tile];
        simd.multiply(&vec![0.0; a], &vec![0.0; b], &mut tile, false);
    };
    for (a, b, tile) in [
        (S::ROWS * 2, S::COLUMNS, S::TILE),
        (S::ROWS, S::COLUMNS * 2, S::TILE),
        (S::ROWS, S::COLUMNS, S::TILE - 1),
        (S::ROWS, S::COLUMNS, S::TILE + 1),
    ] {
        let outcome = catch_unwind(AssertUnwindSafe(|| sizes(a, b, tile)));
        assert!(outcome.is_err(), "{} takes panels of {a} and {b} numbers and a tile of {tile}", S::NAME);
    }
}

#[test]
fn panels_that_do_not_fit_are_refused() {
    on_all!(refused);
}

/// Sums written out: two panels' worth of geometry, registers whole and in part, over each other, with and without what is added.
fn sums<S: Simd>(simd: S) {
    let (plane, from, depth) = (5 * S::LANES, 7 * S::LANES, 11);
    let input = numbers(2 * from, 5);
    let offsets: Vec<usize> = (0..depth).map(|k| (k * 3) % 7 + k % 2 * from / 2).collect();
    for height in S::HEIGHTS.iter().copied().chain([1]) {
        let weights = numbers(depth * height, 6);
        for (channels, count) in (1..=height).flat_map(|channels| (1..=9).map(move |count| (channels, count))) {
            let mut vectors = Vectors::default();
            vectors.extend((0..count).map(|v| {
                let len = if v % 3 == 2 { S::LANES - 1 } else { S::LANES };
                Vector { source: v * 3, target: v * S::LANES / 2, residual: v * S::LANES / 2 + 1, len }
            }));
            let residual = numbers(height * plane + 1, 7);
            for residual in [None, Some(&residual[..])] {
                let shift = std::array::from_fn(|row| row as f32 - 2.0);
                let bounds = [-40.0, 70.0];
                let offsets = Offsets::new(offsets.iter().copied());
                let product = Product {
                    weights: &weights,
                    offsets: &offsets,
                    input: &input,
                    shift,
                    channels,
                    plane,
                    residual,
                    bounds,
                };
                let mut output = vec![f32::NAN; channels * plane];
                simd.vectorize(|| simd.product(height, &product, &mut output, &vectors, 0..count));
                let mut expected = vec![f32::NAN; channels * plane];
                for (row, expected) in expected.chunks_exact_mut(plane).enumerate() {
                    for (vector, lane) in vectors.iter().flat_map(|v| (0..v.len).map(move |lane| (v, lane))) {
                        let at = |k: usize| vector.source + (k * 3) % 7 + k % 2 * from / 2 + lane;
                        let sum: f32 = (0..depth).map(|k| weights[k * height + row] * input[at(k)]).sum();
                        let added = residual.map_or(0.0, |numbers| numbers[vector.residual + row * plane + lane]);
                        expected[vector.target + lane] = (sum + shift[row] + added).clamp(bounds[0], bounds[1]);
                    }
                }
                let same = output.iter().zip(&expected).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
                assert!(
                    same,
                    "{}, {channels} of {height} rows, {count} vectors: {output:?}, not {expected:?}",
                    S::NAME
                );
            }
        }
    }
}

#[test]
fn products_are_sums_written_out() {
    on_all!(sums);
}

/// What is safe to read and write is checked before any of it is.
fn products_refused<S: Simd>(simd: S) {
    let run = |input: usize, output: usize, residual: Option<usize>, len: usize, weights: usize| {
        let (input, mut output, weights) = (vec![0.0; input], vec![0.0; output], vec![0.0; weights]);
        let residual = residual.map(|count| vec![0.0; count]);
        let offsets = Offsets::new([0, 4].into_iter());
        let mut vectors = Vectors::default();
        vectors.extend([Vector { source: 2, target: 3, residual: 1, len }]);
        let (shift, residual) = ([0.0; MAX_ROWS], residual.as_deref());
        let bounds = [f32::NEG_INFINITY, f32::INFINITY];
        let product = Product {
            weights: &weights,
            offsets: &offsets,
            input: &input,
            shift,
            channels: 1,
            plane: 8,
            residual,
            bounds,
        };
        catch_unwind(AssertUnwindSafe(|| simd.product(1, &product, &mut output, &vectors, 0..1))).is_err()
    };
    let lanes = S::LANES;
    assert!(!run(lanes + 6, lanes + 3, Some(lanes + 1), lanes, 2), "{}", S::NAME);
    assert!(run(lanes + 5, lanes + 3, Some(lanes + 1), lanes, 2), "{}", S::NAME);
    assert!(run(lanes + 6, lanes + 2, Some(lanes + 1), lanes, 2), "{}", S::NAME);
    assert!(run(lanes + 6, lanes + 3, Some(lanes), lanes, 2), "{}", S::NAME);
    assert!(run(lanes + 7, lanes + 4, Some(lanes + 2), lanes + 1, 2), "{}", S::NAME);
    assert!(run(lanes + 6, lanes + 3, None, lanes, 1), "{}", S::NAME);
    assert!(catch_unwind(AssertUnwindSafe(|| simd.take(&[0.0; 6], 2, &mut [0.0; 4]))).is_err(), "{}", S::NAME);
}

#[test]
fn products_that_reach_outside_are_refused() {
    on_all!(products_refused);
}

fn taken<S: Simd>(simd: S) {
    for step in 1..4 {
        for count in 0..50 {
            let from = numbers((count.max(1) - 1) * step + 1, 8);
            let mut to = vec![f32::NAN; count];
            simd.vectorize(|| simd.take(&from, step, &mut to));
            let expected: Vec<f32> = from.iter().copied().step_by(step).take(count).collect();
            assert_eq!(to, expected, "{}, every {step}. of {count}", S::NAME);
        }
    }
}

#[test]
fn every_so_manieth_number_is_taken() {
    on_all!(taken);
}

/// `B^T d B` of the patch whose first number is at `[top, left]` of the padded map, as the matrices are written.
fn transformed(map: &[f32], [height, width]: [usize; 2], padding: Padding, [top, left]: [usize; 2]) -> [[f32; 4]; 4] {
    const MATRIX: [[f32; 4]; 4] =
        [[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, -1.0, 1.0, 0.0], [0.0, 1.0, 0.0, -1.0]];
    let number = |y: usize, x: usize| {
        let y = (top + y).checked_sub(padding.top).filter(|&y| y < height);
        let x = (left + x).checked_sub(padding.left).filter(|&x| x < width);
        y.zip(x).map_or(0.0, |(y, x)| map[y * width + x])
    };
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            let term = |y: usize, x: usize| MATRIX[row][y] * number(y, x) * MATRIX[column][x];
            (0..4).flat_map(|y| (0..4).map(move |x| (y, x))).map(|(y, x)| term(y, x)).sum()
        })
    })
}

fn transforms<S: Simd>(simd: S) {
    let (extents, channels, images) = ([5, 7], 2, 3);
    let plane = extents[0] * extents[1];
    let data = numbers(images * channels * plane, 4);
    for padding in [Padding::same(1), Padding { top: 3, left: 0, bottom: 2, right: 4 }] {
        let outputs = [extents[0] + padding.top + padding.bottom - 2, extents[1] + padding.left + padding.right - 2];
        let (cells, across) = (Cells::new(2, outputs), outputs[1].div_ceil(2));
        let (all, stride) = (images * cells.per_image(), S::COLUMNS + 3);
        for start in (0..all).step_by(S::COLUMNS) {
            let seen = start..(start + S::COLUMNS).min(all);
            let patches = Patches::new(cells, seen.clone(), padding, extents, channels * plane);
            for channel in 0..channels {
                let mut columns = vec![f32::NAN; 16 * stride];
                simd.vectorize(|| simd.transform_patches(&patches, &data, channel * plane, &mut columns, stride));
                for (lane, cell) in seen.clone().enumerate() {
                    let (image, inside) = (cell / cells.per_image(), cell % cells.per_image());
                    let map = &data[(image * channels + channel) * plane..][..plane];
                    let corner = [inside / across * 2, inside % across * 2];
                    let expected = transformed(map, extents, padding, corner);
                    let found: Vec<f32> = (0..16).map(|number| columns[number * stride + lane]).collect();
                    assert_eq!(found, expected.as_flattened(), "{}, cell {cell}, channel {channel}", S::NAME);
                }
            }
        }
    }
}

#[test]
fn patches_are_transformed_as_the_matrices_say() {
    on_all!(transforms);
}
