//! What one part of a batch needs while it goes through a network and back. Everything is kept from step to step.

use crate::buffer::{Buffer, Workspace};
use mda_core::graph::NodeId;

/// The memory of one part.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Every value, by node.
    pub(super) values: Vec<Buffer>,
    /// The derivatives by the values, by node, as far as they are known and not used up.
    gradients: Vec<Option<Buffer>>,
    /// Buffers that nobody uses.
    free: Vec<Buffer>,
    /// The raw derivatives.
    pub(super) raw: Vec<f32>,
    pub(super) workspace: Workspace,
    /// Laid out output gradients and inputs.
    pub(super) laid: [Buffer; 2],
    /// A widened output gradient.
    pub(super) wide: Buffer,
}

impl Memory {
    /// Ready for a pass through a network of so many nodes and raw derivatives.
    pub(super) fn begin(&mut self, nodes: usize, raw: usize) {
        self.values.resize_with(nodes, Buffer::default);
        self.gradients.resize_with(nodes, || None);
        self.raw.clear();
        self.raw.resize(raw, 0.0);
    }

    /// A buffer of `len` numbers, which are unspecified: the smallest that nobody uses and that is large enough, or else the largest.
    pub(super) fn buffer(&mut self, len: usize) -> Buffer {
        let size = |buffer: &Buffer| if buffer.len() >= len { (0, buffer.len()) } else { (1, len - buffer.len()) };
        let best = (0..self.free.len()).min_by_key(|&at| size(&self.free[at]));
        let mut buffer = best.map(|at| self.free.swap_remove(at)).unwrap_or_default();
        buffer.reserve(len);
        buffer
    }

    /// The buffer is used no more.
    pub(super) fn release(&mut self, buffer: Buffer) {
        self.free.push(buffer);
    }

    /// The derivative by a value, as far as it is known; it is used up with that.
    pub(super) fn take(&mut self, value: NodeId) -> Option<Buffer> {
        self.gradients[value].take()
    }

    /// Adds to the derivative by a value of `len` numbers.
    pub(super) fn deliver(&mut self, value: NodeId, gradient: Buffer, len: usize) {
        match &mut self.gradients[value] {
            None => self.gradients[value] = Some(gradient),
            Some(sum) => {
                sum[..len].iter_mut().zip(&gradient[..len]).for_each(|(sum, g)| *sum += g);
                self.release(gradient);
            }
        }
    }
}
