//! The wgpu backend as a plugin.

mda_plugin::export_backend!(mda_backend_wgpu::WgpuBackend::new());
