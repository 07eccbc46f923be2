//! Opens a file that may be gzip, and never lets a small one unpack without end.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// How many times larger than its file anything that is read may be. Archives of 32x32 images unpack to about ten times
/// their size; deflate could reach a thousand times.
const MOST_EXPANSION: u64 = 64;

/// A file that tiny cannot hurt: constant test images compress further than real ones.
const ALWAYS_ALLOWED: u64 = 1 << 20;

/// The unpacked bytes of a file.
pub(crate) struct Unpacked {
    /// Fails where more than `bound` bytes come out of it.
    pub(crate) reader: Box<dyn Read>,
    /// The most bytes that `reader` gives.
    pub(crate) bound: u64,
}

/// Opens `path`; a file that begins with the gzip magic is unpacked, whatever its name.
pub(crate) fn open(path: &Path) -> io::Result<Unpacked> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let file = BufReader::new(file);
    if magic != [0x1f, 0x8b] {
        return Ok(Unpacked { reader: Box::new(file), bound: length });
    }
    let bound = length.saturating_mul(MOST_EXPANSION).saturating_add(ALWAYS_ALLOWED);
    Ok(Unpacked { reader: Box::new(Bounded { inner: MultiGzDecoder::new(file), left: bound, bound }), bound })
}

/// A reader that fails instead of giving more than `bound` bytes.
struct Bounded<R> {
    inner: R,
    left: u64,
    bound: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                let bound = self.bound;
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("unpacks to more than {bound} bytes, {MOST_EXPANSION} times the file: refused"),
                ));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn reads_gzip_and_plain_alike() {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in [("plain", b"hello".to_vec()), ("packed", packed(b"hello")), ("empty", vec![])] {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let mut text = String::new();
            open(&path).unwrap().reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, if name == "empty" { "" } else { "hello" });
        }
    }

    #[test]
    fn a_gzip_bomb_stops_at_the_bound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bomb.gz");
        std::fs::write(&path, packed(&vec![0; 8 << 20])).unwrap();
        let mut unpacked = open(&path).unwrap();
        let mut bytes = Vec::new();
        let error = unpacked.reader.read_to_end(&mut bytes).unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
        assert!(bytes.len() as u64 <= unpacked.bound);
    }
}
