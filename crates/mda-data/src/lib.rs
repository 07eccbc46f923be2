//! Labelled images for model disassembling: data sets on disk, their splits, and batches as a model takes them.
//!
//! [`DataSet::open`] reads the IDX files of MNIST, image folders, and image folders in tar archives.
//! [`DataSet::prepare`] brings the images to a model's channels and size; both kinds are an
//! [`ImageSource`](mda_core::run::ImageSource), whose batches are `[N, C, H, W]`, f32, pixel / 255, and are decoded
//! by threads ahead of their use. [`Parts`] says who may look at which train images.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use mda_core::run::ImageSource;
//! use mda_data::{DataSet, Preparation, Split};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let test = DataSet::open(Path::new("data/mnist"), Split::Test)?.prepare(Preparation::new(3, 32, 32)?);
//! let indices: Vec<usize> = (0..test.labels().len()).collect();
//! for batch in test.batches(&indices, 100) {
//!     assert_eq!(batch?.images.shape()[1..], [3, 32, 32]);
//! }
//! # Ok(())
//! # }
//! ```

pub mod archive;
mod batches;
mod data_set;
pub mod decode;
mod error;
mod gzip;
mod identity;
pub mod idx;
pub mod idx_folder;
pub mod image_folder;
mod left_out;
pub mod names;
mod open;
pub mod parts;
mod pixels;
mod prepare;
mod preset;
pub mod resize;
pub mod select;
mod store;
#[cfg(test)]
mod test_source;

pub use data_set::{DataSet, Split};
pub use error::DataError;
pub use identity::identity;
pub use idx_folder::{write_categories, write_idx};
pub use left_out::{LeftOut, Reason};
pub use parts::{PartSizes, Parts, PartsError, Role};
pub use pixels::Pixels;
pub use prepare::{Preparation, PreparationError, Prepared};
pub use preset::{Preset, UnknownPreset};
