//! Every reader of files from outside, as a function of bytes: what the fuzz targets run, and what a test runs on damaged
//! files and on the inputs that fuzzing kept.
//!
//! A reader may refuse the bytes in its own way. It must not panic, and it may take only so much memory.

use std::io::{Cursor, Write};
use std::path::Path;

use mda_data::{archive, decode, idx};
use mda_formats::onnx::{self, ImportOptions};
use mda_formats::{StateDict, native};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A reader.
pub struct Parser {
    /// Its fuzz target in `fuzz/fuzz_targets`, and the folder of its inputs in `fuzz/corpus`.
    pub name: &'static str,
    /// Whether it took the bytes for a file of its kind.
    pub accepts: fn(&[u8]) -> bool,
    /// The most bytes of memory that it may take for a file of this length.
    pub most_memory: fn(usize) -> usize,
}

/// All readers.
pub const PARSERS: [Parser; 10] = [
    Parser { name: "native", accepts: native_model, most_memory: plain },
    Parser { name: "pth_zip", accepts: state_dict, most_memory: plain },
    Parser { name: "pth_pickle", accepts: pickle, most_memory: plain },
    Parser { name: "pth_legacy", accepts: state_dict, most_memory: plain },
    Parser { name: "safetensors", accepts: state_dict, most_memory: plain },
    Parser { name: "onnx", accepts: onnx_model, most_memory: plain },
    Parser { name: "idx", accepts: idx_array, most_memory: plain },
    Parser { name: "gzip", accepts: gzip, most_memory: packed },
    Parser { name: "tar", accepts: tar, most_memory: plain },
    Parser { name: "image", accepts: image, most_memory: pixels },
];

/// A small multiple of the file, and half a mebibyte for the smallest.
fn plain(length: usize) -> usize {
    (1 << 19) + 16 * length
}

/// Gzip unpacks to at most 64 times the file and a mebibyte; a growing buffer is copied, so it counts twice.
fn packed(length: usize) -> usize {
    3 * ((1 << 20) + 64 * length)
}

/// Of a byte at most 512 pixels are believed, and a mebipixel always. A decoder holds up to 12 bytes a pixel.
fn pixels(length: usize) -> usize {
    12 * ((1 << 20) + 512 * length)
}

/// A model file.
pub fn native_model(bytes: &[u8]) -> bool {
    native::from_bytes(bytes).is_ok()
}

/// A PyTorch checkpoint of either kind, or a safetensors file.
pub fn state_dict(bytes: &[u8]) -> bool {
    StateDict::from_bytes(bytes).is_ok()
}

/// A pickle, in a checkpoint that is right otherwise: its checksum would keep damage from the reader of the pickle.
///
/// # Panics
/// Never: memory takes everything that is written to it.
pub fn pickle(bytes: &[u8]) -> bool {
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(bytes.len() + 2048)));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut entry = |name: &str, content: &[u8]| {
        zip.start_file(name, stored).expect("a new name");
        zip.write_all(content).expect("memory takes it");
    };
    entry("archive/data.pkl", bytes);
    entry("archive/byteorder", b"little");
    // As long as the valid pickle in the corpus says.
    for (storage, length) in [48, 48, 4, 0, 8].into_iter().enumerate() {
        entry(&format!("archive/data/{storage}"), &[0; 48][..length]);
    }
    state_dict(zip.finish().expect("memory takes it").get_ref())
}

/// An ONNX file.
pub fn onnx_model(bytes: &[u8]) -> bool {
    onnx::import_bytes(bytes, &ImportOptions::default()).is_ok()
}

/// An IDX file of images or of labels.
pub fn idx_array(bytes: &[u8]) -> bool {
    [1, 3].into_iter().any(|axes| idx::parse(bytes, bytes.len() as u64, Path::new("fuzzed"), axes).is_ok())
}

/// A file that may be gzip, with IDX labels or a tar archive inside. Gzip is read from files only.
///
/// # Panics
/// Where no temporary file can be written.
pub fn gzip(bytes: &[u8]) -> bool {
    let mut file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    file.write_all(bytes).expect("space for a temporary file");
    idx::read(file.path(), 1).is_ok() || archive::read(file.path(), &["train"]).is_ok()
}

/// A tar archive of images.
pub fn tar(bytes: &[u8]) -> bool {
    archive::parse(bytes, Path::new("fuzzed"), &["train", "test"]).is_ok()
}

/// A JPEG or PNG.
pub fn image(bytes: &[u8]) -> bool {
    decode::decode(bytes).is_ok()
}
