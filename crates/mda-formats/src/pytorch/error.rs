//! What goes wrong when a PyTorch checkpoint is read.

use thiserror::Error;

use super::{ArchiveError, LayoutError, PickleError};

/// What is wrong with a PyTorch checkpoint.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PytorchError {
    /// The zip archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A zip archive that is no checkpoint.
    #[error(
        "the zip archive has no `data.pkl` in a folder of its own, so it is no PyTorch checkpoint; it begins with {entries:?}"
    )]
    NoPickle {
        /// Some of the entries it has.
        entries: Vec<String>,
    },
    /// A TorchScript archive.
    #[error(
        "the file is a TorchScript program, not a state dict: load it with `torch.jit.load` and save `model.state_dict()` \
         with `torch.save`"
    )]
    TorchScript,
    /// The tar format of PyTorch 0.1.
    #[error(
        "the file is a tar archive, as PyTorch 0.1 wrote its checkpoints: load it with `torch.load` of PyTorch 2.5 or older \
         and save it again with `torch.save`"
    )]
    Tar,
    /// A pickle without the marks of `torch.save`.
    #[error(
        "the file is a bare pickle, not a PyTorch checkpoint (nothing was run): save `model.state_dict()` with `torch.save`"
    )]
    BarePickle,
    /// A pickle of the checkpoint cannot be read.
    #[error("in the pickle of the {part}")]
    Pickle {
        /// Which pickle: the magic number, the protocol version, the machine, the object or the list of storages.
        part: &'static str,
        /// What is wrong with it.
        #[source]
        source: PickleError,
    },
    /// A header pickle of the older format holds something else.
    #[error("the pickle of the {part} should hold {expected}, found {found}; the file is damaged")]
    Header {
        /// Which pickle.
        part: &'static str,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: &'static str,
    },
    /// A protocol version other than the only one there was.
    #[error("protocol version {found} of the older checkpoint format; only {expected} is known")]
    Protocol {
        /// The version in the file.
        found: i64,
        /// The version that is known.
        expected: i64,
    },
    /// Numbers stored with the most significant byte first.
    #[error("the checkpoint was saved on a big-endian machine: load and save it again on a little-endian one")]
    BigEndian,
    /// The list of storages names one that no tensor uses, so its size is unknown.
    #[error("the list of storages names `{key}`, which the object does not use; the file is damaged")]
    UnknownStorage {
        /// The storage's name.
        key: String,
    },
    /// A storage used with two number sizes.
    #[error("the storage `{key}` is used with two number types of different size; the file is damaged")]
    StorageTypes {
        /// The storage's name.
        key: String,
    },
    /// The data of a storage reaches beyond the file.
    #[error("byte {offset}: the storage `{key}` that begins here reaches beyond the file: it is cut short or damaged")]
    StorageCut {
        /// The storage's name.
        key: String,
        /// Where it begins.
        offset: usize,
    },
    /// The checkpoint holds something other than a dict.
    #[error("the checkpoint holds {found}, expected a dict of tensors: save `model.state_dict()` with `torch.save`")]
    NotADict {
        /// What it holds.
        found: &'static str,
    },
    /// No dict with tensors in any of the places where training scripts put one.
    #[error(
        "the checkpoint has no dict of tensors; it has the keys {keys:?}, expected tensors, or a dict of tensors under \
         `state_dict`, `model_state_dict`, `model_state`, `model` or `net`"
    )]
    NoStateDict {
        /// The first keys it has.
        keys: Vec<String>,
    },
    /// Several dicts with tensors and none in the usual places.
    #[error("the checkpoint has several dicts of tensors, {keys:?}: save the one you mean alone, under `state_dict`")]
    Ambiguous {
        /// The keys of those dicts.
        keys: Vec<String>,
    },
    /// A key of the state dict that is no text.
    #[error("a tensor of the state dict has {found} for a name, expected a text")]
    Key {
        /// What the key is.
        found: &'static str,
    },
    /// A tensor cannot be read from the file.
    #[error("tensor `{tensor}`")]
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong with its place in the file.
        #[source]
        source: LayoutError,
    },
}
