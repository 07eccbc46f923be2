//! Tuning: what closed forms cannot win back is learned, in minutes, from the source's own answers to train images.
//!
//! The trained numbers of a model take small steps down the slope of a loss: how far its soft answers are from those of its
//! *teacher*, which is the source, and with labels how far they are from these. Statistics of BatchNorm stay as they are. What
//! is learned is judged on held-out images after every epoch, and the best numbers are kept; where none are better than those that it
//! began with, these are.

mod augment;
mod lesson;
mod loss;
mod optimiser;
mod schedule;
#[cfg(test)]
mod tests;
mod tuner;

pub use lesson::{Lesson, Teacher};
pub use tuner::{Epoch, State, Tuner};

use crate::graph::GraphErrors;
use crate::method::TuningError;
use crate::run::RunError;
use crate::run::backend::BackendError;
use thiserror::Error;

/// Why a model cannot be tuned.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TuneError {
    /// A setting that means nothing.
    #[error(transparent)]
    Options(#[from] TuningError),
    /// No image to learn from or to be judged by.
    #[error("tuning needs {what} images, got none")]
    NoImages {
        /// `train` or `held-out`.
        what: &'static str,
    },
    /// Nothing to learn from.
    #[error("nothing is to be learned: there is no source whose answers count, and labels do not count either")]
    NoTeacher,
    /// A backend that does not train.
    #[error("backend `{backend}` cannot train this model: {why}")]
    Untrainable {
        /// The backend.
        backend: String,
        /// Why not.
        why: String,
    },
    /// A state of another tuning.
    #[error("the checkpoint has {found} numbers where the model has {expected}: it is of another model")]
    OtherState {
        /// Trained numbers of the model.
        expected: usize,
        /// Numbers in the state.
        found: usize,
    },
    /// The model could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A tuned model that does not check; a defect of this crate.
    #[error("the tuned model is invalid, which is a defect of MDA: {0}")]
    Invalid(#[from] GraphErrors),
}

impl From<BackendError> for TuneError {
    fn from(error: BackendError) -> Self {
        Self::Run(error.into())
    }
}
