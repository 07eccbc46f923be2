//! Why a file cannot be imported.

use mda_core::graph::GraphErrors;
use mda_data::{DataError, UnknownPreset};
use mda_formats::{OnnxError, StateDictError};
use mda_models::{BuildError, GuessError, LoadErrors, UnknownArchitecture};
use std::path::PathBuf;
use thiserror::Error;

/// Why a file cannot be imported as asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// An architecture for a file that has its own.
    #[error("an ONNX file brings its own architecture; leave the architecture (--arch) out")]
    OwnArchitecture,
    /// Something that MDA's own file says itself.
    #[error(
        "{} is a model file of MDA, which has its architecture, its image size and its normalisation: leave out --arch, \
         --input, --range, --mean and --std",
        path.display()
    )]
    SaysItself {
        /// The file.
        path: PathBuf,
    },
    /// A normalisation for another number of channels.
    #[error(
        "{whose} give {means} means and {deviations} standard deviations, but the network takes images of {channels} \
         channel(s): give --mean and --std with one number, or one a channel"
    )]
    Normalization {
        /// What gave the normalisation.
        whose: String,
        /// Its means.
        means: usize,
        /// Its standard deviations.
        deviations: usize,
        /// The channels.
        channels: usize,
    },
    /// An ONNX file that cannot be read.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// Weights that cannot be read.
    #[error("importing {}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<StateDictError>,
    },
    /// A preset that is not known.
    #[error(transparent)]
    Preset(#[from] UnknownPreset),
    /// An architecture that is not known.
    #[error(transparent)]
    Architecture(#[from] UnknownArchitecture),
    /// Weights of no architecture that is known.
    #[error("importing {}", path.display())]
    Guess {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<GuessError>,
    },
    /// An architecture that cannot be built in that size.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Weights that do not fit the architecture.
    #[error("loading {} into {architecture}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The architecture.
        architecture: &'static str,
        /// What differs.
        source: Box<LoadErrors>,
    },
    /// A model that does not check, such as one with another number of category names.
    #[error(transparent)]
    Model(#[from] GraphErrors),
    /// A data set whose names cannot be read.
    #[error("opening {}", path.display())]
    Names {
        /// The data set.
        path: PathBuf,
        /// Why.
        source: Box<DataError>,
    },
}

impl ImportError {
    /// What to do next, where that is known; `told_input` says whether the size of the images was given.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Onnx(error) => of_onnx(error),
            Self::Weights { .. } => {
                Some("PyTorch checkpoints, safetensors state_dicts and files called `.onnx` can be imported")
            }
            Self::Guess { .. } => {
                Some("--arch NAME says which architecture it is, --input ROWSxCOLUMNS how large the images are")
            }
            _ => None,
        }
    }
}

fn of_onnx(error: &OnnxError) -> Option<&'static str> {
    match error {
        OnnxError::File { problem, .. } => of_onnx(problem),
        OnnxError::Input { .. } => {
            Some("--input ROWSxCOLUMNS says how large the images are, --input CHANNELSxROWSxCOLUMNS also how deep")
        }
        OnnxError::Node { op, .. } if op == "Input" => Some(
            "--mean and --std take one number, or one for each channel of the images; a preset of colour images has three",
        ),
        OnnxError::Unsupported(_) => Some("`File formats` in the documentation lists the operators that are known"),
        _ => None,
    }
}
