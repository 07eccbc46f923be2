//! Windows as LibTorch takes them: symmetric padding in the operation, every other padding before it.

use crate::transfer::{Result, Shared, extents};
use mda_core::op::{AvgPool, Window};
use tch::{Device, Tensor};

/// A window over maps of known extents.
#[derive(Clone, Debug)]
pub(crate) struct Sliding {
    pub(crate) kernel: [i64; 2],
    pub(crate) stride: [i64; 2],
    pub(crate) dilation: [i64; 2],
    /// Rows and columns that the operation adds on both sides.
    pub(crate) padding: [i64; 2],
    /// `[left, right, top, bottom]` to add before it, or to cut where negative.
    before: Option<[i64; 4]>,
    pub(crate) ceil_mode: bool,
}

impl Sliding {
    /// The window of a convolution.
    pub(crate) fn of_convolution(window: &Window) -> Self {
        let padding = window.padding;
        if padding.top == padding.bottom && padding.left == padding.right {
            return Self::new(window, [padding.top, padding.left], None, false);
        }
        let [left, right, top, bottom] =
            [padding.left, padding.right, padding.top, padding.bottom].map(|extent| extent as i64);
        Self::new(window, [0, 0], Some([left, right, top, bottom]), false)
    }

    /// The window of a pool over maps of extents `input`, with `output` positions. LibTorch pads a pool by half its kernel
    /// at most and on both sides alike; where a pool wants otherwise, the map is given exactly the extents that its windows
    /// cover.
    pub(crate) fn of_pool(window: &Window, ceil_mode: bool, input: [usize; 2], output: [usize; 2]) -> Self {
        let even = |axis: usize| {
            let [before, after] = window.padding.along(axis);
            before == after && 2 * before <= window.kernel[axis]
        };
        if even(0) && even(1) {
            return Self::new(window, [window.padding.top, window.padding.left], None, ceil_mode);
        }
        let around = |axis: usize| {
            let before = window.padding.along(axis)[0];
            let covered =
                (output[axis] - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1;
            [before as i64, covered as i64 - before as i64 - input[axis] as i64]
        };
        let ([top, bottom], [left, right]) = (around(0), around(1));
        Self::new(window, [0, 0], Some([left, right, top, bottom]), false)
    }

    fn new(window: &Window, padding: [usize; 2], before: Option<[i64; 4]>, ceil_mode: bool) -> Self {
        let pair = |pair: [usize; 2]| pair.map(|extent| extent as i64);
        Self {
            kernel: pair(window.kernel),
            stride: pair(window.stride),
            dilation: pair(window.dilation),
            padding: pair(padding),
            before,
            ceil_mode,
        }
    }

    /// `map` with what the operation cannot add itself, `fill` outside.
    pub(crate) fn pad(&self, map: &Tensor, fill: f64) -> Result<Tensor> {
        match self.before {
            Some(around) => map.f_pad(around, "constant", fill),
            None => Ok(map.shallow_clone()),
        }
    }

    fn is_whole(&self) -> bool {
        self.before.is_none()
    }
}

/// An average pool.
#[derive(Clone, Debug)]
pub(crate) struct Average {
    sliding: Sliding,
    count_include_pad: bool,
    /// What the sums are divided by, `[1, 1, OH, OW]`, where LibTorch does not see the padding.
    divisors: Option<Shared>,
}

impl Average {
    pub(crate) fn new(pool: &AvgPool, input: [usize; 2], output: [usize; 2], device: Device) -> Result<Self> {
        let sliding = Sliding::of_pool(&pool.window, pool.ceil_mode, input, output);
        let divisors = if sliding.is_whole() {
            None
        } else {
            let at = |index: usize| pool.divisor([index / output[1], index % output[1]], input) as f32;
            let numbers: Vec<f32> = (0..output[0] * output[1]).map(at).collect();
            Some(
                Tensor::f_from_slice(&numbers)?.f_reshape(extents(&[1, 1, output[0], output[1]]))?.f_to(device)?.into(),
            )
        };
        Ok(Self { sliding, count_include_pad: pool.count_include_pad, divisors })
    }

    pub(crate) fn run(&self, map: &Tensor) -> Result<Tensor> {
        let Sliding { kernel, stride, padding, ceil_mode, .. } = self.sliding;
        let pooled = |map: &Tensor, divisor: Option<i64>| {
            map.f_avg_pool2d(kernel, stride, padding, ceil_mode, self.count_include_pad, divisor)
        };
        match &self.divisors {
            Some(divisors) => pooled(&self.sliding.pad(map, 0.0)?, Some(1))?.f_div(divisors),
            None => pooled(map, None),
        }
    }
}
