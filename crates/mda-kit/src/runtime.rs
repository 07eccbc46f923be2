//! Where models run.

use mda_core::run::Runner;
use mda_core::run::backend::Backend;
use mda_core::run::reference::Reference;

/// How many images run at a time where nothing else is asked for.
pub const BATCH_SIZE: usize = 64;

/// A backend, a device of it, and how many images run at a time.
pub struct Runtime {
    backend: Box<dyn Backend>,
    device: Option<String>,
    batch_size: usize,
}

impl Runtime {
    /// Models run on the default device of `backend`.
    pub fn new(backend: impl Backend + 'static) -> Self {
        Self::boxed(Box::new(backend))
    }

    /// As [`Runtime::new`], for a backend that is chosen at run time.
    pub fn boxed(backend: Box<dyn Backend>) -> Self {
        Self { backend, device: None, batch_size: BATCH_SIZE }
    }

    /// The embedded backend in pure Rust, on all cores.
    #[cfg(feature = "cpu")]
    pub fn cpu() -> Self {
        Self::new(mda_backend_cpu::CpuBackend::new())
    }

    /// The slow backend that all others answer to.
    pub fn reference() -> Self {
        Self::new(Reference)
    }

    /// On a device as the backend lists it; the backend's default where `None`.
    #[must_use]
    pub fn on(mut self, device: Option<String>) -> Self {
        self.device = device;
        self
    }

    /// With so many images at a time; no result depends on it.
    ///
    /// # Panics
    /// Where `batch_size` is 0.
    #[must_use]
    pub fn with_batch_size(mut self, batch_size: usize) -> Self {
        assert!(batch_size > 0, "a batch holds at least one image");
        self.batch_size = batch_size;
        self
    }

    /// The backend.
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// The same as the core sees it.
    pub fn runner(&self) -> Runner<'_> {
        Runner { backend: &*self.backend, device: self.device.as_deref(), batch_size: self.batch_size }
    }
}
