//! Source files that no module names: the compiler never reads them.

use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// What a crate or a target begins with.
const ROOTS: [&str; 3] = ["lib", "main", "build"];

/// Those of `files` that a module would have to name and that none does.
pub(super) fn check(files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in files {
        if let Some((name, parents)) = parents(file)
            && !is_named(&name, &parents)?
        {
            problems.push(format!("{}: no module names this file", file.display()));
        }
    }
    Ok(problems)
}

/// What the module in `file` is called and which files may name it; `None` where none has to.
fn parents(file: &Path) -> Option<(String, Vec<PathBuf>)> {
    let stem = file.file_stem()?.to_str()?;
    let own = file.parent()?;
    let (name, folder) = match stem {
        "mod" => (own.file_name()?.to_str()?, own.parent()?),
        _ if ROOTS.contains(&stem) => return None,
        _ => (stem, own),
    };
    let inside = ROOTS.iter().chain(&["mod"]).map(|root| folder.join(format!("{root}.rs")));
    let parents: Vec<PathBuf> = inside.chain([folder.with_extension("rs")]).filter(|parent| parent.is_file()).collect();
    // A test, an example or a program of its own.
    (!parents.is_empty()).then(|| (name.to_owned(), parents))
}

fn is_named(name: &str, parents: &[PathBuf]) -> anyhow::Result<bool> {
    let line = format!("mod {name};");
    for parent in parents {
        let text = std::fs::read_to_string(parent).with_context(|| format!("reading {}", parent.display()))?;
        if text.lines().any(|own| own.trim_end().ends_with(&line)) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_module_names_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = [
            put("src/lib.rs", "mod a;\n"),
            put("src/a.rs", "mod b;\npub(super) mod c;\n"),
            put("src/a/b.rs", ""),
            put("src/a/c/mod.rs", ""),
            put("tests/alone.rs", ""),
            put("src/dead.rs", "mod b;\n"),
            put("src/a/d.rs", ""),
        ];
        let told = check(&files).unwrap();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("src/dead.rs") && told[1].contains("src/a/d.rs"), "{told:?}");
    }
}
