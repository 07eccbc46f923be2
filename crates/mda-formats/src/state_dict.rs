//! Named tensors, as a PyTorch `state_dict` holds them, from a file of any supported format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mda_core::Tensor;
use thiserror::Error;

use crate::{PytorchError, SafetensorsError, pytorch, safetensors};

/// What training wrappers put before every name: DataParallel, Lightning and other wrappers, `torch.compile`.
const PREFIXES: [&str; 3] = ["module.", "model.", "_orig_mod."];

/// The parameters and buffers of a model, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct StateDict {
    /// Every floating-point tensor, as finite f32, row-major. Convolution kernels are `[Q, P/groups, KH, KW]`, linear
    /// weights `[Q, P]`, as in PyTorch.
    pub entries: BTreeMap<String, Tensor>,
    /// The names of `entries` in the order of the file: for PyTorch checkpoints that of the model's definition, for
    /// safetensors files that of the data.
    pub names: Vec<String>,
    /// The names of what the file has beside them in the same dict: integer tensors such as `num_batches_tracked`, and
    /// values that are no tensors.
    pub ignored: Vec<String>,
    /// The kind of file it was read from.
    pub format: Format,
    /// The keys of the checkpoint that led to the tensors, outermost first, such as `["state_dict"]`; empty where they
    /// lie at the top.
    pub nested_under: Vec<String>,
    /// What was taken off the front of every name, such as `module.`; mostly empty.
    pub stripped_prefix: String,
}

/// The kinds of weight file that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A PyTorch checkpoint as `torch.save` writes it since PyTorch 1.6.
    PytorchZip,
    /// A PyTorch checkpoint as `torch.save` wrote it before PyTorch 1.6.
    PytorchLegacy,
    /// A safetensors file.
    Safetensors,
}

/// What goes wrong when a weight file is read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateDictError {
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The content is of no supported format.
    #[error(
        "not a supported weight file (it begins with {start}): expected a PyTorch checkpoint of `torch.save` (zip, or the \
         older stream of pickles) or a safetensors file"
    )]
    Unrecognised {
        /// Its first bytes, escaped.
        start: String,
    },
    /// A PyTorch checkpoint that is malformed, hostile or no state dict.
    #[error(transparent)]
    Pytorch(#[from] PytorchError),
    /// A safetensors file that is malformed or has unsupported numbers.
    #[error(transparent)]
    Safetensors(#[from] SafetensorsError),
    /// Not one floating-point tensor.
    #[error("the file has no floating-point tensor; it has the entries {ignored:?}")]
    NoTensors {
        /// The first of the entries it has.
        ignored: Vec<String>,
    },
    /// Two entries of one name.
    #[error("the file has two entries named `{name}`; it is damaged")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A weight that is NaN or infinite.
    #[error(
        "tensor `{tensor}` has {value} at {index:?}, expected finite numbers: take a checkpoint from before the training \
         diverged (an f64 beyond the range of f32 counts as infinite)"
    )]
    NonFinite {
        /// The tensor's name in the file.
        tensor: String,
        /// The position of the number, one index for each axis.
        index: Vec<usize>,
        /// The number.
        value: f32,
    },
}

/// What the reader of one format hands over.
#[derive(Debug)]
pub(crate) struct Contents {
    /// Every entry in the order of the file; `None` for those that are no floating-point tensor.
    pub(crate) entries: Vec<(String, Option<Tensor>)>,
    pub(crate) nested_under: Vec<String>,
}

