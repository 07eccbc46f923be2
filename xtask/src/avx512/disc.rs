//! The disc that Bochs starts from: a boot loader, a kernel, and a memory disk with the test programs.

use super::{ask, copy};
use anyhow::{Context, ensure};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const INIT: &str = include_str!("init.sh");
/// Where `INIT` takes the parts of names by which tests are chosen.
const FILTERS: &str = "FILTERS";
const BUSYBOX: &str = "/bin/busybox";

/// The boot loader, as Debian has it.
const LOADER: [(&str, &str); 2] =
    [("/usr/lib/ISOLINUX/isolinux.bin", "isolinux.bin"), ("/usr/lib/syslinux/modules/bios/ldlinux.c32", "ldlinux.c32")];

/// How the kernel is started. What the tests do not use stays off, since all of it is emulated. Bochs tells a wrong size for
/// the registers that XSAVEC saves, upon which Linux would do without AVX. The clock is the one of [`super::machine`], not the
/// one that such a processor would have: waiting takes 70 times longer otherwise.
const START: &str = "default linux
prompt 0
label linux
 kernel linux
 append initrd=tests.cpio console=ttyS0,115200 quiet clearcpuid=xsavec,xsaves tsc_early_khz=50000 \
    acpi=off pci=off noapic nolapic nokaslr mitigations=off cryptomgr.notests random.trust_cpu=on
";

/// Makes `disc.iso` in `work` with these programs, which run the tests whose names have one of `filters` in them, or all.
pub(super) fn make(work: &Path, kernel: &Path, programs: &[PathBuf], filters: &[&str]) -> anyhow::Result<()> {
    let folder = work.join("disc");
    empty(&folder)?;
    copy(kernel, &folder.join("linux"))?;
    for (from, to) in LOADER {
        copy(Path::new(from), &folder.join(to))?;
    }
    write(&folder.join("isolinux.cfg"), START.as_bytes())?;
    let memory = work.join("memory");
    fill(&memory, programs, &filters.join(" "))?;
    pack(&memory, &folder.join("tests.cpio"))?;
    let disc = work.join("disc.iso");
    let boot = ["-b", "isolinux.bin", "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"];
    let mut xorriso = Command::new("xorriso");
    ask(xorriso.args(["-as", "mkisofs", "-quiet"]).args(boot).arg("-o").arg(&disc).arg(&folder))?;
    Ok(())
}

/// The programs without what only debuggers read, the libraries that they load where they look for them, and what runs them.
fn fill(folder: &Path, programs: &[PathBuf], filters: &str) -> anyhow::Result<()> {
    empty(folder)?;
    for name in ["dev", "proc", "tests", "tmp"] {
        std::fs::create_dir(folder.join(name)).with_context(|| format!("making {name} in {}", folder.display()))?;
    }
    let inside = |path: &str| folder.join(path.trim_start_matches('/'));
    copy(Path::new(BUSYBOX), &inside(BUSYBOX))?;
    for program in programs {
        let name = program.file_name().with_context(|| format!("{} has no name", program.display()))?;
        ask(Command::new("strip").arg("-o").arg(folder.join("tests").join(name)).arg(program))?;
        let libraries = ask(Command::new("ldd").arg(program))?;
        for library in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
            copy(Path::new(library), &inside(library))?;
        }
    }
    // A copy keeps the right to be run.
    copy(Path::new(BUSYBOX), &inside("init"))?;
    ensure!(INIT.contains(FILTERS), "init.sh has no place for what chooses the tests");
    write(&inside("init"), INIT.replace(FILTERS, filters).as_bytes())
}

/// The folder as the kind of archive that the kernel unpacks into memory.
fn pack(folder: &Path, archive: &Path) -> anyhow::Result<()> {
    let names = ask(Command::new("find").args([".", "-print0"]).current_dir(folder))?;
    let mut cpio = Command::new("cpio");
    cpio.args(["--quiet", "--create", "--null", "--format=newc", "--owner=0:0"]).current_dir(folder);
    cpio.arg("-O").arg(archive).stdin(Stdio::piped());
    let mut child = cpio.spawn().context("starting cpio\nhint: it is in the package cpio")?;
    let mut input = child.stdin.take().context("cpio reads nothing")?;
    input.write_all(names.as_bytes()).context("telling cpio what to pack")?;
    drop(input);
    ensure!(child.wait().context("waiting for cpio")?.success(), "cpio failed");
    Ok(())
}

/// Makes a folder in which there is nothing.
fn empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("clearing {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))
}

fn write(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, contents).with_context(|| format!("writing {}", path.display()))
}
