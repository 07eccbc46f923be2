//! Typed tensors of a safetensors file, which may be compressed.

use super::GoldenError;
use flate2::read::GzDecoder;
use mda_core::Tensor;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// No file of golden data is larger when unpacked.
const LARGEST: u64 = 256 << 20;

/// The bytes of a file that has been checked.
pub(super) struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
    names: Vec<String>,
}

impl TensorFile {
    /// Reads `path`, or `path.gz` where that does not exist.
    pub(super) fn open(path: PathBuf) -> Result<Self, GoldenError> {
        let bytes = read(&path).map_err(|source| GoldenError::Read { path: path.clone(), source })?;
        let names = match SafeTensors::deserialize(&bytes) {
            Ok(file) => file.names().into_iter().map(str::to_owned).collect(),
            Err(source) => return Err(GoldenError::Format { path, source }),
        };
        Ok(Self { path, bytes, names })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(super) fn error(&self, tensor: &str, expected: &'static str, found: impl Into<String>) -> GoldenError {
        GoldenError::Tensor { path: self.path.clone(), tensor: tensor.into(), expected, found: found.into() }
    }

    fn view(&self, name: &str, dtype: Dtype, expected: &'static str) -> Result<TensorView<'_>, GoldenError> {
        let file = SafeTensors::deserialize(&self.bytes);
        let view =
            file.and_then(|file| file.tensor(name)).map_err(|error| self.error(name, expected, error.to_string()))?;
        if view.dtype() == dtype {
            Ok(view)
        } else {
            Err(self.error(name, expected, format!("{:?} {:?}", view.dtype(), view.shape())))
        }
    }

    /// An f32 tensor.
    pub(super) fn floats(&self, name: &str) -> Result<Tensor, GoldenError> {
        let expected = "f32";
        let view = self.view(name, Dtype::F32, expected)?;
        let numbers = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        Tensor::new(view.shape(), numbers).map_err(|error| self.error(name, expected, error.to_string()))
    }

    /// Images `[N, C, H, W]`, pixel / 255.
    pub(super) fn pixels(&self, name: &str) -> Result<Tensor, GoldenError> {
        let expected = "u8 images";
        let view = self.view(name, Dtype::U8, expected)?;
        let numbers = view.data().iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
        Tensor::new(view.shape(), numbers).map_err(|error| self.error(name, expected, error.to_string()))
    }

    /// Non-negative i64 numbers.
    pub(super) fn indices(&self, name: &str) -> Result<Vec<usize>, GoldenError> {
        let expected = "non-negative i64 numbers";
        let view = self.view(name, Dtype::I64, expected)?;
        let numbers = view.data().as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes));
        numbers.map(|n| usize::try_from(n).map_err(|_| self.error(name, expected, n.to_string()))).collect()
    }

    /// The rows of a u8 matrix of zeros and ones.
    pub(super) fn flags(&self, name: &str) -> Result<Vec<Vec<bool>>, GoldenError> {
        let expected = "u8 rows of flags";
        let view = self.view(name, Dtype::U8, expected)?;
        match view.shape() {
            &[_, columns] if columns > 0 => {
                Ok(view.data().chunks(columns).map(|row| row.iter().map(|&flag| flag != 0).collect()).collect())
            }
            shape => Err(self.error(name, expected, format!("u8 {shape:?}"))),
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(LARGEST).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut compressed = path.as_os_str().to_owned();
            compressed.push(".gz");
            GzDecoder::new(File::open(compressed)?).take(LARGEST).read_to_end(&mut bytes)?
        }
        Err(error) => return Err(error),
    };
    Ok(bytes)
}
