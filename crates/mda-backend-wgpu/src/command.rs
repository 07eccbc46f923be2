//! What a plan is made of: commands, the kernels that they run, and the buffers that these see.

use crate::kernel::Work;
use crate::params::Params;
use mda_core::tensor::Shape;

/// A buffer, by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The batch.
    Images,
    /// Values, one behind another in time.
    Slot(usize),
    /// What a probe that computes something answers.
    Answer(usize),
    /// Weights and tables.
    Constant(usize),
}

/// A batch of values in a buffer: image `n` starts at number `offset + n * stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub buffer: Source,
    pub offset: usize,
    pub stride: usize,
    pub shape: Shape,
}

/// One run of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    pub work: Work,
    pub params: Params,
    /// What the kernel's bindings from 1 on are.
    pub bindings: Vec<Source>,
}

/// A step of a plan.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Dispatch(Dispatch),
    /// Hands `from` out as the answer of that number.
    Answer {
        from: View,
        answer: usize,
    },
}

impl Command {
    pub(crate) fn is_dispatch(&self) -> bool {
        matches!(self, Self::Dispatch(_))
    }
}
