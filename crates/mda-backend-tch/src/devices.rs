//! The devices that LibTorch can use here.

use mda_core::run::backend;
use mda_core::run::backend::BackendError;
use std::path::PathBuf;
use std::sync::OnceLock;
use tch::{Cuda, Device, TchError};

/// The backend's name.
pub(crate) const ID: &str = "tch";

const CPU: &str = "cpu";

/// All devices, the default first.
pub(crate) fn list() -> Vec<backend::Device> {
    let cpu =
        backend::Device { id: CPU.into(), description: format!("LibTorch on {} threads", tch::get_num_threads()) };
    let gpu = |ordinal: usize| backend::Device {
        id: format!("cuda:{ordinal}"),
        description: format!("LibTorch on NVIDIA GPU {ordinal}"),
    };
    std::iter::once(cpu).chain((0..gpus()).map(gpu)).collect()
}

/// The device called `wanted`, or the default.
///
/// # Errors
/// [`BackendError::NoDevice`] where there is none of that name.
pub(crate) fn open(wanted: Option<&str>) -> Result<Device, BackendError> {
    let Some(wanted) = wanted.filter(|&wanted| wanted != CPU) else { return Ok(Device::Cpu) };
    let gpu = (0..gpus()).find(|ordinal| wanted == format!("cuda:{ordinal}")).map(Device::Cuda);
    gpu.ok_or_else(|| BackendError::no_device(ID, Some(wanted), list()))
}

/// An error of LibTorch in the backend's words, without the C++ stack that follows its first line.
pub(crate) fn failed(error: TchError) -> BackendError {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().to_owned();
    BackendError::Failed { backend: ID.into(), message }
}

/// How many GPUs LibTorch sees. It looks for its CUDA part once, at the first question, so that part is loaded before.
fn gpus() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| if load_cuda() { usize::try_from(Cuda::device_count()).unwrap_or(0) } else { 0 })
}

/// Loads LibTorch's CUDA library, which lies beside its CPU library where there is one, and answers whether that worked.
/// Linking it instead would make the program depend on cuDNN and its like where there is no GPU at all.
fn load_cuda() -> bool {
    let Some(file) = cuda_library().filter(|file| file.exists()) else { return false };
    // SAFETY: the library is the one that belongs to the LibTorch in this process; its initialisers register CUDA there.
    match unsafe { libloading::Library::new(file) } {
        Ok(library) => {
            // What it registered has to live as long as the process.
            std::mem::forget(library);
            true
        }
        Err(_) => false,
    }
}

/// The path of LibTorch's CUDA library, beside the CPU library that this process has loaded.
#[cfg(target_os = "linux")]
fn cuda_library() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find_map(|line| {
        let path = line.get(line.find('/')?..)?;
        path.ends_with("/libtorch_cpu.so").then(|| PathBuf::from(path))
    })?;
    Some(path.with_file_name("libtorch_cuda.so"))
}

#[cfg(not(target_os = "linux"))]
fn cuda_library() -> Option<PathBuf> {
    None
}
