//! The layers: how each operation computes a batch, whatever the instruction set.

mod activation;
mod convolution;
mod depthwise;
mod derivative;
mod direct;
mod finish;
mod functions;
mod gemm;
mod im2col;
mod layout;
mod pointwise;
mod pool;
mod sweep;
mod winograd;

pub(crate) use activation::{activate, leak};
pub(crate) use convolution::Convolution;
pub(crate) use derivative::derivative;
pub(crate) use finish::{Epilogue, Finish};
pub(crate) use pointwise::{add, concat, multiply, normalize, select};
pub(crate) use pool::{average, global_average, maximum};

use depthwise::Depthwise;
use direct::Direct;
use gemm::Gemm;
use mda_core::op::Window;
use std::ops::Range;
use winograd::Winograd;

/// The output positions along `axis` at which `tap` lies inside the input.
pub(crate) fn reached(window: &Window, axis: usize, tap: usize, input: usize, output: usize) -> Range<usize> {
    inside(window, axis, tap * window.dilation[axis], window.stride[axis], input, output)
}

/// The taps along `axis` that lie inside the input at the position `output`.
fn covering(window: &Window, axis: usize, output: usize, input: usize) -> Range<usize> {
    inside(window, axis, output * window.stride[axis], window.dilation[axis], input, window.kernel[axis])
}

/// Which of `count` places, `step` apart from `offset` on, lie inside the input.
fn inside(window: &Window, axis: usize, offset: usize, step: usize, input: usize, count: usize) -> Range<usize> {
    let before = window.padding.along(axis)[0];
    let first = before.saturating_sub(offset).div_ceil(step);
    let last = (input + before).saturating_sub(offset).div_ceil(step).min(count);
    first.min(last)..last
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda_core::op::Padding;

    #[test]
    fn positions_and_taps_are_those_with_a_source() {
        for (stride, dilation, before, after) in [(1, 1, 0, 0), (1, 1, 2, 1), (2, 1, 1, 0), (3, 2, 4, 3), (2, 3, 0, 5)]
        {
            let padding = Padding { top: before, left: 0, bottom: after, right: 0 };
            let window = Window { kernel: [4, 1], stride: [stride, 1], padding, dilation: [dilation, 1] };
            for input in 1..12 {
                let Ok([output, _]) = window.output([input, 1], false) else { continue };
                for tap in 0..4 {
                    let found: Vec<usize> = reached(&window, 0, tap, input, output).collect();
                    let expected: Vec<usize> =
                        (0..output).filter(|&at| window.source(0, at, tap, input).is_some()).collect();
                    assert_eq!(found, expected, "{window:?} over {input}, tap {tap}");
                }
                for at in 0..output {
                    let found: Vec<usize> = covering(&window, 0, at, input).collect();
                    let expected: Vec<usize> =
                        (0..4).filter(|&tap| window.source(0, at, tap, input).is_some()).collect();
                    assert_eq!(found, expected, "{window:?} over {input}, position {at}");
                }
            }
        }
    }
}
