//! An opened device: every call to it is guarded, so that whatever goes wrong there is an error here.

use crate::error::failed;
use crate::kernel::Kernel;
use crate::limits::Limits;
use mda_core::run::backend::BackendError;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wgpu::{Buffer, BufferUsages, ComputePipeline, ErrorFilter, ShaderModule};

/// A device with its queue and the pipelines that have been compiled for it.
#[derive(Debug)]
pub(crate) struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    limits: Limits,
    modules: Mutex<HashMap<&'static str, ShaderModule>>,
    pipelines: Mutex<HashMap<Kernel, ComputePipeline>>,
    /// What the device reported outside of any call: its loss, above all.
    fault: Fault,
}

type Fault = Arc<Mutex<Option<String>>>;

impl Gpu {
    /// Opens `adapter` with `required_limits`.
    ///
    /// # Errors
    /// [`BackendError::Failed`] where the driver refuses.
    pub(crate) fn open(adapter: &wgpu::Adapter, required_limits: wgpu::Limits) -> Result<Self, BackendError> {
        let descriptor = wgpu::DeviceDescriptor { label: Some("mda"), required_limits, ..Default::default() };
        let opened = catch(|| pollster::block_on(adapter.request_device(&descriptor)))?;
        let (device, queue) = opened.map_err(|error| failed(format!("opening the device: {error}")))?;
        let fault = Fault::default();
        let (lost, uncaptured) = (Arc::clone(&fault), Arc::clone(&fault));
        device.set_device_lost_callback(move |reason, message| {
            report(&lost, format!("the device is lost: {reason:?} {message}"))
        });
        device.on_uncaptured_error(Arc::new(move |error| report(&uncaptured, error.to_string())));
        let limits = Limits::of(&device.limits());
        Ok(Self { device, queue, limits, modules: Mutex::default(), pipelines: Mutex::default(), fault })
    }

    pub(crate) fn device(&self) -> &wgpu::Device {
        &self.device
    }

    pub(crate) fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether the device can still be used.
    pub(crate) fn check(&self) -> Result<(), BackendError> {
        match &*lock(&self.fault) {
            None => Ok(()),
            Some(fault) => Err(failed(fault.clone())),
        }
    }

    /// Runs `work`; answers its result, or what the device reported meanwhile.
    pub(crate) fn guarded<T>(&self, work: impl FnOnce() -> Result<T, BackendError>) -> Result<T, BackendError> {
        self.check()?;
        let filters = [ErrorFilter::Validation, ErrorFilter::Internal, ErrorFilter::OutOfMemory];
        let scopes = filters.map(|filter| self.device.push_error_scope(filter));
        let result = catch(work);
        // Scopes are a stack.
        let errors = scopes.into_iter().rev().map(|scope| pollster::block_on(scope.pop()));
        let error = errors.fold(None, Option::or);
        let result = match error {
            None => result.and_then(|result| result),
            Some(error) => Err(failed(error.to_string())),
        };
        if result.is_err() {
            // The loss of a device is reported while it is asked for news.
            let _ = catch(|| self.device.poll(wgpu::PollType::Poll));
        }
        self.check()?;
        result
    }

    /// An empty buffer of at least `bytes`.
    pub(crate) fn buffer(&self, bytes: u64, usage: BufferUsages) -> Buffer {
        let size = bytes.max(4).next_multiple_of(4);
        self.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    }

    /// A buffer that shaders read, holding `bytes`.
    pub(crate) fn constant(&self, bytes: &[u8]) -> Buffer {
        let buffer = self.buffer(bytes.len() as u64, BufferUsages::STORAGE | BufferUsages::COPY_DST);
        self.queue.write_buffer(&buffer, 0, bytes);
        buffer
    }

    /// The pipeline of `kernel`, compiled when it is first asked for.
    pub(crate) fn pipeline(&self, kernel: Kernel) -> ComputePipeline {
        let mut pipelines = lock(&self.pipelines);
        let compile = || self.compile(kernel);
        pipelines.entry(kernel).or_insert_with(compile).clone()
    }

    /// The kernels that have been compiled.
    #[cfg(test)]
    pub(crate) fn kernels(&self) -> Vec<Kernel> {
        lock(&self.pipelines).keys().copied().collect()
    }

    fn compile(&self, kernel: Kernel) -> ComputePipeline {
        let mut modules = lock(&self.modules);
        let module = modules.entry(kernel.source().name).or_insert_with(|| {
            let source = wgpu::ShaderSource::Wgsl(kernel.source().text().into());
            self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(kernel.source().name), source })
        });
        let constants = kernel.constants();
        self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.entry()),
            layout: None,
            module,
            entry_point: Some(kernel.entry()),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: constants.as_slice(),
                // Every kernel writes what it reads of the memory that a workgroup shares.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn report(fault: &Fault, message: String) {
    lock(fault).get_or_insert(message);
}

/// wgpu panics where it cannot report, on the loss of a device for example.
fn catch<T>(work: impl FnOnce() -> T) -> Result<T, BackendError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        failed(format!("the driver's interface panicked: {}", text.unwrap_or_default()))
    })
}
