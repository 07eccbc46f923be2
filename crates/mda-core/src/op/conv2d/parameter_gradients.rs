//! The derivative of a convolution by its weight.

use super::Conv2d;
use crate::op::Backward;
use crate::tensor::Tensor;

/// `d/dw` of a scalar whose derivative by the output is `backward.gradient`, every number one sum in f64.
pub(super) fn of_weight(conv: &Conv2d, backward: &Backward<'_>) -> Tensor {
    let (input, gradient) = (backward.inputs[0], backward.gradient);
    let mut result = Tensor::zeros(backward.parameters.get("weight").shape());
    let (channels, extents) = (input.shape()[1], [input.shape()[2], input.shape()[3]]);
    let (seen, outputs) = (channels / conv.groups, [gradient.shape()[2], gradient.shape()[3]]);
    let [area, positions] = [extents, outputs].map(|[height, width]| height * width);
    // For every tap along an axis, which position of the output meets which of the image.
    let meets = |axis: usize, tap: usize| -> Vec<(usize, usize)> {
        let source = |at| Some((at, conv.window.source(axis, at, tap, extents[axis])?));
        (0..outputs[axis]).filter_map(source).collect()
    };
    let [kh, kw] = conv.window.kernel;
    let rows: Vec<Vec<(usize, usize)>> = (0..kh).map(|tap| meets(0, tap)).collect();
    let columns: Vec<Vec<(usize, usize)>> = (0..kw).map(|tap| meets(1, tap)).collect();
    for (index, number) in result.data_mut().iter_mut().enumerate() {
        let (kx, ky, p, q) = (index % kw, index / kw % kh, index / (kh * kw) % seen, index / (kh * kw * seen));
        let plane = conv.first_input(q, channels) + p;
        let mut sum = 0.0;
        for n in 0..input.shape()[0] {
            let numbers = &input.row(n)[plane * area..(plane + 1) * area];
            let gradients = &gradient.row(n)[q * positions..(q + 1) * positions];
            for &(row, y) in &rows[ky] {
                for &(column, x) in &columns[kx] {
                    let g = gradients[row * outputs[1] + column];
                    sum += f64::from(g) * f64::from(numbers[y * extents[1] + x]);
                }
            }
        }
        *number = sum as f32;
    }
    result
}
