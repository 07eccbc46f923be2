//! `cargo xtask setup-libtorch`: the LibTorch that `mda-backend-tch` is built with, out of PyTorch's own package; and the part
//! `tch`, which needs it.

use crate::ci::{self, Step};
use crate::prove::Extent;
use anyhow::{Context, ensure};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that the crate `tch` binds; the two go together exactly.
const TORCH: &str = "torch==2.11.0";

/// What PyTorch's CPU library wants to load on Linux. The rest of CUDA is for GPUs.
const FOR_LINUX: [&str; 2] = ["nvidia-cuda-cupti==13.0.85", "nvidia-cuda-runtime==13.0.96"];

/// Where the system's loader looks first.
const LIBRARY_PATH: &str = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };

/// LibTorch's threads spin while they wait unless this is `passive`, which starves everybody else on few cores.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

const TCH: &str = "--package=mda-backend-tch";
const TCH_PLUGIN: &str = "--package=mda-plugin-tch";

/// What a change of the backend, or of its plugin, must pass.
const STEPS: [Step; 3] = [
    ("lints of tch", &["clippy", TCH, TCH_PLUGIN, "--all-targets", "--locked", "--", "-D", "warnings"]),
    ("documentation of tch", &["doc", TCH, TCH_PLUGIN, "--no-deps", "--locked"]),
    ("tests of tch", &["test", TCH, TCH_PLUGIN, "--locked"]),
];

/// Runs everything that needs LibTorch; there is no shorter way.
pub(crate) fn prove(_: Extent) -> anyhow::Result<()> {
    let environment = Libtorch::set_up()?.environment()?;
    STEPS.iter().try_for_each(|step| ci::cargo(step, &environment))
}

/// A LibTorch to build and run with.
pub(crate) struct Libtorch {
    /// The folder that has `include` and `lib`.
    folder: PathBuf,
}

impl Libtorch {
    /// The one that `LIBTORCH` names, or the one under `target`, which is fetched unless it is there.
    pub(crate) fn set_up() -> anyhow::Result<Self> {
        if let Some(folder) = std::env::var_os("LIBTORCH").map(PathBuf::from) {
            let lib = folder.join("lib");
            ensure!(lib.is_dir(), "LIBTORCH names {}, which has no folder `lib`; unset it", folder.display());
            return Ok(Self { folder });
        }
        let venv = crate::target().join("libtorch");
        let packages = packages();
        let stamp = venv.join("installed");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == packages.join("\n")) {
            return Self::in_venv(&venv);
        }
        eprintln!("setup-libtorch: fetching {} into {}", packages.join(", "), venv.display());
        let hint = "is python3 installed, with its module venv (python3-venv on Debian)?";
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv)).context(hint)?;
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
        run(Command::new(venv.join("bin/python")).args(pip).args(&packages))?;
        let libtorch = Self::in_venv(&venv)?;
        std::fs::write(&stamp, packages.join("\n")).with_context(|| format!("writing {}", stamp.display()))?;
        Ok(libtorch)
    }

    fn in_venv(venv: &Path) -> anyhow::Result<Self> {
        let lib = venv.join("lib");
        let entries = std::fs::read_dir(&lib).with_context(|| format!("listing {}", lib.display()))?;
        let folders = entries.filter_map(|entry| Some(entry.ok()?.path().join("site-packages/torch")));
        let found = folders.into_iter().find(|folder| folder.join("lib").is_dir());
        let folder = found.with_context(|| format!("{} has no PyTorch; remove it and try again", venv.display()))?;
        Ok(Self { folder })
    }

    /// The folder of its libraries.
    pub(crate) fn lib(&self) -> PathBuf {
        self.folder.join("lib")
    }

    /// What a build, and a program that was not told where LibTorch lies, need in their environment.
    pub(crate) fn environment(&self) -> anyhow::Result<Vec<(&'static str, OsString)>> {
        let before = std::env::var_os(LIBRARY_PATH).unwrap_or_default();
        let paths =
            std::iter::once(self.lib()).chain(std::env::split_paths(&before).filter(|path| *path != self.lib()));
        let paths = std::env::join_paths(paths).context("a library path with a colon")?;
        Ok(vec![
            ("LIBTORCH", self.folder.clone().into_os_string()),
            (LIBRARY_PATH, paths),
            (WAIT_POLICY, "passive".into()),
        ])
    }
}

fn packages() -> Vec<&'static str> {
    let more: &[&str] = if cfg!(target_os = "linux") { &FOR_LINUX } else { &[] };
    std::iter::once(TORCH).chain(more.iter().copied()).collect()
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}

/// Sets LibTorch up and writes a file that a shell can source.
pub(crate) fn set_up() -> anyhow::Result<()> {
    let libtorch = Libtorch::set_up()?;
    let quoted = |path: &Path| format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"));
    let (folder, lib) = (quoted(&libtorch.folder), quoted(&libtorch.lib()));
    let exports = format!(
        "export LIBTORCH={folder}\nexport {LIBRARY_PATH}={lib}${{{LIBRARY_PATH}:+:${LIBRARY_PATH}}}\nexport {WAIT_POLICY}=passive\n"
    );
    let file = crate::target().join("libtorch.env");
    std::fs::create_dir_all(crate::target()).context("making the target folder")?;
    std::fs::write(&file, &exports).with_context(|| format!("writing {}", file.display()))?;
    print!("{exports}");
    eprintln!("setup-libtorch: to build mda-backend-tch by hand, first run: source {}", file.display());
    Ok(())
}
