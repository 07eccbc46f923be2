//! Reads from a pickle that know where they are.

use super::PickleError;

/// A position in the bytes of a pickle.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: u64) -> Result<&'a [u8], PickleError> {
        let end = usize::try_from(length).ok().and_then(|length| self.position.checked_add(length));
        match end.and_then(|end| self.bytes.get(self.position..end)) {
            Some(bytes) => {
                self.position += bytes.len();
                Ok(bytes)
            }
            None => Err(PickleError::Truncated { offset: self.position, wanted: length }),
        }
    }

    /// The next little-endian number of `SIZE` bytes, 8 at most.
    pub(super) fn unsigned<const SIZE: usize>(&mut self) -> Result<u64, PickleError> {
        let bytes = self.take(SIZE as u64)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(self.take(1)?[0])
    }

    /// The bytes up to the next line feed, which is skipped.
    pub(super) fn line(&mut self) -> Result<&'a [u8], PickleError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n');
        let length = length.ok_or(PickleError::Truncated { offset: self.position, wanted: 1 })?;
        self.position += length + 1;
        Ok(&rest[..length])
    }

    /// Whether `text` occurs anywhere from here on.
    pub(super) fn comes_upon(&self, text: &[u8]) -> bool {
        self.bytes.get(self.position..).is_some_and(|rest| rest.windows(text.len()).any(|window| window == text))
    }
}
