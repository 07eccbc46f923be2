//! The numbers of tensors in a mapped file: nothing is copied, and only what is looked at is read.

use crate::scalar::FloatType;
use bytemuck::try_cast_slice;
use mda_core::{Tensor, TensorError};
use memmap2::Mmap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A file in memory for as long as one of its tensors is used.
#[derive(Clone)]
pub(super) struct Mapped(Arc<Mmap>);

impl Mapped {
    /// Maps the whole file at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a folder or a device, not a file"));
        }
        let file = File::open(path)?;
        // SAFETY: the mapping is only read, and any bytes are numbers. That nobody writes to the file or cuts it off
        // meanwhile is what `native::read` asks of its callers; this crate itself replaces files and never changes them.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self(Arc::new(map)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The tensor whose numbers are `range`, a range of the file's bytes.
    pub(super) fn tensor(&self, shape: Vec<usize>, range: Range<usize>) -> Result<Tensor, TensorError> {
        let bytes = &self.0[range.clone()];
        if cfg!(target_endian = "little") && try_cast_slice::<u8, f32>(bytes).is_ok() {
            return Tensor::shared(shape, Arc::new(Numbers { file: self.clone(), range }));
        }
        Tensor::new(shape, FloatType::F32.decode(bytes))
    }
}

/// Part of a mapped file, aligned as f32 are.
struct Numbers {
    file: Mapped,
    range: Range<usize>,
}

impl AsRef<[f32]> for Numbers {
    fn as_ref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.file.0[self.range.clone()])
    }
}
