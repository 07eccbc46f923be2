//! Windows that fit: decided by the structure alone, so that members of a family agree.

use super::builder::{Builder, Value};
use mda_core::op::{AvgPool, Conv2d, MaxPool, Op, Padding, Window};

/// Maps never grow beyond this extent, however much padding is drawn.
const WIDEST_MAP: usize = 14;

impl Builder<'_> {
    /// A window for a convolution: often square with even padding, sometimes anything.
    pub(super) fn window(&mut self) -> Window {
        match self.structure.below(4) {
            0 => Window::square(1, 1, 0),
            1 => Window::square(3, 1, 1),
            2 => {
                let kernel = self.structure.pick(&[2, 3, 5]);
                Window::square(kernel, self.structure.pick(&[1, 2]), self.structure.pick(&[0, 1, 2]))
            }
            _ => {
                let mut pair = |options: &[usize]| [0, 1].map(|_| self.structure.pick(options));
                let (kernel, stride) = (pair(&[1, 3, 2, 4]), pair(&[1, 2, 3]));
                let ([top, left], [bottom, right]) = (pair(&[0, 1, 2]), pair(&[0, 1, 2]));
                Window { kernel, stride, padding: Padding { top, left, bottom, right }, dilation: pair(&[1, 2]) }
            }
        }
    }

    /// `conv` over `value` where its window fits and the map stays small, and with a window of one position elsewhere.
    pub(super) fn fitted(&mut self, name: &str, conv: Conv2d, value: &Value) -> Value {
        let extents = conv.window.output(value.shape.spatial(), false);
        let fits = extents.is_ok_and(|[height, width]| height.max(width) <= WIDEST_MAP);
        let window = if fits { conv.window } else { Window::square(1, 1, 0) };
        self.push(name, Conv2d { window, ..conv }, &[value])
    }

    /// A pool, or nothing where the drawn window does not fit.
    pub(super) fn pool(&mut self, value: &Value, average: bool) -> Option<Value> {
        let mut pair = |options: &[usize]| [0, 1].map(|_| self.structure.pick(options));
        let (kernel, stride) = (pair(&[2, 3, 1]), pair(&[2, 1, 3]));
        let ([top, left], [bottom, right]) = (pair(&[0, 0, 1]), pair(&[0, 0, 1]));
        let dilation = if average { [1, 1] } else { pair(&[1, 1, 2]) };
        let window = Window { kernel, stride, padding: Padding { top, left, bottom, right }, dilation };
        let ceil_mode = self.structure.once_in(2);
        let op: Op = if average {
            AvgPool { window, ceil_mode, count_include_pad: self.structure.once_in(2) }.into()
        } else {
            MaxPool { window, ceil_mode }.into()
        };
        self.try_push(if average { "avgpool" } else { "maxpool" }, op, &[value])
    }
}
