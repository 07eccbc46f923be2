//! Methods as values: what a person writes on a command line, in a recipe or in a file's provenance.
//!
//! In come names and numbers; out go values that the stages below obey. Nothing here computes on a model, so everything
//! may speak of methods: the one paradigm is [`Formulation`], what makes up for a cut is [`Repair`],
//! and how that is tuned is [`Tuning`].

mod extremes;
mod formulation;
mod measure;
mod repair;
mod tuning;

pub use formulation::{
    Accumulation, Competition, ENOUGH_IMAGES, Formulation, FormulationError, Normalization, Propagation, Threshold,
    presets,
};
pub use measure::Measure;
pub use repair::{REPAIRS, Repair, RidgeOptions, UnknownRepair};
pub use tuning::{Optimiser, Schedule, Tuning, TuningError};
