//! The folders in which plugins are looked for. The file's name says which backend it has, so only the one that is asked for
//! is loaded: `libmda_plugin_NAME.so`, or as the system names libraries.

use anyhow::Context as _;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The variable that lists folders as `PATH` does.
pub(crate) const PLUGIN_PATH: &str = "MDA_PLUGIN_PATH";

/// Folders, the first to be looked at first.
pub(crate) struct Folders(Vec<PathBuf>);

impl Folders {
    /// Those of `MDA_PLUGIN_PATH`, then `plugins` beside the program.
    pub(crate) fn configured() -> anyhow::Result<Self> {
        let listed = std::env::var_os(PLUGIN_PATH).unwrap_or_default();
        let mut folders: Vec<PathBuf> =
            std::env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty()).collect();
        let program = std::env::current_exe().context("asking the system where this program lies")?;
        folders.extend(program.parent().map(|folder| folder.join("plugins")));
        Ok(Self(folders))
    }

    /// What of `MDA_PLUGIN_PATH` is not there, in words.
    pub(crate) fn missing(&self) -> Option<String> {
        let listed = self.0.split_last().map_or(&[][..], |(_, listed)| listed);
        let missing = listed.iter().filter(|folder| !folder.is_dir()).map(|folder| folder.display().to_string());
        let missing = missing.reduce(|all, one| format!("{all}, {one}"))?;
        Some(format!("{PLUGIN_PATH} names what is no folder: {missing}"))
    }

    /// That nothing here has the backend of the Cargo feature `name`.
    pub(crate) fn lack(&self, name: &str) -> String {
        let folders: Vec<String> = self.0.iter().map(|folder| folder.display().to_string()).collect();
        format!("not in this build (Cargo feature `{name}`), and no plugin in {}", folders.join(", "))
    }

    /// The file of the plugin called `name`, in the first folder that has one.
    pub(crate) fn plugin(&self, name: &str) -> anyhow::Result<Option<PathBuf>> {
        Ok(self.plugins()?.into_iter().find(|(found, _)| same(found, name)).map(|(_, file)| file))
    }

    /// Every plugin's name and file, none of them loaded; within a folder by name.
    pub(crate) fn plugins(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let mut plugins = Vec::new();
        for folder in &self.0 {
            plugins.extend(listed(folder).with_context(|| format!("looking for plugins in {}", folder.display()))?);
        }
        Ok(plugins)
    }
}

fn listed(folder: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut plugins = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(name) {
            plugins.push((name.to_owned(), path));
        }
    }
    plugins.sort();
    Ok(plugins)
}

/// The backend that a plugin's file name promises.
fn name(file: &OsStr) -> Option<&str> {
    file.to_str()?.strip_prefix(DLL_PREFIX)?.strip_prefix("mda_plugin_")?.strip_suffix(DLL_SUFFIX)
}

/// Whether two names are one; cargo writes `-` as `_` in the names of libraries.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.replace('-', "_") == b.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_plugins_count() {
        let file = |stem: &str| format!("{DLL_PREFIX}{stem}{DLL_SUFFIX}");
        assert_eq!(name(OsStr::new(&file("mda_plugin_cpu"))), Some("cpu"));
        for other in
            [file("mda"), file("plugin_cpu"), "mda_plugin_cpu.txt".into(), format!("x{}", file("mda_plugin_a"))]
        {
            assert_eq!(name(OsStr::new(&other)), None, "{other}");
        }
        assert!(same("my-backend", "my_backend") && !same("cpu", "cpu2"));
    }
}
