//! Small things that faer's matrices lack: columns as slices, blocks of columns for threads, sums in a fixed order.

use faer::{Mat, MatMut, MatRef};

/// Cuts a matrix into blocks of at most `width` columns, each with the number of its first: what one thread works on.
pub(crate) fn column_blocks<T>(matrix: MatMut<'_, T>, width: usize) -> Vec<(usize, MatMut<'_, T>)> {
    let (mut blocks, mut rest, mut start) = (Vec::new(), matrix, 0);
    while rest.ncols() > 0 {
        let width = width.min(rest.ncols());
        let (block, others) = rest.split_at_col_mut(width);
        blocks.push((start, block));
        (start, rest) = (start + width, others);
    }
    blocks
}

/// Column `index` of a matrix whose columns are contiguous, as all are that this crate makes.
pub(crate) fn column<'a, T>(matrix: &'a mut MatMut<'_, T>, index: usize) -> &'a mut [T] {
    let column = matrix.as_mut().col_mut(index).try_as_col_major_mut();
    column.expect("columns are contiguous").as_slice_mut()
}

/// The same, to read.
pub(crate) fn slice<'a, T>(matrix: MatRef<'a, T>, index: usize) -> &'a [T] {
    matrix.col(index).try_as_col_major().expect("columns are contiguous").as_slice()
}

/// The numbers in f64.
pub(crate) fn widened(matrix: MatRef<'_, f32>) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |row, column| f64::from(matrix[(row, column)]))
}

/// The sum of squares, eight lanes at a time.
pub(crate) fn squared_norm(numbers: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0f64; LANES];
    let chunks = numbers.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|x| x * x).sum();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += x * x);
    }
    lanes.iter().sum::<f64>() + rest
}
