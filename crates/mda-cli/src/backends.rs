//! Choosing a backend: those of `--plugin`, those of this build, those of the plugin folders, in this order.

mod folders;

pub(crate) use folders::Folders;

use anyhow::anyhow;
use mda_core::run::backend::Backend;
use mda_plugin::host;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::failure::Advise;

/// Every backend that can be built in, and the Cargo feature that does it.
pub(crate) const FEATURES: [&str; 4] = ["cpu", "candle", "tch", "wgpu"];

/// The backends that this build knows, the default first.
pub(crate) fn built_in() -> Vec<Box<dyn Backend>> {
    let backends: Vec<Box<dyn Backend>> = vec![
        #[cfg(feature = "cpu")]
        Box::new(mda_backend_cpu::CpuBackend::new()),
        #[cfg(feature = "candle")]
        Box::new(mda_backend_candle::CandleBackend::new()),
        #[cfg(feature = "tch")]
        Box::new(mda_backend_tch::TchBackend::new()),
        #[cfg(feature = "wgpu")]
        Box::new(mda_backend_wgpu::WgpuBackend::new()),
        Box::new(mda_core::run::reference::Reference),
    ];
    backends
}

/// Where backends may come from in this run.
pub(crate) struct Sources {
    /// Plugins that the user named.
    pub(crate) plugins: Vec<PathBuf>,
    /// Folders in which plugins are looked for by name.
    pub(crate) folders: Folders,
    /// How many threads plugins are to compute with.
    pub(crate) threads: Option<NonZeroUsize>,
}

/// A chosen backend and the device on it that was asked for.
pub(crate) struct Choice {
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) device: Option<String>,
}

impl Sources {
    /// The backend that `name` (`NAME` or `NAME:DEVICE`) selects, or the default: the first plugin that the user named,
    /// else the first backend of this build.
    pub(crate) fn choose(&self, name: Option<&str>) -> anyhow::Result<Choice> {
        let (wanted, device) = match name.and_then(|name| name.split_once(':')) {
            Some((wanted, device)) => (Some(wanted), Some(device.to_owned())),
            None => (name, None),
        };
        if wanted == Some("") || device.as_deref() == Some("") {
            return Err(anyhow!("a backend is chosen as NAME or NAME:DEVICE, got `{}`", name.unwrap_or_default()))
                .advise(
                    "leave out `--backend`, and unset MDA_BACKEND, for the default; `mda backends` lists them all",
                );
        }
        Ok(Choice { backend: self.find(wanted)?, device })
    }

    fn find(&self, wanted: Option<&str>) -> anyhow::Result<Box<dyn Backend>> {
        let fits = |backend: &dyn Backend| wanted.is_none_or(|wanted| backend.id() == wanted);
        let mut known = Vec::new();
        for file in &self.plugins {
            let plugin = self.load(file)?;
            if fits(&plugin) {
                return Ok(Box::new(plugin));
            }
            known.push(plugin.id().to_owned());
        }
        for backend in built_in() {
            if fits(&*backend) {
                return Ok(backend);
            }
            known.push(backend.id().to_owned());
        }
        let wanted = wanted.unwrap_or_default();
        if let Some(file) = self.folders.plugin(wanted)? {
            return self.load_named(&file, wanted).map(|plugin| Box::new(plugin) as Box<dyn Backend>);
        }
        known.extend(self.folders.plugins()?.into_iter().map(|(name, _)| name));
        known.sort();
        known.dedup();
        let mut problem = match FEATURES.contains(&wanted) {
            true => format!("backend `{wanted}`: {}", self.folders.lack(wanted)),
            false => format!("no backend is called `{wanted}`; there are {}", known.join(", ")),
        };
        if let Some(missing) = self.folders.missing() {
            problem = format!("{problem}; {missing}");
        }
        Err(anyhow!(problem)).advise("`mda backends` lists what can run here")
    }

    /// Loads a plugin by its path.
    pub(crate) fn load(&self, file: &Path) -> anyhow::Result<host::PluginBackend> {
        Ok(host::load(file, self.threads)?)
    }

    /// Loads the plugin of a folder, whose file name promises `name`.
    pub(crate) fn load_named(&self, file: &Path, name: &str) -> anyhow::Result<host::PluginBackend> {
        let plugin = self.load(file)?;
        if folders::same(plugin.id(), name) {
            Ok(plugin)
        } else {
            let (file, found) = (file.display(), plugin.id());
            Err(anyhow!("plugin {file}: its file is named after a backend `{name}`, but it has `{found}`"))
        }
    }
}
