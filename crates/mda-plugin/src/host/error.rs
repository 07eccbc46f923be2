//! Why a plugin cannot be loaded.

use super::answers::Fault;
use crate::abi;
use crate::foreign::Unreadable;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A plugin that cannot be loaded.
#[derive(Debug, Error)]
#[error("plugin {}: {problem}", path.display())]
pub struct PluginError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: LoadProblem,
}

/// What is wrong with a plugin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// The file cannot be found or read.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// A folder, or anything else that is no file.
    #[error("not a file; give the plugin's library itself")]
    NotAFile,
    /// A part of the library is missing.
    #[error("the library is truncated: it has {found} bytes of at least {needed}; copy or build it again")]
    Truncated {
        /// The least size in bytes.
        needed: u64,
        /// The size of the file.
        found: u64,
    },
    /// The system does not load it: it is no library, is built for another machine, or needs a library that is not there.
    #[error("not a library that can be loaded here: {0}")]
    NoLibrary(String),
    /// A library, but no plugin.
    #[error("a library without the entry point of a plugin of MDA: {0}")]
    NoEntry(String),
    /// The entry point answers no table, or one that is shorter than in the oldest version.
    #[error("its entry point answers {0} as its table of functions; build the plugin again")]
    BadTable(#[from] Unreadable),
    /// The plugin was built for another interface.
    #[error(
        "built for version {found_major}.{found_minor} of the plugin interface, this program has {}.{}; \
         rebuild the plugin against this version of mda",
        abi::MAJOR,
        abi::MINOR
    )]
    Version {
        /// The plugin's major version.
        found_major: u32,
        /// The plugin's minor version.
        found_minor: u32,
    },
    /// A function is null, or came to the table in a later version than the plugin was built for.
    #[error(
        "its table of functions, of version {}.{minor} of the plugin interface, has no `{function}`; build the plugin again \
         with version {}.{} of the interface",
        abi::MAJOR,
        abi::MAJOR,
        abi::MINOR
    )]
    NoFunction {
        /// The name of the function.
        function: &'static str,
        /// The minor version that the plugin was built for.
        minor: u32,
    },
    /// The plugin loaded, but its backend could not be made.
    #[error("its backend cannot be made: {0}")]
    Refused(String),
}

impl LoadProblem {
    pub(super) fn refused(fault: Fault) -> Self {
        Self::Refused(fault.text)
    }
}
