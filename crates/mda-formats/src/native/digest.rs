//! SHA-256 digests: of a whole file, and of the tensors in one.

use super::NativeError;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A digest that is being computed.
#[derive(Default)]
pub(super) struct Digest(Sha256);

impl Digest {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest in lowercase hexadecimal digits.
    pub(super) fn finish(self) -> String {
        let digest = self.0.finalize();
        let mut digits = String::with_capacity(2 * digest.len());
        for byte in digest {
            // Writing to a String cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        digits
    }
}

/// The SHA-256 of the file at `path` in lowercase hexadecimal digits: how provenance names a source.
///
/// # Errors
/// [`NativeError::File`] where the file cannot be read.
pub fn sha256(path: &Path) -> Result<String, NativeError> {
    let digest = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let mut digest = Digest::default();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(digest.finish()),
                count => digest.update(&buffer[..count]),
            }
        }
    };
    digest().map_err(|source| NativeError::Read(source).in_file(path))
}
