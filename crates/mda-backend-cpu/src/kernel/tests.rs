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
