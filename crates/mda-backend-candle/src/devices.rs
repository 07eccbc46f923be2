//! The devices that candle can use here.

use crate::opened::Opened;
use candle_core::Device;
use mda_core::run::backend;
use mda_core::run::backend::BackendError;

/// The backend's name.
pub(crate) const ID: &str = "candle";

const CPU: &str = "cpu";

/// The GPUs in use, by ordinal, for as long as the process lives.
static GPUS: Opened<Device> = Opened::new();

fn gpu(ordinal: usize) -> candle_core::Result<Device> {
    GPUS.get(ordinal, Device::new_cuda)
}

/// All devices, the default first.
pub(crate) fn list() -> Vec<backend::Device> {
    let threads = candle_core::utils::get_num_threads();
    let cpu = backend::Device { id: CPU.into(), description: format!("candle on {threads} threads") };
    std::iter::once(cpu)
        .chain(gpus().into_iter().map(|(id, description)| backend::Device { id, description }))
        .collect()
}

/// The device called `wanted`, or the default; a GPU is opened when it is first asked for.
///
/// # Errors
/// [`BackendError::NoDevice`] where there is none of that name, [`BackendError::Failed`] where it does not open.
pub(crate) fn open(wanted: Option<&str>) -> Result<Device, BackendError> {
    let Some(wanted) = wanted.filter(|&wanted| wanted != CPU) else { return Ok(Device::Cpu) };
    match gpus().iter().position(|(id, _)| id == wanted) {
        Some(ordinal) => gpu(ordinal).map_err(failed),
        None => Err(BackendError::no_device(ID, Some(wanted), list())),
    }
}

/// An error of candle in the backend's words.
pub(crate) fn failed(error: candle_core::Error) -> BackendError {
    BackendError::Failed { backend: ID.into(), message: error.to_string() }
}

/// Name and description of every GPU that opens here, by ordinal.
#[cfg(feature = "cuda")]
fn gpus() -> Vec<(String, String)> {
    use candle_core::cuda_backend::cudarc::driver::CudaContext;
    use std::sync::OnceLock;

    static FOUND: OnceLock<Vec<(String, String)>> = OnceLock::new();
    let described = |ordinal: usize| {
        gpu(ordinal).ok()?;
        let name = CudaContext::new(ordinal).and_then(|context| context.name()).ok()?;
        Some((format!("cuda:{ordinal}"), format!("candle on {name}")))
    };
    let search = || {
        let count = CudaContext::device_count().unwrap_or(0);
        (0..usize::try_from(count).unwrap_or(0)).map_while(described).collect()
    };
    // A build that loads NVIDIA's libraries late panics where one is missing, so the driver is looked for first. Where there
    // is a driver but, say, no cuBLAS, the panic's message says so and the device is not usable.
    let found = || if driver_loads() { std::panic::catch_unwind(search).unwrap_or_default() } else { Vec::new() };
    FOUND.get_or_init(found).clone()
}

#[cfg(feature = "cuda")]
fn driver_loads() -> bool {
    let name = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };
    // SAFETY: the driver's initialisers have no preconditions, and every program that uses CUDA loads it.
    unsafe { libloading::Library::new(name) }.is_ok()
}

#[cfg(not(feature = "cuda"))]
fn gpus() -> Vec<(String, String)> {
    Vec::new()
}
