//! Architectures of image classifiers, with the parameter names of their PyTorch originals.
//!
//! - [`all`] and [`find`] answer [`Architecture`]s; [`Architecture::build`] makes a checked graph of one at any size.
//! - [`guess`] finds the architecture and every width from the entries of a state_dict; [`guess_with`], where some of it
//!   is known.
//! - [`load`] gives such entries to a graph, by name.
//! - [`random_model`] is for tests and benchmarks.
//!
//! One file of `zoo` defines one family. Its nodes are named so that a parameter's name is exactly the PyTorch
//! original's: the node `layer1.0.conv1` owns `layer1.0.conv1.weight`. A module that the original uses several times
//! without parameters (`layer1.0.relu`) becomes several nodes (`layer1.0.relu1`, `layer1.0.relu2`). Dropout does nothing
//! at inference and has no node. Every graph begins with the node `input`, and `normalize` where the configuration asks
//! for it.
//!
//! ```
//! let architecture = mda_models::find("ResNet-18")?;
//! let config = mda_models::Config { categories: 10, input: [3, 64, 64], ..architecture.published() };
//! let graph = architecture.build(&config)?;
//! assert!(graph.find("layer4.1.conv2").is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod architecture;
mod differences;
mod entries;
mod guess;
mod load;
mod net;
mod random;
mod registry;
mod zoo;

pub use architecture::{Architecture, BuildError, Config, MAX_WIDTH, Widths, imagenet_normalization};
pub use differences::{Differences, Entry, Mismatch};
pub use guess::{ChangedWidth, Guess, GuessError, Hints, guess, guess_with};
pub use load::{LoadErrors, Loaded, load};
pub use random::{random_images, random_model, random_parameters};
pub use registry::{UnknownArchitecture, all, find};
