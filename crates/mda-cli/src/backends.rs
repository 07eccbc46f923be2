//! Choosing a backend by name: `cpu`, `cpu:cpu`, or the first one that is there.

use anyhow::bail;
use mda_core::backend::Backend;

/// The backends that this build knows, the default first.
pub(crate) fn all() -> Vec<Box<dyn Backend>> {
    let backends: Vec<Box<dyn Backend>> = vec![
        #[cfg(feature = "cpu")]
        Box::new(mda_backend_cpu::CpuBackend::new()),
        Box::new(mda_core::reference::Reference),
    ];
    backends
}

/// A chosen backend and the device on it that was asked for.
pub(crate) struct Choice {
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) device: Option<String>,
}

/// The backend that `name` (`NAME` or `NAME:DEVICE`) selects, or the default.
pub(crate) fn choose(name: Option<&str>) -> anyhow::Result<Choice> {
    let (wanted, device) = match name.and_then(|name| name.split_once(':')) {
        Some((wanted, device)) => (Some(wanted), Some(device.to_owned())),
        None => (name, None),
    };
    let mut backends = all();
    let found = match wanted {
        None => Some(0),
        Some(wanted) => backends.iter().position(|backend| backend.id() == wanted),
    };
    let Some(found) = found else {
        let known: Vec<&str> = backends.iter().map(|backend| backend.id()).collect();
        bail!("no backend is called `{}`; this build has {}", wanted.unwrap_or_default(), known.join(", "));
    };
    Ok(Choice { backend: backends.swap_remove(found), device })
}
