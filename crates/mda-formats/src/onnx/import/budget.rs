//! How much a file may make the importer allocate.

use super::super::OnnxError;
use super::fault::Fault;

/// Numbers that small files may ask for.
const BASE: usize = 1 << 22;
/// Numbers for every byte of a file: transposed, rescaled and repeated constants of real files stay below.
const PER_BYTE: usize = 4;

/// Counts the numbers that constants and per-channel attributes take, against a bound from the size of the file.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn for_bytes(bytes: usize) -> Self {
        Self { left: bytes.saturating_mul(PER_BYTE).saturating_add(BASE) }
    }

    /// A file beside the model's has been opened.
    pub(super) fn extend(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(bytes.saturating_mul(PER_BYTE));
    }

    /// Takes `numbers` before they are allocated.
    pub(super) fn take(&mut self, numbers: usize) -> Result<(), Fault> {
        match self.left.checked_sub(numbers) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(OnnxError::TooMuchMemory { numbers }.into()),
        }
    }
}
