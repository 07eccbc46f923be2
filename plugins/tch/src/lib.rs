//! The LibTorch backend as a plugin.

mda_plugin::export_backend!(mda_backend_tch::TchBackend::new());
