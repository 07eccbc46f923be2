//! The Linux kernel that starts in Bochs.

use super::ask;
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's smallest kernel: it has the serial port built in, and unpacks quickly.
const PACKAGE: &str = "linux-image-cloud-amd64";
const HINT: &str = "`apt-get update` may help; elsewhere than on Debian set MDA_KERNEL to a kernel (a bzImage) that has its \
    serial console built in";

/// The kernel that `MDA_KERNEL` names, or Debian's, which is fetched into `work` unless it is there. It is only unpacked:
/// installed, it would bring half a system along.
pub(super) fn find(work: &Path) -> anyhow::Result<PathBuf> {
    if let Some(kernel) = std::env::var_os("MDA_KERNEL").map(PathBuf::from) {
        ensure!(kernel.is_file(), "MDA_KERNEL names {}, which is no file; unset it", kernel.display());
        return Ok(kernel);
    }
    let folder = work.join("kernel");
    if let Some(kernel) = file(&folder.join("boot"), "vmlinuz-") {
        return Ok(kernel);
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    fetch(&folder).with_context(|| format!("the kernel could not be fetched\nhint: {HINT}"))?;
    file(&folder.join("boot"), "vmlinuz-").with_context(|| format!("no kernel in {}\nhint: {HINT}", folder.display()))
}

/// Unpacks the package that [`PACKAGE`] stands for.
fn fetch(folder: &Path) -> anyhow::Result<()> {
    let depends = ask(Command::new("apt-cache").args(["depends", "--important", PACKAGE]))?;
    let package = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
    let package = package.with_context(|| format!("apt knows no package {PACKAGE}"))?;
    eprintln!("avx512: fetching {package} into {}", folder.display());
    ask(Command::new("apt-get").args(["download", "--quiet", package]).current_dir(folder))?;
    let archive = file(folder, "linux-image-").with_context(|| format!("apt-get left no {package}"))?;
    ask(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(folder))?;
    std::fs::remove_file(&archive).with_context(|| format!("removing {}", archive.display()))?;
    let modules = folder.join("lib");
    std::fs::remove_dir_all(&modules).with_context(|| format!("removing {}", modules.display()))
}

/// The file in `folder` whose name begins so.
fn file(folder: &Path, beginning: &str) -> Option<PathBuf> {
    let mut paths = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning)))
}
