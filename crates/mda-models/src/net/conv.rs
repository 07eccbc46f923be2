//! Convolutions as architecture files write them, with PyTorch's defaults.

use mda_core::op::{Padding, Window};

/// A convolution before its widths are known.
#[derive(Clone, Copy)]
pub(crate) struct Conv {
    /// The published number of output channels; none for a depthwise convolution, which follows its input.
    pub(super) published: Option<usize>,
    pub(super) window: Window,
    pub(super) groups: usize,
    pub(super) multiple_of: usize,
    pub(super) bias: bool,
}

/// A convolution with a square kernel, stride 1, no padding, one group and a bias.
pub(crate) fn conv(out_channels: usize, kernel: usize) -> Conv {
    conv_of(out_channels, [kernel, kernel])
}

/// [`conv`] with a kernel of `[rows, columns]`.
pub(crate) fn conv_of(out_channels: usize, kernel: [usize; 2]) -> Conv {
    let window = Window { kernel, ..Window::square(1, 1, 0) };
    Conv { published: Some(out_channels), window, groups: 1, multiple_of: 1, bias: true }
}

/// A convolution whose every filter sees one channel, in the order of the channels.
pub(crate) fn depthwise(kernel: usize) -> Conv {
    Conv { published: None, ..conv(1, kernel) }
}

impl Conv {
    pub(crate) fn stride(mut self, stride: usize) -> Self {
        self.window.stride = [stride, stride];
        self
    }

    pub(crate) fn padding(mut self, padding: usize) -> Self {
        self.window.padding = Padding::same(padding);
        self
    }

    /// Half the (odd) kernel as padding, which keeps the extents at stride 1.
    pub(crate) fn same(mut self) -> Self {
        let [rows, columns] = self.window.kernel.map(|extent| extent / 2);
        self.window.padding = Padding { top: rows, left: columns, bottom: rows, right: columns };
        self
    }

    pub(crate) fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self.multiple_of(groups)
    }

    /// Scales the output channels to a multiple of `count`: the groups of the convolution behind.
    pub(crate) fn multiple_of(mut self, count: usize) -> Self {
        self.multiple_of = count;
        self
    }

    pub(crate) fn no_bias(mut self) -> Self {
        self.bias = false;
        self
    }
}
