//! What every kernel is told: `Params` of `params.wgsl`.

use crate::command::View;
use crate::layers::Finish;
use bytemuck::{Pod, Zeroable};
use mda_core::op::{ActivationKind, Padding, Window};

/// The parameters of a dispatch, in the order of the shaders' `Params`. [`crate::limits::Limits`] keeps everything that is
/// counted here below 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Params {
    images: u32,
    x: Extents,
    out: Extents,
    added: u32,
    other: [u32; 2],
    bounds: [f32; 2],
    /// Which activation, and its numbers.
    activation: u32,
    activation_numbers: [f32; 2],
    kernel: [u32; 2],
    /// Top, left, bottom, right.
    padding: [u32; 4],
    stride: [u32; 2],
    dilation: [u32; 2],
    count_include_pad: u32,
    filters: FilterParams,
}

/// Where a value lies and what its extents are.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Extents {
    offset: u32,
    stride: u32,
    channels: u32,
    height: u32,
    width: u32,
}

/// Which filters a dispatch computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct FilterParams {
    pub group_filters: u32,
    pub group_channels: u32,
    pub depth: u32,
    pub first_group: u32,
    pub groups: u32,
    pub first_filter: u32,
    pub filters: u32,
}

/// What a kernel adds to its numbers before it clamps or activates them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Added {
    Nothing,
    Value(View),
    /// What stands in the output.
    Output,
}

impl Params {
    /// From `x` to `out`, number by number, for no image yet.
    pub(crate) fn new(x: View, out: View) -> Self {
        Self {
            images: 0,
            x: Extents::of(x),
            out: Extents::of(out),
            added: 0,
            other: [0, 0],
            bounds: Finish::NONE.bounds,
            activation: 0,
            activation_numbers: [0.0; 2],
            kernel: [1, 1],
            padding: [0; 4],
            stride: [1, 1],
            dilation: [1, 1],
            count_include_pad: 0,
            filters: FilterParams::default(),
        }
    }

    /// For a batch of `images`.
    pub(crate) fn with_images(mut self, images: u32) -> Self {
        self.images = images;
        self
    }

    /// Whether this is a part of a layer whose sums have `depth` products.
    #[cfg(test)]
    pub(crate) fn has_depth(&self, depth: u32) -> bool {
        self.filters.depth == depth
    }

    /// With a convolution's filters.
    pub(crate) fn with_filters(mut self, filters: FilterParams) -> Self {
        self.filters = filters;
        self
    }

    /// With a window over `x` for every position of `out`.
    pub(crate) fn with_window(mut self, window: &Window) -> Self {
        let narrow = |pair: [usize; 2]| pair.map(|extent| extent as u32);
        let Padding { top, left, bottom, right } = window.padding;
        self.kernel = narrow(window.kernel);
        self.padding = [top, left, bottom, right].map(|extent| extent as u32);
        self.stride = narrow(window.stride);
        self.dilation = narrow(window.dilation);
        self
    }

    /// With padding counted in an average's divisor, or not.
    pub(crate) fn with_counted_padding(mut self, counted: bool) -> Self {
        self.count_include_pad = counted.into();
        self
    }

    /// With something to add, and what is done then.
    pub(crate) fn with_finish(mut self, added: Added, finish: Finish) -> Self {
        (self.added, self.other) = match added {
            Added::Nothing => (0, [0, 0]),
            Added::Value(view) => (1, [view.offset, view.stride].map(|number| number as u32)),
            Added::Output => (2, [0, 0]),
        };
        self.bounds = finish.bounds;
        (self.activation, self.activation_numbers) = finish.activation.map_or((0, [0.0; 2]), activation);
        self
    }

    /// With other extents of the output than those of the value that is written.
    pub(crate) fn with_output(mut self, [height, width]: [usize; 2]) -> Self {
        (self.out.height, self.out.width) = (height as u32, width as u32);
        self
    }
}

