//! A sliding window as views of a padded map: one view a tap, holding what the tap sees at every output position.

use candle_core::{Result, Tensor};
use mda_core::op::Window;

/// A window over maps of known extents.
#[derive(Clone, Debug)]
pub(crate) struct Sliding {
    rows: Axis,
    columns: Axis,
}

impl Sliding {
    /// `window` over maps of extents `input`, with `output` positions.
    pub(crate) fn new(window: &Window, input: [usize; 2], output: [usize; 2]) -> Self {
        let axis = |axis| Axis::new(window, axis, input[axis], output[axis]);
        Self { rows: axis(0), columns: axis(1) }
    }

    /// The same window along the rows alone, and along the columns of what that leaves.
    pub(crate) fn separated(&self) -> [Self; 2] {
        let still = |extent| Axis { kernel: 1, stride: 1, dilation: 1, before: 0, input: extent, output: extent };
        [
            Self { rows: self.rows.clone(), columns: still(self.columns.input) },
            Self { rows: still(self.rows.output), columns: self.columns.clone() },
        ]
    }

    /// Numbers of one channel with its padding, as the views need it.
    pub(crate) fn padded(&self) -> usize {
        self.rows.span().saturating_mul(self.columns.span())
    }

    /// Numbers under one channel's window.
    pub(crate) fn taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel
    }

    /// Output positions.
    pub(crate) fn positions(&self) -> usize {
        self.rows.output * self.columns.output
    }

    /// Output extents.
    pub(crate) fn output(&self) -> [usize; 2] {
        [self.rows.output, self.columns.output]
    }

    /// Whether every output position sees exactly the number at its own place.
    pub(crate) fn is_identity(&self) -> bool {
        self.rows.is_identity() && self.columns.is_identity()
    }

    /// What every tap sees of `map` (`[C, N, H, W]`), taps in row-major order, each `[C, N, OH, OW]`; `fill` outside.
    pub(crate) fn views(&self, map: &Tensor, fill: f32) -> Result<Vec<Tensor>> {
        let (channels, images, _, _) = map.dims4()?;
        let padded = self.columns.pad(&self.rows.pad(map, 2, fill)?, 3, fill)?.contiguous()?;
        let [rows, columns] = [&self.rows, &self.columns].map(|axis| axis.span() / axis.stride);
        // Split into stride and phase, a tap is a contiguous range of strides at one phase.
        let phases = padded.reshape(&[channels, images, rows, self.rows.stride, columns, self.columns.stride][..])?;
        let mut views = Vec::with_capacity(self.taps());
        for row in 0..self.rows.kernel {
            let band = self.rows.tap(&phases, 2, row)?;
            for column in 0..self.columns.kernel {
                views.push(self.columns.tap(&band, 3, column)?);
            }
        }
        Ok(views)
    }
}

#[derive(Clone, Debug)]
struct Axis {
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    input: usize,
    output: usize,
}

impl Axis {
    fn new(window: &Window, axis: usize, input: usize, output: usize) -> Self {
        Self {
            kernel: window.kernel[axis],
            stride: window.stride[axis],
            dilation: window.dilation[axis],
            before: window.padding.along(axis)[0],
            input,
            output,
        }
    }

    fn is_identity(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.before == 0 && self.input == self.output
    }

    /// The padded extent in whole strides, from the first to behind the last position that a tap sees.
    fn span(&self) -> usize {
        ((self.kernel - 1) * self.dilation / self.stride + self.output) * self.stride
    }

    /// `map` with its axis `dim` cut or filled up to `span`.
    fn pad(&self, map: &Tensor, dim: usize, fill: f32) -> Result<Tensor> {
        let span = self.span();
        let before = self.before.min(span);
        let kept = self.input.min(span - before);
        let filler = |extent: usize| {
            let mut shape = map.dims().to_vec();
            shape[dim] = extent;
            Tensor::full(fill, shape, map.device())?.to_dtype(map.dtype())
        };
        let mut parts = Vec::with_capacity(3);
        for (extent, inside) in [(before, false), (kept, true), (span - before - kept, false)] {
            if extent > 0 {
                parts.push(if inside { map.narrow(dim, 0, extent)? } else { filler(extent)? });
            }
        }
        Tensor::cat(&parts, dim)
    }

    /// The view under `tap`, of a map whose axis is split into strides (`dim`) and phases (`dim + 1`).
    fn tap(&self, phases: &Tensor, dim: usize, tap: usize) -> Result<Tensor> {
        let offset = tap * self.dilation;
        phases
            .narrow(dim, offset / self.stride, self.output)?
            .narrow(dim + 1, offset % self.stride, 1)?
            .squeeze(dim + 1)
    }
}
