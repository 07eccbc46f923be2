//! The version of Rust that the workspace declares: said alike everywhere, and built.

use anyhow::{Context, ensure};
use std::path::Path;
use std::process::Command;

/// Where a manifest of its own may declare it again.
const OUTSIDE: [&str; 2] = ["fuzz/Cargo.toml", "docs/example-plugin/Cargo.toml"];

/// Checks that this version builds everything: the compiler at hand is that version, or it is asked for.
pub(crate) fn check() -> anyhow::Result<()> {
    let declared = declared(crate::root())?;
    let output = Command::new("rustc").arg("--version").output().context("asking rustc for its version")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if release(&said).is_some_and(|release| release == declared) {
        eprintln!("declared Rust: {declared}, which is the compiler here: the other steps prove it");
        return Ok(());
    }
    let status = Command::new("rustup")
        .args(["run", &declared, "cargo", "check", "--locked", "--all-targets", "--target-dir"])
        .arg(crate::target().join("declared"))
        .current_dir(crate::root())
        .env_remove("RUSTC")
        .env_remove("RUSTDOC")
        .status();
    let hint = || format!("hint: this takes `rustup toolchain install {declared} --profile minimal`");
    let status = status.context("starting rustup").with_context(hint)?;
    ensure!(status.success(), "Rust {declared}, which Cargo.toml declares, does not build this\n{}", hint());
    Ok(())
}

/// `1.95` of what `rustc --version` says.
fn release(said: &str) -> Option<String> {
    let mut numbers = said.strip_prefix("rustc ")?.split('.');
    Some(format!("{}.{}", numbers.next()?, numbers.next()?))
}

/// What Cargo.toml declares.
fn declared(root: &Path) -> anyhow::Result<String> {
    let manifest = read(root, "Cargo.toml")?.context("there is no Cargo.toml")?;
    let version = manifest.get("workspace").and_then(|table| table.get("package")?.get("rust-version")?.as_str());
    Ok(version.context("Cargo.toml declares no rust-version under [workspace.package]")?.to_owned())
}

/// A file of TOML, where it is there.
fn read(root: &Path, name: &str) -> anyhow::Result<Option<toml::Table>> {
    let file = root.join(name);
    if !file.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {name}"))?;
    text.parse().map(Some).with_context(|| format!("{name} is no TOML"))
}

/// Where another version is said than Cargo.toml declares, or a package declares one of its own.
pub(crate) fn disagreements(root: &Path) -> anyhow::Result<Vec<String>> {
    let declared = declared(root)?;
    let mut found = Vec::new();
    let mut compare = |place: &str, version: &str| {
        if version != declared {
            found.push(format!("{place}: says Rust {version}, where Cargo.toml declares {declared}"));
        }
    };
    if let Some(version) = read(root, "clippy.toml")?.as_ref().and_then(|table| table.get("msrv")?.as_str()) {
        compare("clippy.toml", version);
    }
    for name in OUTSIDE {
        let manifest = read(root, name)?;
        if let Some(version) = manifest.as_ref().and_then(|table| table.get("package")?.get("rust-version")?.as_str()) {
            compare(name, version);
        }
    }
    if root.join("README.md").exists() {
        let readme = std::fs::read_to_string(root.join("README.md")).context("reading README.md")?;
        for version in versions(&readme) {
            compare("README.md", &version);
        }
    }
    let members = read(root, "Cargo.toml")?.context("there is no Cargo.toml")?;
    let members = members.get("workspace").and_then(|table| table.get("members")?.as_array()).cloned();
    for member in members.unwrap_or_default().iter().filter_map(toml::Value::as_str) {
        for folder in folders(root, member)? {
            let name = format!("{folder}/Cargo.toml");
            let Some(manifest) = read(root, &name)? else { continue };
            let version = manifest.get("package").and_then(|table| table.get("rust-version"));
            if version.and_then(|version| version.get("workspace")).is_none() {
                found.push(format!("{name}: a package has `rust-version.workspace = true`"));
            }
        }
    }
    Ok(found)
}

/// Every `1.N` behind the word Rust.
fn versions(text: &str) -> Vec<String> {
    let number = |rest: &str| -> String { rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect() };
    let numbers = text.match_indices("Rust 1.").map(|(start, _)| number(&text[start + "Rust ".len()..]));
    numbers.map(|version| version.trim_end_matches('.').to_owned()).collect()
}

/// The folders that a member of the workspace, perhaps with a star at its end, stands for.
fn folders(root: &Path, member: &str) -> anyhow::Result<Vec<String>> {
    let Some(parent) = member.strip_suffix("/*") else { return Ok(vec![member.to_owned()]) };
    let entries = std::fs::read_dir(root.join(parent)).with_context(|| format!("listing {parent}"))?;
    let mut folders = Vec::new();
    for entry in entries {
        folders.push(format!("{parent}/{}", entry?.file_name().to_string_lossy()));
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str =
        "[workspace]\nmembers = [\"crates/*\", \"tests\"]\n[workspace.package]\nrust-version = \"1.95\"\n";
    const MEMBER: &str = "[package]\nname = \"one\"\nrust-version.workspace = true\n";

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        folder
    }

    #[test]
    fn every_place_says_the_same() {
        let agreeing = [
            ("Cargo.toml", WORKSPACE),
            ("clippy.toml", "msrv = \"1.95\"\n"),
            ("README.md", "Takes Rust 1.95. Then,\n"),
            ("crates/one/Cargo.toml", MEMBER),
            ("tests/Cargo.toml", MEMBER),
            ("fuzz/Cargo.toml", "[package]\nname = \"fuzz\"\n"),
        ];
        assert_eq!(disagreements(tree(&agreeing).path()).unwrap(), Vec::<String>::new());
        for (name, text) in [
            ("clippy.toml", "msrv = \"1.90\"\n"),
            ("README.md", "Takes Rust 1.90 or newer\n"),
            ("crates/one/Cargo.toml", "[package]\nname = \"one\"\n"),
            ("tests/Cargo.toml", "[package]\nname = \"one\"\nrust-version = \"1.95\"\n"),
            ("fuzz/Cargo.toml", "[package]\nname = \"fuzz\"\nrust-version = \"1.96\"\n"),
        ] {
            let mut files = agreeing.to_vec();
            files.push((name, text));
            let found = disagreements(tree(&files).path()).unwrap();
            assert!(found.len() == 1 && found[0].starts_with(name), "{name}: {found:?}");
        }
        assert!(declared(tree(&[("Cargo.toml", "[workspace]\n")]).path()).is_err());
    }

    #[test]
    fn a_release_is_its_first_two_numbers() {
        assert_eq!(release("rustc 1.95.0 (59807616e 2026-04-14)\n").unwrap(), "1.95");
        assert_eq!(release("rustc 1.96.0-nightly (abc)").unwrap(), "1.96");
        assert_eq!(release("clippy 0.1.95"), None);
    }
}
