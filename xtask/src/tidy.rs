//! The rules of STYLE.md that a machine can check.

mod circles;
mod dead;
mod imports;
mod links;
mod program;

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// A source file longer than this holds more than one subject.
const MAX_LINES: usize = 400;

/// Module names that say nothing.
const EMPTY_NAMES: [&str; 5] = ["utils.rs", "helpers.rs", "common.rs", "misc.rs", "manager.rs"];

/// Lists every violation, or passes.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = crate::root();
    let mut files = Vec::new();
    for folder in ["crates", "fuzz", "plugins", "tests", "xtask"] {
        collect(&root.join(folder), &mut files)?;
    }
    let mut violations = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(file).display();
        violations.extend(check(&text).into_iter().map(|problem| format!("{name}: {problem}")));
        if file.file_name().is_some_and(|name| EMPTY_NAMES.iter().any(|&empty| name == empty)) {
            violations.push(format!("{name}: a module is named after its subject"));
        }
    }
    let modules = circles::check(&root.join("crates/mda-core/src"), circles::KNOWN)?
        .into_iter()
        .chain(program::check(&root.join("crates/mda-cli/src"), program::KNOWN)?)
        .chain(dead::check(&files)?);
    let prefix = format!("{}/", root.display());
    violations.extend(modules.map(|problem| problem.replace(&prefix, "")));
    violations.extend(crate::rust_version::disagreements(root)?);
    violations.extend(links::check(root)?);
    if !violations.is_empty() {
        bail!("{} tidiness violations\n  {}", violations.len(), violations.join("\n  "));
    }
    eprintln!("tidiness: {} source files", files.len());
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn check(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.starts_with("//!") {
        problems.push("a file begins by saying what it is about (`//!`)".to_owned());
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        problems.push(format!("{lines} lines; at more than {MAX_LINES} something wants to move out"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_is_about_and_stays_short() {
        assert!(check("//! A subject.\n").is_empty());
        assert_eq!(check("fn main() {}\n").len(), 1);
        assert_eq!(check(&format!("//! Long.\n{}", "\n".repeat(MAX_LINES))).len(), 1);
    }
}
