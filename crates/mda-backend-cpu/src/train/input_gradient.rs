//! The derivative of a convolution by its input: a convolution of the output gradient with the filters turned around, and with
//! inputs and outputs exchanged. Under a stride zeros stand between the numbers of the output gradient.

use crate::buffer::{Buffer, Workspace};
use crate::kernel::Simd;
use crate::layer::{Convolution, Finish};
use crate::maps::{Maps, MapsMut};
use mda_core::Tensor;
use mda_core::op::{Padding, Window};
use mda_core::tensor::Shape;

/// Numbers of a widened map that may always be, and how often larger than the maps a larger one may be.
const SMALL: usize = 1 << 16;
const PROPORTION: usize = 16;

/// A convolution, turned around.
pub(super) struct InputGradient<S> {
    convolution: Convolution<S>,
    groups: usize,
    /// Filters of a group, inputs that each sees, and taps.
    sizes: [usize; 3],
    /// `[P, Q / groups, KH, KW]`
    turned: Vec<f32>,
    widening: Option<Widening>,
}

/// How an output gradient is widened.
struct Widening {
    stride: [usize; 2],
    /// Rows and columns that nothing but padding has seen, before the first and behind the last.
    cropped: [[usize; 2]; 2],
    extents: [usize; 2],
}

/// A convolution's axis, turned around.
struct Axis {
    wide: usize,
    padding: [usize; 2],
    cropped: [usize; 2],
}

/// Whether a convolution sees anything but padding: else no derivative by its input is to be had.
pub(super) fn sees_input(window: &Window, [from, to]: [[usize; 2]; 2]) -> bool {
    (0..2).all(|axis| Axis::new(window, axis, from[axis], to[axis]).is_some())
}

impl Axis {
    /// `None` where padding is all that is ever seen.
    fn new(window: &Window, axis: usize, from: usize, to: usize) -> Option<Self> {
        let wide = (to - 1) * window.stride[axis] + 1;
        let reach = ((window.kernel[axis] - 1) * window.dilation[axis]) as isize;
        let before = reach - window.padding.along(axis)[0] as isize;
        let after = from as isize + reach - wide as isize - before;
        let cropped = [before, after].map(|padding| (-padding).max(0) as usize);
        let left = wide.checked_sub(cropped[0] + cropped[1]).filter(|&left| left > 0)?;
        Some(Self { wide: left, padding: [before, after].map(|padding| padding.max(0) as usize), cropped })
    }
}

impl<S: Simd> InputGradient<S> {
    /// For `groups` of filters of shape `weight`, `[Q, P / groups, KH, KW]`, over maps of extents `from`; `None` where padding is out
    /// of proportion.
    pub(super) fn new(
        simd: S,
        window: &Window,
        groups: usize,
        [from, to]: [[usize; 2]; 2],
        weight: [usize; 2],
    ) -> Option<Self> {
        let (down, right) = (Axis::new(window, 0, from[0], to[0])?, Axis::new(window, 1, from[1], to[1])?);
        let padded = |axis: &Axis| axis.wide + axis.padding[0] + axis.padding[1];
        if padded(&down).saturating_mul(padded(&right)) > SMALL.max(PROPORTION * (from[0] * from[1] + to[0] * to[1])) {
            return None;
        }
        let padding =
            Padding { top: down.padding[0], left: right.padding[0], bottom: down.padding[1], right: right.padding[1] };
        let turned = Window { kernel: window.kernel, stride: [1, 1], padding, dilation: window.dilation };
        let extents = [down.wide, right.wide];
        let cropped = [down.cropped, right.cropped];
        let widening = (window.stride != [1, 1] || cropped != [[0; 2]; 2]).then_some(Widening {
            stride: window.stride,
            cropped,
            extents,
        });
        let [filters, seen] = [weight[0] / groups, weight[1]];
        let [height, width] = window.kernel;
        let shape = Tensor::zeros([seen * groups, filters, height, width]);
        let ones = vec![1.0; seen * groups];
        let convolution = Convolution::new(simd, turned, groups, [extents, from], &shape, &ones);
        let sizes = [filters, seen, window.taps()];
        Some(Self { convolution, groups, sizes, turned: shape.into_data(), widening })
    }

    /// Takes other weights, `[Q, P / groups, KH, KW]`, of which filter `q` is multiplied by `scale[q]`.
    pub(super) fn pack(&mut self, weight: &[f32], scale: &[(f64, f64)]) {
        let [filters, seen, taps] = self.sizes;
        for (q, (filter, &(scale, _))) in weight.chunks_exact(seen * taps).zip(scale).enumerate() {
            let (group, inside) = (q / filters, q % filters);
            for (p, kernel) in filter.chunks_exact(taps).enumerate() {
                let to = &mut self.turned[((group * seen + p) * filters + inside) * taps..][..taps];
                to.iter_mut().rev().zip(kernel).for_each(|(to, &w)| *to = (f64::from(w) * scale) as f32);
            }
        }
        let ones = vec![1.0; seen * self.groups];
        self.convolution.pack(&self.turned, &ones);
    }

    /// Writes the derivative by the input to `output`: what follows from `gradient`, by the layer's output, and what `finish` adds.
    pub(super) fn run(
        &self,
        simd: S,
        gradient: Maps<'_>,
        output: MapsMut<'_>,
        finish: &Finish<'_>,
        (wide, workspace): (&mut Buffer, &mut Workspace),
    ) {
        let Some(widening) = &self.widening else {
            return self.convolution.run(gradient, output, finish, workspace);
        };
        let [height, width] = widening.extents;
        let shape = Shape::Map { channels: gradient.shape().channels(), height, width };
        let numbers = wide.reserve(gradient.images() * shape.elements());
        simd.vectorize(
            #[inline(always)]
            || widening.widen(gradient, numbers),
        );
        let wide = Maps::new(numbers, gradient.images(), shape.elements(), shape);
        self.convolution.run(wide, output, finish, workspace);
    }
}

impl Widening {
    #[inline(always)]
    fn widen(&self, gradient: Maps<'_>, to: &mut [f32]) {
        let [[top, _], [left, _]] = self.cropped;
        let [height, width] = self.extents;
        let columns = gradient.shape().spatial()[1];
        to.fill(0.0);
        let planes = (0..gradient.images()).flat_map(|n| (0..gradient.shape().channels()).map(move |c| (n, c)));
        for ((n, c), to) in planes.zip(to.chunks_exact_mut(height * width)) {
            for (row, from) in gradient.plane(n, c).chunks_exact(columns).enumerate() {
                let Some(y) = (row * self.stride[0]).checked_sub(top).filter(|&y| y < height) else { continue };
                let to = &mut to[y * width..(y + 1) * width];
                let first = left.div_ceil(self.stride[1]);
                let Some(to) = to.get_mut(first * self.stride[1] - left..) else { continue };
                to.iter_mut().step_by(self.stride[1]).zip(&from[first..]).for_each(|(to, &g)| *to = g);
            }
        }
    }
}