impl StateDict {
    /// Reads the weight file at `path`; the format is told by the content, whatever the file is called.
    ///
    /// # Errors
    /// [`StateDictError`] where the file cannot be read, is of no supported format, is malformed, asks for code to be run
    /// or has a weight that is not finite. Only [`StateDictError::Io`] names `path`.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, StateDictError> {
        let path = path.as_ref();
        let file = std::fs::read(path).map_err(|source| StateDictError::Io { path: path.to_owned(), source })?;
        Self::from_bytes(&file)
    }

    /// Reads a weight file that is in memory.
    ///
    /// # Errors
    /// As [`StateDict::read`].
    pub fn from_bytes(file: &[u8]) -> Result<Self, StateDictError> {
        if pytorch::is_zip(file) {
            Self::new(pytorch::read_zip(file)?, Format::PytorchZip)
        } else if pytorch::is_legacy(file) {
            Self::new(pytorch::read_legacy(file)?, Format::PytorchLegacy)
        } else if pytorch::is_tar(file) {
            Err(PytorchError::Tar.into())
        } else if safetensors::is_safetensors(file) {
            Self::new(safetensors::read(file)?, Format::Safetensors)
        } else if pytorch::is_pickle(file) {
            Err(PytorchError::BarePickle.into())
        } else {
            let start = file[..file.len().min(16)].escape_ascii();
            Err(StateDictError::Unrecognised { start: format!("\"{start}\"") })
        }
    }

    fn new(contents: Contents, format: Format) -> Result<Self, StateDictError> {
        let mut entries = BTreeMap::new();
        let mut names = Vec::new();
        let mut ignored = Vec::new();
        let prefix =
            common_prefix(contents.entries.iter().filter(|(_, tensor)| tensor.is_some()).map(|(name, _)| name));
        for (name, tensor) in contents.entries {
            let short = name.strip_prefix(&prefix).unwrap_or(&name).to_owned();
            let Some(tensor) = tensor else {
                ignored.push(short);
                continue;
            };
            if let Some(position) = tensor.first_non_finite() {
                let (index, value) = (index_of(position, tensor.shape()), tensor.data()[position]);
                return Err(StateDictError::NonFinite { tensor: name, index, value });
            }
            if entries.insert(short.clone(), tensor).is_some() {
                return Err(StateDictError::Duplicate { name });
            }
            names.push(short);
        }
        if entries.is_empty() {
            ignored.truncate(12);
            return Err(StateDictError::NoTensors { ignored });
        }
        Ok(Self { entries, names, ignored, format, nested_under: contents.nested_under, stripped_prefix: prefix })
    }
}

/// The longest run of [`PREFIXES`] that all of `names` share, and that leaves something of each.
fn common_prefix<'n>(names: impl Iterator<Item = &'n String> + Clone) -> String {
    let mut common = String::new();
    loop {
        let longer = PREFIXES.iter().map(|prefix| common.clone() + prefix);
        let shared = |prefix: &String| names.clone().all(|name| name.len() > prefix.len() && name.starts_with(prefix));
        match longer.into_iter().find(shared) {
            Some(prefix) if names.clone().next().is_some() => common = prefix,
            _ => return common,
        }
    }
}

/// The index on every axis of the number at `position` of a row-major tensor.
fn index_of(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (place, &extent) in index.iter_mut().zip(shape).rev() {
        *place = position % extent;
        position /= extent;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(names: &[&str]) -> Contents {
        let entries = names.iter().map(|name| {
            let number = name.ends_with("num_batches_tracked");
            ((*name).to_owned(), (!number).then(|| Tensor::vector(vec![1.0])))
        });
        Contents { entries: entries.collect(), nested_under: vec![] }
    }

    fn stripped(names: &[&str]) -> (String, Vec<String>) {
        let state_dict = StateDict::new(contents(names), Format::Safetensors).unwrap();
        (state_dict.stripped_prefix, state_dict.names)
    }

    #[test]
    fn a_prefix_goes_only_where_every_tensor_has_it() {
        assert_eq!(stripped(&["module.b", "module.a"]), ("module.".into(), vec!["b".into(), "a".into()]));
        assert_eq!(stripped(&["_orig_mod.module.a"]), ("_orig_mod.module.".into(), vec!["a".into()]));
        assert_eq!(stripped(&["model.a", "head.b"]), (String::new(), vec!["model.a".into(), "head.b".into()]));
        assert_eq!(stripped(&["module.", "module.a"]).0, "");
    }

    #[test]
    fn ignored_entries_lose_the_prefix_too() {
        let names = ["module.bn.weight", "module.bn.num_batches_tracked"];
        let state_dict = StateDict::new(contents(&names), Format::Safetensors).unwrap();
        assert_eq!(state_dict.ignored, ["bn.num_batches_tracked"]);
    }

    #[test]
    fn a_name_cannot_occur_twice() {
        let twice = StateDict::new(contents(&["a", "a"]), Format::Safetensors);
        assert!(matches!(twice, Err(StateDictError::Duplicate { name }) if name == "a"));
    }

    #[test]
    fn a_file_without_weights_is_an_error() {
        let error = StateDict::new(contents(&["bn.num_batches_tracked"]), Format::Safetensors).unwrap_err();
        assert!(error.to_string().contains("bn.num_batches_tracked"), "{error}");
        assert!(matches!(StateDict::from_bytes(b""), Err(StateDictError::Unrecognised { .. })));
    }

    #[test]
    fn the_error_of_an_unknown_file_shows_its_start_and_what_is_supported() {
        let error = StateDict::from_bytes(b"version https://git-lfs").unwrap_err().to_string();
        assert!(error.contains("version https://") && error.contains("safetensors"), "{error}");
    }
}
