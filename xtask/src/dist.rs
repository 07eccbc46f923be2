//! `cargo xtask dist`: the program, its plugins and their papers as one archive, and a trial of it.

mod archive;
mod licences;
mod smoke;

use anyhow::{Context, ensure};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the archive under `dist` and tries it out.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = crate::root();
    let target = target()?;
    let name = format!("mda-{}-{target}", env!("CARGO_PKG_VERSION"));
    let plugins = plugins(root)?;
    let packages: Vec<String> =
        std::iter::once("mda-cli".into()).chain(plugins.iter().map(|name| format!("mda-plugin-{name}"))).collect();
    let papers = licences::collect(root, &target, &packages)?;
    let built = build(root, &packages)?;

    let folder = root.join("dist").join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("clearing {}", folder.display()))?;
    }
    fs::create_dir_all(folder.join("plugins"))?;
    fs::write(folder.join("THIRD-PARTY-LICENCES.txt"), papers)?;
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
        copy(&root.join(file), &folder.join(file))?;
    }
    let program = folder.join(format!("mda{EXE_SUFFIX}"));
    copy(&built.join(format!("mda{EXE_SUFFIX}")), &program)?;
    for plugin in &plugins {
        let file = format!("{DLL_PREFIX}mda_plugin_{plugin}{DLL_SUFFIX}");
        copy(&built.join(&file), &folder.join("plugins").join(&file))?;
    }
    ask(Command::new(&program).args(["manual", "--output"]).arg(folder.join("man")))?;
    fs::create_dir(folder.join("completions"))?;
    for (shell, file) in [("bash", "mda.bash"), ("zsh", "_mda"), ("fish", "mda.fish"), ("powershell", "_mda.ps1")] {
        let text = ask(Command::new(&program).args(["completions", shell]))?;
        fs::write(folder.join("completions").join(file), text)?;
    }
    let archive = archive::pack(&folder, &name)?;
    eprintln!("dist: {} ({} plugins: {})", archive.display(), plugins.len(), plugins.join(", "));
    smoke::run(&archive, &name, &plugins)
}

/// The triple of this machine, for which everything is built.
pub(crate) fn target() -> anyhow::Result<String> {
    let version = ask(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.with_context(|| format!("no host in what `rustc -vV` says: {version}"))?.to_owned())
}

/// The plugins that can be built here, by name.
fn plugins(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("plugins")).context("listing the plugins")? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    if std::env::var_os("LIBTORCH").is_none() && names.iter().any(|name| name == "tch") {
        eprintln!("dist: the plugin tch is left out: LIBTORCH is not set; see `cargo xtask setup-libtorch`");
        names.retain(|name| name != "tch");
    }
    Ok(names)
}

/// Builds the packages and answers the folder in which they lie.
fn build(root: &Path, packages: &[String]) -> anyhow::Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked"])
        .args(packages.iter().map(|package| format!("--package={package}")))
        .current_dir(root)
        .status()
        .context("starting cargo build")?;
    ensure!(status.success(), "the release build failed");
    Ok(crate::target().join("release"))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// What a program prints.
fn ask(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {said}");
    String::from_utf8(output.stdout).with_context(|| format!("what {command:?} prints"))
}
