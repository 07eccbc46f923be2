//! A plugin's checked table, and the handles that its functions make.

use super::answers::check;
use super::error::LoadProblem;
use crate::abi::{self, Failure, Plugin};
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Arc;

/// Declares [`Functions`]: the functions of [`Plugin`], none of which is missing.
macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*),)*) => {
        /// What a plugin can be asked to do.
        #[derive(Clone, Copy)]
        pub(super) struct Functions {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) -> *mut Failure,)*
        }

        impl Functions {
            fn complete(plugin: &Plugin) -> Result<Self, LoadProblem> {
                Ok(Self { $($name: plugin.$name.ok_or(LoadProblem::NoFunction(stringify!($name)))?,)* })
            }
        }
    };
}

functions! {
    create: fn(*const abi::Host, *mut *mut abi::Backend),
    free_backend: fn(*mut abi::Backend),
    identity: fn(*const abi::Backend, *const abi::Sink),
    devices: fn(*const abi::Backend, *const abi::Sink),
    unavailable: fn(*const abi::Backend, *const abi::Sink),
    unsupported: fn(*const abi::Backend, abi::Bytes, *const abi::Sink),
    compile: fn(*const abi::Backend, *const abi::Compile, *mut *mut abi::Program),
    free_program: fn(*mut abi::Program),
    session: fn(*const abi::Program, *mut *mut abi::Session),
    free_session: fn(*mut abi::Session),
    run: fn(*mut abi::Session, *const abi::Run),
}

/// The fields that come first in every version of the table.
#[repr(C)]
struct Head {
    size: usize,
    major: u32,
    minor: u32,
}

impl Functions {
    /// The functions of a table, after checking that it is one that this host understands.
    ///
    /// # Safety
    /// `table` is null or points at a table of the size that it tells, at least size and version.
    pub(super) unsafe fn of(table: *const Plugin) -> Result<Self, LoadProblem> {
        // SAFETY: the caller's promise.
        let head = unsafe { table.cast::<Head>().as_ref() }.ok_or(LoadProblem::NoTable)?;
        let Head { size, major, minor } = *head;
        if major != abi::MAJOR {
            return Err(LoadProblem::Version { found_major: major, found_minor: minor });
        }
        if size < size_of::<Plugin>() {
            return Err(LoadProblem::ShortTable { expected: size_of::<Plugin>(), found: size });
        }
        // SAFETY: it is as large as a `Plugin`.
        Self::complete(unsafe { &*table })
    }
}

/// A loaded library, which stays.
pub(super) struct Library {
    pub(super) path: PathBuf,
    pub(super) functions: Functions,
}

/// A handle that is freed by the plugin that made it.
pub(super) struct Owned<T> {
    handle: NonNull<T>,
    free: unsafe extern "C" fn(*mut T) -> *mut Failure,
    library: Arc<Library>,
}

// SAFETY: plugins promise that every handle may move between threads.
unsafe impl<T> Send for Owned<T> {}
// SAFETY: plugins promise that backends and programs may be called by several threads at once. A session's handle is only
// reached through `&mut`.
unsafe impl<T> Sync for Owned<T> {}

impl<T> Owned<T> {
    /// Takes over a handle that `free` frees.
    pub(super) fn new(
        handle: NonNull<T>,
        free: unsafe extern "C" fn(*mut T) -> *mut Failure,
        library: Arc<Library>,
    ) -> Self {
        Self { handle, free, library }
    }

    pub(super) fn as_ptr(&self) -> *mut T {
        self.handle.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the plugin made the handle, and nobody uses it any more.
        let freed = unsafe { check((self.free)(self.handle.as_ptr())) };
        if let Err(fault) = freed {
            // Nobody waits for an answer here, and nothing that was computed is wrong.
            eprintln!("warning: plugin {}: tidying up: {}", self.library.path.display(), fault.text);
        }
    }
}
