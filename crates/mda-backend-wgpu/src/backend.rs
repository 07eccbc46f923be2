//! The backend traits over plans.

use crate::adapters::Adapters;
use crate::error::ID;
use crate::gpu::Gpu;
use crate::plan::Plan;
use crate::session::Running;
use mda_core::Model;
use mda_core::run::backend::{Backend, BackendError, Device, Probe, Program, Session, Unsupported};
use std::sync::{Arc, OnceLock};

/// The GPU backend, `wgpu`.
///
/// It costs nothing until it is asked for its devices; a device is opened by the first model that is compiled for it, and
/// its pipelines serve all models of this value. Devices are called `vulkan:0`, `metal:0`, `dx12:0` and so on, in the order
/// in which the driver lists them.
#[derive(Debug, Default)]
pub struct WgpuBackend {
    adapters: OnceLock<Adapters>,
}

impl WgpuBackend {
    /// The backend over all adapters of this machine.
    pub fn new() -> Self {
        Self::default()
    }

    #[cfg(test)]
    pub(crate) fn over(adapters: Adapters) -> Self {
        Self { adapters: OnceLock::from(adapters) }
    }

    pub(crate) fn adapters(&self) -> &Adapters {
        self.adapters.get_or_init(Adapters::find)
    }
}

impl Backend for WgpuBackend {
    fn id(&self) -> &str {
        ID
    }

    fn devices(&self) -> Vec<Device> {
        self.adapters().devices()
    }

    fn unavailable(&self) -> Option<String> {
        let missing = "no driver of Vulkan, Metal or Direct3D 12 offers a device with compute shaders; on Linux, a package \
                       such as mesa-vulkan-drivers has one in software";
        self.adapters().devices().is_empty().then(|| missing.to_owned())
    }

    /// Every operation runs. Whether a value or a weight is too large depends on the device, so `compile` says it.
    fn unsupported(&self, _model: &Model) -> Vec<Unsupported> {
        Vec::new()
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        probes.iter().try_for_each(|probe| probe.shape(model, 1).map(drop))?;
        let gpu = self.adapters().open(device)?;
        let plan = gpu.guarded(|| Plan::new(&gpu, model, probes))?;
        Ok(Box::new(Compiled { gpu, plan: Arc::new(plan) }))
    }
}

#[derive(Debug)]
struct Compiled {
    gpu: Arc<Gpu>,
    plan: Arc<Plan>,
}

impl Program for Compiled {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        self.gpu.check()?;
        Ok(Box::new(Running::new(Arc::clone(&self.gpu), Arc::clone(&self.plan))))
    }
}
