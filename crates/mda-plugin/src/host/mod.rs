//! The host's side: a library becomes a backend.

mod answers;
mod backend;
mod complete;
mod error;
mod functions;
mod program;

pub use backend::PluginBackend;
pub use error::{LoadProblem, PluginError};

use crate::abi;
pub use crate::foreign::Unreadable;
use answers::{Pairs, check};
use functions::{Functions, Library, Owned};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

/// Loads the plugin at `path`, tells it to compute with `threads` threads (as many as it likes where absent), and makes its
/// backend.
///
/// Loading runs the library's code. It stays in memory until the process ends, since its threads may outlive any backend.
///
/// # Errors
/// [`PluginError`] with the path and what is wrong with the file.
pub fn load(path: &Path, threads: Option<NonZeroUsize>) -> Result<PluginBackend, PluginError> {
    let failed = |problem| PluginError { path: path.to_owned(), problem };
    let absolute = path.canonicalize().map_err(LoadProblem::Read).map_err(failed)?;
    open(absolute, threads).map_err(failed)
}

fn open(path: PathBuf, threads: Option<NonZeroUsize>) -> Result<PluginBackend, LoadProblem> {
    complete::check(&path)?;
    let library = open_library(&path).map_err(|error| LoadProblem::NoLibrary(chain(&error)))?;
    // SAFETY: a library that exports this symbol promises that it is this function.
    let entry = unsafe { library.get::<abi::Entry>(abi::ENTRY) };
    let entry = *entry.map_err(|error| LoadProblem::NoEntry(chain(&error)))?;
    // Code of the library may run for as long as the process does.
    std::mem::forget(library);
    // SAFETY: the entry takes nothing and answers a table that lives as long as the library, or null.
    let functions = unsafe { Functions::of(entry()) }?;
    let library = Arc::new(Library { path, functions });
    let host = abi::Host {
        size: size_of::<abi::Host>(),
        major: abi::MAJOR,
        minor: abi::MINOR,
        threads: threads.map_or(0, NonZeroUsize::get),
    };
    let mut handle = std::ptr::null_mut();
    // SAFETY: both pointers live until the call returns, and the failure is the library's own.
    unsafe { check((functions.create)(&raw const host, &raw mut handle)) }.map_err(LoadProblem::refused)?;
    let handle = NonNull::new(handle).ok_or_else(|| LoadProblem::Refused("it answers a null backend".into()))?;
    let handle = Owned::new(handle, functions.free_backend, Arc::clone(&library));
    // SAFETY: the handle lives.
    let identity = Pairs::ask(|sink| unsafe { (functions.identity)(handle.as_ptr(), sink) });
    match identity.map_err(LoadProblem::refused)?.as_slice() {
        [(id, version)] if !id.is_empty() => Ok(PluginBackend::new(id.clone(), version.clone(), handle, library)),
        other => Err(LoadProblem::Refused(format!("it should say one name and one version, it says {other:?}"))),
    }
}

#[cfg(unix)]
fn open_library(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: loading runs the library's initialisers; the user chose to trust them.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

#[cfg(windows)]
fn open_library(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library};
    // SAFETY: loading runs the library's initialisers; the user chose to trust them.
    unsafe { Library::load_with_flags(path, LOAD_WITH_ALTERED_SEARCH_PATH) }.map(Into::into)
}

/// An error and all that is behind it: libloading's own words are only "dlopen failed".
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
