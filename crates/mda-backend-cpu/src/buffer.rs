//! Buffers that are kept between runs.

use crate::kernel::Vectors;
use bytemuck::{Pod, Zeroable};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// One cache line, so that no vector load straddles two.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

const LINE: usize = 16;

/// Numbers that start at a cache line. It grows and never shrinks; what it holds after growing is unspecified.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffer(Vec<Line>);

impl Buffer {
    /// At least `len` numbers.
    pub(crate) fn reserve(&mut self, len: usize) -> &mut [f32] {
        let lines = len.div_ceil(LINE);
        if self.0.len() < lines {
            self.0.resize(lines, Line([0.0; LINE]));
        }
        &mut self[..len]
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

/// What one thread needs while it computes a region of a convolution.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Packed columns.
    pub columns: Buffer,
    /// Unfinished tiles.
    pub tiles: Buffer,
    /// What registers read and write.
    pub vectors: Vectors,
}

/// The working memory of a session.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// Transformed inputs of a whole layer, shared by all threads.
    pub transformed: Buffer,
    /// One for every thread that has been at work.
    pub scratch: Pool<Scratch>,
}

/// As many of a thing as have been at work at once.
#[derive(Debug, Default)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T: Default> Pool<T> {
    /// Calls `f` with one of its own.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = idle().pop().unwrap_or_default();
        let result = f(&mut own);
        idle().push(own);
        result
    }
}

/// Scratch for as many threads as have been at work at once.
pub(crate) type ScratchPool = Pool<Scratch>;
