//! The bytes of a whole file, which the tensors in it share instead of copying them.

use crate::scalar::FloatType;
use bytemuck::try_cast_slice;
use mda_core::{Tensor, TensorError};
use memmap2::Mmap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A file's bytes, held for as long as one of its tensors is used.
#[derive(Clone)]
pub(super) struct Shared(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Shared {
    /// Reads the whole file at `path` into memory of our own.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        require_file(path)?;
        Ok(Self(Arc::new(fs::read(path)?)))
    }

    /// Maps the whole file at `path`: only what is looked at is read.
    ///
    /// # Safety
    /// Nobody may write to the file or cut it off while the mapping or one of its tensors is in use.
    pub(super) unsafe fn map(path: &Path) -> io::Result<Self> {
        require_file(path)?;
        let file = File::open(path)?;
        // SAFETY: the mapping is only read, any bytes are numbers, and the caller sees to it that they do not change.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self(Arc::new(map)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        (*self.0).as_ref()
    }

    /// The tensor whose numbers are `range`, a range of the file's bytes.
    pub(super) fn tensor(&self, shape: Vec<usize>, range: Range<usize>) -> Result<Tensor, TensorError> {
        let bytes = &self.bytes()[range.clone()];
        if cfg!(target_endian = "little") && try_cast_slice::<u8, f32>(bytes).is_ok() {
            return Tensor::shared(shape, Arc::new(Numbers { file: self.clone(), range }));
        }
        Tensor::new(shape, FloatType::F32.decode(bytes))
    }
}

/// Other things may never end when they are read.
fn require_file(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a folder or a device, not a file"))
}

/// Part of a file's bytes, aligned as f32 are.
struct Numbers {
    file: Shared,
    range: Range<usize>,
}

impl AsRef<[f32]> for Numbers {
    fn as_ref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.file.bytes()[self.range.clone()])
    }
}