/// The number by which `numbers.wgsl` knows an activation, and what it is told besides.
fn activation(kind: ActivationKind) -> (u32, [f32; 2]) {
    match kind {
        ActivationKind::Sigmoid => (1, [0.0; 2]),
        ActivationKind::HardSigmoid { slope, offset } => (2, [slope, offset]),
        ActivationKind::Silu => (3, [0.0; 2]),
        ActivationKind::HardSwish => (4, [0.0; 2]),
        ActivationKind::LeakyRelu { slope } => (5, [slope, 0.0]),
        ActivationKind::Elu { alpha } => (6, [alpha, 0.0]),
        ActivationKind::Gelu => (7, [0.0; 2]),
        ActivationKind::GeluTanh => (8, [0.0; 2]),
        ActivationKind::Tanh => (9, [0.0; 2]),
    }
}

impl Extents {
    fn of(view: View) -> Self {
        let [height, width] = view.shape.spatial().map(|extent| extent as u32);
        let (offset, stride, channels) = (view.offset as u32, view.stride as u32, view.shape.channels() as u32);
        Self { offset, stride, channels, height, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::parsed;
    use std::mem::offset_of;

    #[test]
    fn the_shaders_read_what_is_written() {
        let expected = [
            ("images", offset_of!(Params, images)),
            ("x_offset", offset_of!(Params, x.offset)),
            ("x_stride", offset_of!(Params, x.stride)),
            ("x_channels", offset_of!(Params, x.channels)),
            ("x_height", offset_of!(Params, x.height)),
            ("x_width", offset_of!(Params, x.width)),
            ("out_offset", offset_of!(Params, out.offset)),
            ("out_stride", offset_of!(Params, out.stride)),
            ("out_channels", offset_of!(Params, out.channels)),
            ("out_height", offset_of!(Params, out.height)),
            ("out_width", offset_of!(Params, out.width)),
            ("added", offset_of!(Params, added)),
            ("other_offset", offset_of!(Params, other)),
            ("other_stride", offset_of!(Params, other) + 4),
            ("low", offset_of!(Params, bounds)),
            ("high", offset_of!(Params, bounds) + 4),
            ("activation", offset_of!(Params, activation)),
            ("activation_first", offset_of!(Params, activation_numbers)),
            ("activation_second", offset_of!(Params, activation_numbers) + 4),
            ("kernel_y", offset_of!(Params, kernel)),
            ("kernel_x", offset_of!(Params, kernel) + 4),
            ("top", offset_of!(Params, padding)),
            ("left", offset_of!(Params, padding) + 4),
            ("bottom", offset_of!(Params, padding) + 8),
            ("right", offset_of!(Params, padding) + 12),
            ("stride_y", offset_of!(Params, stride)),
            ("stride_x", offset_of!(Params, stride) + 4),
            ("dilation_y", offset_of!(Params, dilation)),
            ("dilation_x", offset_of!(Params, dilation) + 4),
            ("count_include_pad", offset_of!(Params, count_include_pad)),
            ("group_filters", offset_of!(Params, filters.group_filters)),
            ("group_channels", offset_of!(Params, filters.group_channels)),
            ("depth", offset_of!(Params, filters.depth)),
            ("first_group", offset_of!(Params, filters.first_group)),
            ("groups", offset_of!(Params, filters.groups)),
            ("first_filter", offset_of!(Params, filters.first_filter)),
            ("filters", offset_of!(Params, filters.filters)),
        ];
        let module = parsed(crate::kernel::Kernel::Pointwise.source());
        let (_, params) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some("Params")).unwrap();
        let naga::TypeInner::Struct { members, span } = &params.inner else { panic!("Params is a struct") };
        let found: Vec<(&str, usize)> =
            members.iter().map(|member| (member.name.as_deref().unwrap(), member.offset as usize)).collect();
        assert_eq!((found, *span as usize), (expected.to_vec(), size_of::<Params>()));
    }
}
