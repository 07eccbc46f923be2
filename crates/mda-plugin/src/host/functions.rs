//! A plugin's checked table, and the handles that its functions make.

use super::answers::check;
use super::error::LoadProblem;
use crate::abi::{self, Failure, Head, Plugin};
use crate::growing::read;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Arc;

/// Declares functions of a table that belong together: a plugin has all of them, or cannot do what they are for. Those of a
/// later version are a group of their own, so that its absence is no more than that.
macro_rules! functions {
    ($(#[$about:meta])* $group:ident of $table:ident: $($name:ident: fn($($argument:ty),*),)*) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub(super) struct $group {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) -> *mut Failure,)*
        }

        impl $group {
            /// The functions in a table of that minor version.
            ///
            /// # Errors
            /// [`LoadProblem::NoFunction`] with the first that is absent.
            pub(super) fn complete(table: &$table, minor: u32) -> Result<Self, LoadProblem> {
                Ok(Self {
                    $($name: table.$name.ok_or(LoadProblem::NoFunction { function: stringify!($name), minor })?,)*
                })
            }
        }
    };
}

functions! {
    /// What every plugin can be asked to do.
    Functions of Plugin:
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

impl Functions {
    /// The functions of a table, after checking that it is one that this host understands.
    ///
    /// # Safety
    /// `table` is null, misaligned or points at a table of the size that it tells, at least size and version.
    pub(super) unsafe fn of(table: *const Plugin) -> Result<Self, LoadProblem> {
        // SAFETY: the caller's promise; a table of another major version has no more in common than its head.
        let Head { major, minor, .. } = unsafe { read(table.cast()) }?;
        if major != abi::MAJOR {
            return Err(LoadProblem::Version { found_major: major, found_minor: minor });
        }
        // SAFETY: the caller's promise.
        Self::complete(&unsafe { read(table) }?, minor)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growing::Growing;
    use mda_testkit::cdylib;

    /// The table of a host to come, which knows one function more.
    #[derive(Clone, Copy)]
    #[repr(C)]
    pub(super) struct Grown {
        plugin: Plugin,
        train: Option<unsafe extern "C" fn(*mut u64) -> *mut Failure>,
    }

    // SAFETY: it begins as today's table does, and a function that is null is none.
    unsafe impl Growing for Grown {
        const NAME: &'static str = "Plugin";
        const SIZES: &'static [usize] = &[Plugin::SIZES[0], size_of::<Self>()];
    }

    functions! {
        /// What is new.
        Training of Grown:
        train: fn(*mut u64),
    }

    /// What the host to come finds in a plugin: what is known today, and what is new.
    fn grown(plugin: &str) -> (Functions, Result<Training, LoadProblem>) {
        // SAFETY: the fixtures' initialisers do nothing; an entry point answers a table.
        let table = unsafe {
            let library = std::mem::ManuallyDrop::new(libloading::Library::new(cdylib::example(plugin)).unwrap());
            library.get::<abi::Entry>(abi::ENTRY).unwrap()()
        };
        // SAFETY: a table of the size that it tells.
        let grown = unsafe { read::<Grown>(table.cast()) }.unwrap();
        let minor = grown.plugin.minor;
        (Functions::complete(&grown.plugin, minor).unwrap(), Training::complete(&grown, minor))
    }

    #[test]
    fn a_grown_host_loads_a_plugin_of_version_1_0_and_says_what_it_lacks() {
        let (functions, training) = grown("version_1_0");
        // SAFETY: the function takes any handle.
        unsafe { check((functions.free_backend)(std::ptr::null_mut())) }.unwrap();
        let Err(lacking) = training else { panic!("what lies behind its table is taken for a function") };
        assert!(matches!(lacking, LoadProblem::NoFunction { function: "train", minor: 0 }));
        let said = lacking.to_string();
        assert!(said.contains("version 1.0") && said.contains("no `train`") && said.contains("build"), "{said}");
    }

    #[test]
    fn a_grown_host_finds_the_function_of_a_grown_plugin() {
        let (_, training) = grown("version_1_9");
        let mut step = 41;
        // SAFETY: the function takes a number.
        unsafe { check((training.unwrap().train)(&raw mut step)) }.unwrap();
        assert_eq!(step, 42);
    }
}
