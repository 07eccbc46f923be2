//! The sliding window that convolutions and pools share.

use super::ShapeError;
use crate::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Rows or columns added around a map before a window slides over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// The same padding on all four sides.
    pub fn same(extent: usize) -> Self {
        Self { top: extent, left: extent, bottom: extent, right: extent }
    }

    /// Padding before and after axis 0 (rows) or 1 (columns).
    pub fn along(self, axis: usize) -> [usize; 2] {
        if axis == 0 { [self.top, self.bottom] } else { [self.left, self.right] }
    }
}

/// No window of a real network comes near it; the bound keeps hostile files from overflowing.
const MAX_EXTENT: usize = 1 << 16;

/// Kernel extent, stride, padding and dilation, each `[rows, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Taps of the kernel.
    pub kernel: [usize; 2],
    /// Step between outputs.
    pub stride: [usize; 2],
    /// Rows and columns added around the input.
    pub padding: Padding,
    /// Step between taps.
    pub dilation: [usize; 2],
}

impl Window {
    /// A square window with the same padding on all sides and no dilation.
    pub fn square(kernel: usize, stride: usize, padding: usize) -> Self {
        Self { kernel: [kernel, kernel], stride: [stride, stride], padding: Padding::same(padding), dilation: [1, 1] }
    }

    /// Taps of one channel's kernel.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The output extents `[rows, columns]` over an input of extents `input`.
    ///
    /// With `ceil_mode` a last window may start inside the input or its leading padding and run over the end, which is
    /// PyTorch's rule for pools.
    ///
    /// # Errors
    /// Where an extent is zero or absurd, or the window does not fit into the padded input.
    pub fn output(&self, input: [usize; 2], ceil_mode: bool) -> Result<[usize; 2], ShapeError> {
        Ok([self.output_along(0, input[0], ceil_mode)?, self.output_along(1, input[1], ceil_mode)?])
    }

    fn output_along(&self, axis: usize, input: usize, ceil_mode: bool) -> Result<usize, ShapeError> {
        let (kernel, stride, dilation) = (self.kernel[axis], self.stride[axis], self.dilation[axis]);
        let [before, after] = self.padding.along(axis);
        if kernel == 0 || stride == 0 || dilation == 0 {
            return Err(ShapeError::new("kernel, stride and dilation of at least 1", format!("{self:?}")));
        }
        if [kernel, stride, dilation, before, after].iter().any(|&extent| extent > MAX_EXTENT) {
            return Err(ShapeError::new(format!("window extents up to {MAX_EXTENT}"), format!("{self:?}")));
        }
        let reach = (kernel - 1) * dilation + 1;
        let padded = input + before + after;
        if reach > padded {
            let axis = ["rows", "columns"][axis];
            return Err(ShapeError::new(
                format!("a padded input of at least {reach} {axis}"),
                format!("{padded} {axis}"),
            ));
        }
        let span = padded - reach;
        let mut output = span / stride + 1;
        if ceil_mode && !span.is_multiple_of(stride) && output * stride < input + before {
            output += 1;
        }
        Ok(output)
    }

    /// The input row (axis 0) or column (axis 1) under `tap` at output position `output`, where it is not padding.
    pub fn source(&self, axis: usize, output: usize, tap: usize, input: usize) -> Option<usize> {
        let position = output * self.stride[axis] + tap * self.dilation[axis];
        position.checked_sub(self.padding.along(axis)[0]).filter(|&p| p < input)
    }

    /// Which row (axis 0) or column (axis 1) of the input lies under which tap at some of `output` positions: `[input,
    /// kernel]` of ones and zeros. Window sums are the map's product with both.
    pub fn coverage(&self, axis: usize, input: usize, output: usize) -> Tensor {
        let kernel = self.kernel[axis];
        let mut covered = Tensor::zeros([input, kernel]);
        for (at, tap) in (0..output).flat_map(|at| (0..kernel).map(move |tap| (at, tap))) {
            if let Some(position) = self.source(axis, at, tap, input) {
                covered.data_mut()[position * kernel + tap] = 1.0;
            }
        }
        covered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_follow_pytorch() {
        assert_eq!(Window::square(3, 1, 1).output([32, 32], false).unwrap(), [32, 32]);
        assert_eq!(Window::square(7, 2, 3).output([224, 224], false).unwrap(), [112, 112]);
        assert_eq!(Window::square(3, 2, 0).output([112, 112], false).unwrap(), [55, 55]);
        assert_eq!(Window::square(3, 2, 0).output([112, 112], true).unwrap(), [56, 56]);
        // PyTorch drops a window that would start in the trailing padding.
        assert_eq!(Window::square(2, 2, 1).output([3, 3], true).unwrap(), [2, 2]);
    }

    #[test]
    fn coverage_of_a_padded_window_with_stride_2() {
        let covered = Window::square(3, 2, 1).coverage(0, 5, 3);
        // Output positions begin at -1, 1 and 3: tap 0 sees rows 1 and 3, tap 1 rows 0, 2 and 4, tap 2 rows 1 and 3.
        let expected = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
        assert_eq!((covered.shape(), covered.data()), (&[5, 3][..], &expected[..]));
    }

    #[test]
    fn a_window_that_does_not_fit_is_an_error() {
        assert!(Window::square(5, 1, 0).output([4, 9], false).is_err());
        assert!(Window::square(0, 1, 0).output([4, 4], false).is_err());
    }
}
