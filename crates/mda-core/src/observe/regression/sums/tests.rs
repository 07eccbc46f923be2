//! Sums are those of the rows, however they arrive.

use super::*;

fn number(i: usize) -> f32 {
    ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0
}

fn column_of(data: &[f32], width: usize, c: usize) -> Vec<f64> {
    let numbers: Vec<f64> = data.iter().skip(c).step_by(width).map(|&v| f64::from(v)).collect();
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    numbers.iter().map(|v| v - mean).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn summed(x: &[f32], y: &[f32], [regressors, targets]: [usize; 2], batch: usize) -> Moments {
    let mut sums = Sums::new(regressors, targets);
    x.chunks(batch * regressors).zip(y.chunks(batch * targets)).for_each(|(x, y)| sums.add(x, y));
    sums.centred()
}

#[test]
fn rows_and_blocks_add_up() {
    let (rows, regressors, targets) = (ROWS + 7, BLOCK + 3, 2);
    let x: Vec<f32> = (0..rows * regressors).map(number).collect();
    let y: Vec<f32> = (0..rows * targets).map(|i| number(i + 5)).collect();
    let moments = summed(&x, &y, [regressors, targets], 100);
    for (i, j) in [(0, 0), (BLOCK + 2, 1), (1, BLOCK + 2), (BLOCK, BLOCK + 1)] {
        let expected = dot(&column_of(&x, regressors, i), &column_of(&x, regressors, j));
        assert!((moments.xx[(i, j)] - expected).abs() < 1e-9, "{i}, {j}");
    }
    let expected = dot(&column_of(&y, targets, 1), &column_of(&x, regressors, BLOCK));
    assert!((moments.yx[(1, BLOCK)] - expected).abs() < 1e-9);
    assert!(
        (moments.mean_x[3] - x.iter().skip(3).step_by(regressors).map(|&v| f64::from(v)).sum::<f64>() / rows as f64)
            .abs()
            < 1e-6
    );
}

#[test]
fn how_rows_arrive_changes_no_bit() {
    for regressors in [40, MANY] {
        let (rows, targets) = (2 * ROWS + 50, 3);
        let x: Vec<f32> = (0..rows * regressors).map(number).collect();
        let y: Vec<f32> = (0..rows * targets).map(|i| number(i + 5)).collect();
        let [one, many, all] = [1, 64, rows].map(|batch| summed(&x, &y, [regressors, targets], batch));
        assert!(one.xx == many.xx && many.xx == all.xx);
        assert!(one.yx == many.yx && many.yx == all.yx);
    }
}

#[test]
fn many_regressors_are_summed_nearly_as_exactly() {
    let (rows, regressors, targets) = (ROWS + 88, MANY + 44, 2);
    let x: Vec<f32> = (0..rows * regressors).map(|i| 3.0 + number(i * i % 1009)).collect();
    let y: Vec<f32> = (0..rows * targets).map(|i| number(i + 5)).collect();
    let moments = summed(&x, &y, [regressors, targets], 100);
    let diagonal = moments.mean_square();
    for (i, j) in [(0, 0), (BLOCK + 2, 1), (1, BLOCK + 2), (MANY, BLOCK + 1), (MANY + 43, MANY + 43)] {
        let expected = dot(&column_of(&x, regressors, i), &column_of(&x, regressors, j));
        assert!((moments.xx[(i, j)] - expected).abs() < 2e-6 * diagonal, "{i}, {j}");
    }
    let expected = dot(&column_of(&y, targets, 1), &column_of(&x, regressors, MANY));
    assert!((moments.yx[(1, MANY)] - expected).abs() < 2e-6 * diagonal);
    // Too large to be squared in f32.
    let large: Vec<f32> = x.iter().map(|&x| 1e20 * x).collect();
    let large = summed(&large, &y, [regressors, targets], 100);
    assert!(large.finite && (large.xx[(7, 3)] / 1e40 - moments.xx[(7, 3)]).abs() < 2e-6 * diagonal);
}

#[test]
fn a_large_mean_and_a_large_size_cost_no_precision() {
    // A constant column, one that varies by a hundred-thousandth of its mean, and one that overflows when squared.
    let x: Vec<f32> = (0..100).flat_map(|i| [3.0, 1000.0 + (i % 2) as f32 / 64.0, 1e25 * (i % 3) as f32]).collect();
    let moments = summed(&x, &vec![0.0; 100], [3, 1], 7);
    assert_eq!((moments.xx[(0, 0)], moments.xx[(1, 0)]), (0.0, 0.0));
    assert!(moments.finite && (moments.xx[(2, 2)] / 66.99e50 - 1.0).abs() < 1e-6, "{}", moments.xx[(2, 2)]);
    assert!((moments.xx[(1, 1)] / (25.0 / 4096.0) - 1.0).abs() < 1e-9, "{}", moments.xx[(1, 1)]);
}

#[test]
fn what_is_not_finite_is_told() {
    assert!(!summed(&[1.0, f32::NAN], &[0.0, 0.0], [1, 1], 1).finite);
    assert!(!summed(&[1.0, 2.0], &[0.0, f32::INFINITY], [1, 1], 1).finite);
}

#[test]
fn the_error_is_that_of_the_observations() {
    let (x, y) = ([1.0f32, 2.0, 4.0], [1.0f32, 3.0, 2.0]);
    let moments = summed(&x, &y, [1, 1], 3);
    let expected: f64 = x.iter().zip(&y).map(|(&x, &y)| (f64::from(y) - 0.5 * f64::from(x) - 0.25).powi(2)).sum();
    assert!((moments.squared_error(&Mat::full(1, 1, 0.5), &[0.25]) - expected).abs() < 1e-6);
}
