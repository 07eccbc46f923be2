//! Model disassembling and assembling: trained image classifiers as building sets.
//!
//! - [`disassemble()`] cuts a small stand-alone model for some categories out of a trained classifier, without retraining.
//! - [`assemble()`] joins such components, of any sources, into one classifier whose logits compete fairly.
//! - [`tune()`] lets either learn its sources' own answers, without labels, for what cutting alone cannot keep.
//! - [`study`] does either with many settings and seeds, and tells which are worth most.
//!
//! ```
//! use mda::{Data, Runtime, Source, samples};
//!
//! # fn main() -> Result<(), mda::Error> {
//! # let folder = std::env::temp_dir().join(format!("mda-doc-{}", std::process::id()));
//! let digits = samples::MNIST.unpack(&folder)?;
//! let clothes = samples::FASHION_MNIST.unpack(&folder)?;
//! let cpu = Runtime::cpu();
//!
//! // Any checkpoint or ONNX file would do: `Source::open("vgg16.pth").preset(Preset::Cifar10).load()?`.
//! let (digits, clothes) = ((Source::open(digits.model).load()?, digits.data), (Source::open(clothes.model).load()?, clothes.data));
//! let data = [Data::open(digits.1, digits.0.model())?, Data::open(clothes.1, clothes.0.model())?];
//! let few = mda::disassemble(&digits.0, &data[0]).task("0-2")?.keep_params(0.2).run(&cpu)?;
//! let bags = mda::disassemble(&clothes.0, &data[1]).task("Bag,Sneaker")?.keep_params(0.2).run(&cpu)?;
//!
//! let both = mda::assemble([&few, &bags]).calibrated(&data).run(&cpu)?;
//! both.export_onnx(folder.join("both.onnx"))?;
//! let measured = both.measure(&[&data[0], &data[1]], &cpu)?;
//! assert!(measured.iter().all(|component| component.joint.percent() > 90.0));
//! # std::fs::remove_dir_all(folder).ok();
//! # Ok(())
//! # }
//! ```
//!
//! Both read images through [`Data`] alone, which decides who may look at which: train images decide, test images measure,
//! and no train image has two parts in one component (see [`mda_data::parts`]). Every component records its own, so that
//! assembling keeps away from what has been fitted to.
//!
//! Nothing is printed. [`Progress`] hears how the work goes and may stop it; [`Error`] says what went wrong and, through
//! [`Error::hint`], what to do next.

pub mod accuracy;
pub mod assemble;
pub mod card;
pub mod catalogue;
pub mod data;
pub mod demo;
pub mod disassemble;
mod error;
pub mod import;
mod memory;
pub mod predict;
mod progress;
pub mod report;
mod runtime;
pub mod samples;
mod side_by_side;
pub mod source;
mod statistics;
pub mod study;
pub mod tune;
mod unlabelled;

pub use assemble::{Assembled, Assembly, assemble};
pub use card::card;
pub use catalogue::{Catalogue, catalogue};
pub use data::Data;
pub use disassemble::{Component, Disassembly, disassemble};
pub use error::{Error, chain};
pub use import::{Import, ImportError};
pub use mda_core as core;
pub use mda_core::Model;
pub use mda_data::{Preset, Split};
pub use memory::peak_mib;
pub use progress::{Cancelled, Event, Headway, Progress, Silent};
pub use report::report;
pub use runtime::{BATCH_SIZE, Runtime};
pub use source::Source;
pub use statistics::{Observing, Statistics, observe};
pub use tune::{Tune, Tuned, tune};
