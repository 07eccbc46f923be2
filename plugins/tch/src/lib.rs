//! The LibTorch backend as a plugin.

use mda_backend_tch::TchBackend;

mda_plugin::export_backend!(|host| host.threads.map_or_else(TchBackend::new, TchBackend::with_threads));
