//! Constants that lie in files beside the model's.

use super::budget::Budget;
use super::fault::Fault;
use crate::onnx::OnnxError;
use crate::onnx::proto;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// The folder of the model's file, and the files in it that have been opened.
#[derive(Default)]
pub(super) struct Folder {
    path: Option<PathBuf>,
    files: HashMap<PathBuf, (File, u64)>,
}

impl Folder {
    /// The folder of the model file `path`.
    pub(super) fn of(path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { path: Some(folder.to_owned()), files: HashMap::new() }
    }

    /// The `size` bytes of `tensor`, which may lie nowhere but in this folder or below.
    pub(super) fn read(
        &mut self,
        tensor: &proto::Tensor,
        size: Option<usize>,
        budget: &mut Budget,
    ) -> Result<Vec<u8>, Fault> {
        let wrong = |problem: String| Fault::from(OnnxError::Tensor { tensor: tensor.name.clone(), problem });
        let entry =
            |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value[..]);
        let number = |key: &str| match entry(key).map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(error)) => Err(wrong(format!("`{key}` of its external data: {error}"))),
        };
        let location = entry("location").ok_or_else(|| wrong("external data without a location".into()))?;
        let size = size.ok_or_else(|| wrong(format!("extents {:?}", tensor.dims)))? as u64;
        let offset = number("offset")?.unwrap_or(0);
        if number("length")?.is_some_and(|length| length != size) {
            return Err(wrong(format!("extents {:?} take {size} bytes, its external data has others", tensor.dims)));
        }
        let unreadable = |problem: String| wrong(format!("external data in `{location}`: {problem}"));
        let (file, length) = self.open(location, budget).map_err(unreadable)?;
        if offset.checked_add(size).is_none_or(|end| end > *length) {
            return Err(unreadable(format!("{size} bytes from {offset} on, but the file has {length}")));
        }
        // As many numbers as f32 takes; the same bytes may be asked for again and again.
        budget.take(size as usize / size_of::<f32>())?;
        let mut bytes = vec![0; size as usize];
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|error| unreadable(error.to_string()))?;
        Ok(bytes)
    }

    fn open(&mut self, location: &str, budget: &mut Budget) -> Result<&mut (File, u64), String> {
        const OUTSIDE: &str = "only files in the model's folder are read";
        let folder = self.path.as_deref().ok_or("there is no folder to look in; import the model by its path")?;
        let inside = Path::new(location).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || location.is_empty() {
            return Err(OUTSIDE.into());
        }
        let folder = folder.canonicalize().map_err(|error| error.to_string())?;
        let path = folder.join(location).canonicalize().map_err(|error| error.to_string())?;
        // A link may lead elsewhere.
        if !path.starts_with(&folder) || !path.is_file() {
            return Err(OUTSIDE.into());
        }
        match self.files.entry(path) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(vacant) => {
                let file = File::open(vacant.key()).map_err(|error| error.to_string())?;
                let length = file.metadata().map_err(|error| error.to_string())?.len();
                budget.extend(usize::try_from(length).unwrap_or(usize::MAX));
                Ok(vacant.insert((file, length)))
            }
        }
    }
}
