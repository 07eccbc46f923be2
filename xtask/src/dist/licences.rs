//! The licences of everything that is shipped: checked, and their texts collected from the sources.

use super::ask;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use spdx::{Expression, ParseMode};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Licences whose code may be shipped in a program under MIT OR Apache-2.0.
const COMPATIBLE: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences whose text this project has, for crates that name one and come without it.
const AT_HAND: [&str; 2] = ["Apache-2.0", "MIT"];

/// How files with licences begin.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    repository: Option<String>,
    authors: Vec<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// The licences of all that `packages` depend on when they are built for `target`, as one text.
pub(super) fn collect(root: &Path, target: &str, packages: &[String]) -> anyhow::Result<String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version=1", "--locked", "--filter-platform", target]).current_dir(root);
    let metadata: Metadata = serde_json::from_str(&ask(&mut command)?).context("reading what `cargo metadata` says")?;
    let shipped = shipped(&metadata, packages);
    let foreign: Vec<&Package> =
        metadata.packages.iter().filter(|package| package.source.is_some() && shipped.contains(&package.id)).collect();
    ensure!(!foreign.is_empty(), "no dependency was found, which cannot be");
    let mut texts: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    let mut bare = Vec::new();
    let mut problems = Vec::new();
    for package in foreign {
        if let Err(problem) = permits(package, &COMPATIBLE) {
            problems.push(problem.to_string());
        }
        let files = files(package)?;
        if files.is_empty() {
            match permits(package, &AT_HAND) {
                Ok(()) => bare.push(package),
                Err(problem) => problems.push(format!("{problem}; and it comes without a licence's text")),
            }
        }
        for text in files {
            texts.entry(text).or_default().push(package);
        }
    }
    if !problems.is_empty() {
        bail!("licences that cannot be shipped:\n  {}", problems.join("\n  "));
    }
    Ok(written(&texts, &bare))
}

/// The packages and everything that goes into them, by id.
fn shipped(metadata: &Metadata, packages: &[String]) -> BTreeSet<String> {
    let roots = metadata.packages.iter().filter(|package| package.source.is_none() && packages.contains(&package.name));
    let mut open: Vec<&str> = roots.map(|package| package.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.to_owned()) {
            continue;
        }
        for node in metadata.resolve.nodes.iter().filter(|node| node.id == id) {
            let goes_in = |dependency: &&Dependency| {
                dependency.dep_kinds.iter().any(|kind| kind.kind.as_deref().is_none_or(|kind| kind != "dev"))
            };
            open.extend(node.deps.iter().filter(goes_in).map(|dependency| dependency.pkg.as_str()));
        }
    }
    seen
}

/// Checks that a package may be used under one of `licences`.
fn permits(package: &Package, licences: &[&str]) -> anyhow::Result<()> {
    let Package { name, version, .. } = package;
    let text = package.license.as_deref().with_context(|| format!("{name} {version} names no licence"))?;
    let expression = Expression::parse_mode(text, ParseMode::LAX);
    let expression = expression.map_err(|error| anyhow::anyhow!("{name} {version}: `{text}`: {}", error.reason))?;
    let fits = expression.evaluate(|required| required.license.id().is_some_and(|id| licences.contains(&id.name)));
    ensure!(fits, "{name} {version} is under `{text}`");
    Ok(())
}

/// The texts that lie beside a package's manifest.
fn files(package: &Package) -> anyhow::Result<Vec<String>> {
    let folder = package.manifest_path.parent().context("a manifest lies in a folder")?;
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|start| name.starts_with(start)) && !name.ends_with(".RS") {
            let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            texts.insert(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim_end().to_owned());
        }
    }
    Ok(texts.into_iter().collect())
}

fn written(texts: &BTreeMap<String, Vec<&Package>>, bare: &[&Package]) -> String {
    let named = |package: &Package| {
        let licence = package.license.as_deref().unwrap_or_default();
        format!("  {} {} ({licence}) {}\n", package.name, package.version, package.repository.as_deref().unwrap_or(""))
    };
    let rule = "=".repeat(80);
    let mut text = String::from(
        "mda contains parts of the packages below, each under its own licence.\n\nWithout a text of their own; those of \
         LICENSE-APACHE and LICENSE-MIT apply, with the authors named here:\n",
    );
    for package in bare {
        text += &named(package);
        package.authors.iter().for_each(|author| text += &format!("    {author}\n"));
    }
    for (licence, packages) in texts {
        text += &format!("\n{rule}\n");
        packages.iter().for_each(|package| text += &named(package));
        text += &format!("{}\n\n{licence}\n", "-".repeat(80));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(license: Option<&str>) -> Package {
        Package {
            id: "p".into(),
            name: "p".into(),
            version: "1.0.0".into(),
            license: license.map(str::to_owned),
            source: None,
            repository: None,
            authors: Vec::new(),
            manifest_path: PathBuf::new(),
        }
    }

    #[test]
    fn only_compatible_licences_pass() {
        for good in ["MIT", "MIT/Apache-2.0", "(MIT OR GPL-3.0-only) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
        {
            assert!(permits(&package(Some(good)), &COMPATIBLE).is_ok(), "{good}");
        }
        for bad in [Some("GPL-3.0-only"), Some("MIT AND MPL-2.0"), Some("no licence"), None] {
            assert!(permits(&package(bad), &COMPATIBLE).is_err(), "{bad:?}");
        }
    }
}
