//! A plugin and the device to run it on, as they are named on the command line.

use anyhow::bail;
use mda_core::run::backend::Backend;
use mda_plugin::host::{PluginBackend, load};
use std::fmt;
use std::path::Path;

/// A loaded plugin and a device that it has.
pub(crate) struct Plugin {
    pub(crate) backend: PluginBackend,
    pub(crate) device: String,
    description: String,
}

impl Plugin {
    /// Loads `FILE` or `FILE=DEVICE`.
    pub(crate) fn load(text: &str) -> anyhow::Result<Self> {
        let (file, device) = match text.rsplit_once('=') {
            Some((file, device)) => (file, Some(device)),
            None => (text, None),
        };
        let backend = load(Path::new(file), None)?;
        let devices = backend.devices();
        let found = match device {
            Some(device) => devices.iter().find(|found| found.id == device),
            None => devices.first(),
        };
        let Some(found) = found else {
            let there = devices.iter().map(|found| format!("{} ({})", found.id, found.description));
            let there = there.reduce(|all, one| format!("{all}, {one}"));
            let there = there.or_else(|| backend.unavailable()).unwrap_or_else(|| "none".into());
            bail!("backend `{}` has no device `{}` here; it has: {there}", backend.id(), device.unwrap_or("default"));
        };
        let description = found.description.clone();
        Ok(Self { device: found.id.clone(), description, backend })
    }
}

impl fmt::Display for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "backend `{}`, device `{}`: {}", self.backend.id(), self.device, self.description)
    }
}
