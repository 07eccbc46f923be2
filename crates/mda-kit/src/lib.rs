//! Model disassembling and assembling: trained image classifiers as building sets.
//!
//! - [`disassemble`] cuts a small stand-alone model for some categories out of a trained classifier, without retraining.
//! - [`assemble`] joins such components, of any sources, into one classifier whose logits compete fairly.
//!
//! Both read images through [`Data`] alone, which decides who may look at which: train images decide, test images measure,
//! and no train image has two parts in one component (see [`mda_data::parts`]). Every component records its own, so that
//! assembling keeps away from what has been fitted to.
//!
//! Nothing is printed. [`Progress`] hears how the work goes and may stop it; [`Error`] says what went wrong and, through
//! [`Error::hint`], what to do next.

pub mod accuracy;
pub mod assemble;
pub mod data;
pub mod disassemble;
mod error;
pub mod import;
mod progress;
mod runtime;
pub mod samples;
pub mod source;

pub use assemble::{Assembled, Assembly, assemble};
pub use data::Data;
pub use disassemble::{Component, Disassembly, disassemble};
pub use error::Error;
pub use import::{Import, ImportError};
pub use mda_core as core;
pub use mda_core::Model;
pub use mda_data::{Preset, Split};
pub use progress::{Cancelled, Event, Progress, Silent};
pub use runtime::{BATCH_SIZE, Runtime};
pub use source::Source;
