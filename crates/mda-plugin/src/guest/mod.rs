//! The plugin's side: a backend behind C functions.
//!
//! A plugin is a `cdylib` crate that calls [`export_backend!`](crate::export_backend) once. Everything else happens here.

mod calls;
mod fault;
mod guard;

use crate::abi;
use crate::foreign::place;
use crate::growing::read;
use calls::Exported;
use fault::Fault;
use guard::guarded;
#[doc(hidden)]
pub use mda_core::run::backend::Backend;
use std::num::NonZeroUsize;

/// What a plugin is told when its backend is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// How many threads to compute with; as many as the backend likes where absent.
    pub threads: Option<NonZeroUsize>,
}

/// Exports a backend from a `cdylib`: an expression that makes it, or a closure that makes it from
/// [`guest::Host`](crate::guest::Host).
///
/// ```text
/// mda_plugin::export_backend!(CpuBackend::new());
/// ```
#[macro_export]
macro_rules! export_backend {
    (|$host:ident| $backend:expr) => {
        #[cfg(panic = "abort")]
        compile_error!("a plugin is built with panic = \"unwind\": a panic that aborts takes its host along");

        /// The one symbol that the host looks up.
        #[unsafe(no_mangle)]
        pub extern "C" fn mda_plugin_entry_v1() -> *const $crate::abi::Plugin {
            fn construct($host: $crate::guest::Host) -> ::std::boxed::Box<dyn $crate::guest::Backend> {
                ::std::boxed::Box::new($backend)
            }
            unsafe extern "C" fn create(
                host: *const $crate::abi::Host,
                backend: *mut *mut $crate::abi::Backend,
            ) -> *mut $crate::abi::Failure {
                // SAFETY: the host's promises are handed on as they are.
                unsafe { $crate::guest::create(construct, env!("CARGO_PKG_VERSION"), host, backend) }
            }
            static PLUGIN: $crate::abi::Plugin = $crate::guest::plugin(create);
            &raw const PLUGIN
        }
    };
    ($backend:expr) => {
        $crate::export_backend!(|_host| $backend);
    };
}

/// The table of a plugin whose backend `create` makes.
#[doc(hidden)]
pub const fn plugin(
    create: unsafe extern "C" fn(*const abi::Host, *mut *mut abi::Backend) -> *mut abi::Failure,
) -> abi::Plugin {
    abi::Plugin {
        size: size_of::<abi::Plugin>(),
        major: abi::MAJOR,
        minor: abi::MINOR,
        create: Some(create),
        free_backend: Some(calls::free_backend),
        identity: Some(calls::identity),
        devices: Some(calls::devices),
        unavailable: Some(calls::unavailable),
        unsupported: Some(calls::unsupported),
        compile: Some(calls::compile),
        free_program: Some(calls::free_program),
        session: Some(calls::session),
        free_session: Some(calls::free_session),
        run: Some(calls::run),
    }
}

/// Makes the backend for [`abi::Plugin::create`].
///
/// # Safety
/// `host` is null or points at an [`abi::Host`] of the size that it tells, `backend` is null or may be written to.
#[doc(hidden)]
pub unsafe fn create(
    construct: fn(Host) -> Box<dyn Backend>,
    version: &'static str,
    host: *const abi::Host,
    backend: *mut *mut abi::Backend,
) -> *mut abi::Failure {
    guarded(|| {
        guard::keep_panics_quiet();
        // SAFETY: the caller's promise; a host of another major version has no more in common than its head.
        let head: abi::Head = unsafe { read(host.cast()) }?;
        if head.major != abi::MAJOR {
            let (plugin, host) = (abi::MAJOR, head.major);
            return Err(Fault::bad_call(format!("the plugin speaks interface version {plugin}, the host {host}")));
        }
        // SAFETY: the caller's promise.
        let (host, backend) = unsafe { (read(host)?, place(backend)?) };
        let made = construct(Host { threads: NonZeroUsize::new(host.threads) });
        *backend = Box::into_raw(Box::new(Exported { backend: made, version })).cast();
        Ok(())
    })
}
