//! Which devices there are, and what they are called.

use crate::error::ID;
use crate::gpu::Gpu;
use crate::limits::Limits;
use mda_core::run::backend::{BackendError, Device};
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::{AdapterInfo, Backends, DeviceType, DownlevelFlags, Instance, InstanceDescriptor, InstanceFlags};

/// The adapters of this machine, the default first.
#[derive(Debug)]
pub(crate) struct Adapters(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    device: Device,
    adapter: wgpu::Adapter,
    /// Opened by the first model that is compiled for it, and again after a loss.
    gpu: Mutex<Option<Arc<Gpu>>>,
}

impl Adapters {
    /// Asks all drivers; `WGPU_BACKEND` restricts which interfaces are asked.
    pub(crate) fn find() -> Self {
        let backends = Backends::PRIMARY.with_env() & Instance::enabled_backend_features();
        if backends.is_empty() {
            return Self(Vec::new());
        }
        // Validation layers are the driver developer's; wgpu validates by itself.
        let flags = InstanceFlags::empty();
        let instance =
            Instance::new(InstanceDescriptor { backends, flags, ..InstanceDescriptor::new_without_display_handle() });
        let adapters = pollster::block_on(instance.enumerate_adapters(backends)).into_iter().filter(suffices);
        let mut entries: Vec<(AdapterInfo, Entry)> = Vec::new();
        for adapter in adapters {
            let info = adapter.get_info();
            let number = entries.iter().filter(|(other, _)| other.backend == info.backend).count();
            let id = format!("{}:{number}", info.backend.to_str());
            let device = Device { id, description: description(&info) };
            entries.push((info, Entry { device, adapter, gpu: Mutex::default() }));
        }
        entries.sort_by_key(|(info, _)| rank(info.device_type));
        Self(entries.into_iter().map(|(_, entry)| entry).collect())
    }

    pub(crate) fn devices(&self) -> Vec<Device> {
        self.0.iter().map(|entry| entry.device.clone()).collect()
    }

    /// The device called `id`, or the default, opened.
    ///
    /// # Errors
    /// [`BackendError::NoDevice`] where there is none of that name or none at all, [`BackendError::Failed`] where it
    /// cannot be opened.
    pub(crate) fn open(&self, id: Option<&str>) -> Result<Arc<Gpu>, BackendError> {
        let entry = self.entry(id)?;
        let mut gpu = entry.gpu.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gpu) = gpu.as_ref().filter(|gpu| gpu.check().is_ok()) {
            return Ok(Arc::clone(gpu));
        }
        let opened = Gpu::open(&entry.adapter, entry.adapter.limits())?;
        Ok(Arc::clone(gpu.insert(Arc::new(opened))))
    }

    fn entry(&self, id: Option<&str>) -> Result<&Entry, BackendError> {
        let entry = self.0.iter().find(|entry| id.is_none_or(|id| entry.device.id == id));
        entry.ok_or_else(|| BackendError::no_device(ID, id, self.devices()))
    }

    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// The default device, whose shaders see only `bytes` of a buffer.
    #[cfg(test)]
    pub(crate) fn limited(&self, bytes: u64) -> Result<Gpu, BackendError> {
        let adapter = &self.entry(None)?.adapter;
        Gpu::open(adapter, wgpu::Limits { max_storage_buffer_binding_size: bytes, ..adapter.limits() })
    }
}

fn suffices(adapter: &wgpu::Adapter) -> bool {
    let flags = adapter.get_downlevel_capabilities().flags;
    flags.contains(DownlevelFlags::COMPUTE_SHADERS) && Limits::suffice(&adapter.limits())
}

/// Real GPUs come before software.
fn rank(kind: DeviceType) -> u8 {
    match kind {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    }
}

fn description(info: &AdapterInfo) -> String {
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => "discrete GPU",
        DeviceType::IntegratedGpu => "integrated GPU",
        DeviceType::VirtualGpu => "virtual GPU",
        DeviceType::Other => "unknown kind",
        DeviceType::Cpu => "software on the CPU",
    };
    let driver = [info.driver.as_str(), info.driver_info.as_str()].map(str::trim).join(" ");
    let parts = [info.name.trim(), kind, driver.trim()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
