//! The digest of the files that a part depends on.

use super::parts::Part;
use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// SHA-256 over the names and contents of the part's files under `root`, and over what `Cargo.lock` says of its packages.
///
/// # Errors
/// Where the part names something that is not there.
pub(super) fn of(root: &Path, part: &Part) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    let mut files = BTreeSet::new();
    for place in part.files.iter().copied().flatten() {
        let found = list(root, place)?;
        ensure!(
            !found.is_empty(),
            "the part `{}` depends on {place}, where there is no file; correct the table in xtask/src/prove/parts.rs",
            part.name
        );
        files.extend(found);
    }
    for name in &files {
        let contents = std::fs::read(root.join(name)).with_context(|| format!("reading {name}"))?;
        take(&mut hash, name, &contents);
    }
    if !part.locked.is_empty() {
        let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("reading Cargo.lock")?;
        for package in part.locked {
            let entries = locked(&lock, package);
            ensure!(
                !entries.is_empty(),
                "the part `{}` depends on the package `{package}`, which Cargo.lock does not name; correct the table in \
                 xtask/src/prove/parts.rs",
                part.name
            );
            take(&mut hash, package, entries.as_bytes());
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Takes up one file, so that no other names and contents are taken up as the same bytes.
fn take(hash: &mut Sha256, name: &str, contents: &[u8]) {
    for bytes in [name.as_bytes(), contents] {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
}

/// Git, asked about the folder where it runs: in a hook its variables name the repository of the hook.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    // Whoever owns the checkout: nothing of it is run.
    git.args(["-c", "safe.directory=*"]).current_dir(folder);
    for variable in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"] {
        git.env_remove(variable);
    }
    git
}

/// The files at `place` that are tracked, or would be if somebody added them.
fn list(root: &Path, place: &str) -> anyhow::Result<Vec<String>> {
    let output = git(root)
        .args(["--literal-pathspecs", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", place])
        .output()
        .context("starting git, which knows the files that are tracked")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git cannot list {place}: {}", said.trim());
    let names = String::from_utf8(output.stdout).with_context(|| format!("a file name at {place} is no text"))?;
    // A file that was removed and is still in the index is gone.
    Ok(names.split_terminator('\0').filter(|name| root.join(name).is_file()).map(str::to_owned).collect())
}

/// What `lock` says of `package`, in all its versions.
fn locked(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"");
    lock.split("[[package]]").filter(|entry| entry.lines().any(|line| line == name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::parts::PARTS;

    const PART: Part = Part {
        name: "sample",
        about: "",
        files: &[&["a", "b.rs"]],
        locked: &["one"],
        run: |_| Ok(()),
        tested: || None,
    };

    fn run(root: &Path, arguments: &[&str]) {
        assert!(git(root).args(arguments).status().unwrap().success());
    }

    fn write(root: &Path, name: &str, text: &str) {
        let file = root.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    #[test]
    fn every_change_of_a_file_shows_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        run(root, &["init", "--quiet"]);
        let lock = |one: u8, two: u8| {
            format!(
                "[[package]]\nname = \"one\"\nversion = \"{one}\"\n\n[[package]]\nname = \"two\"\nversion = \"{two}\"\n"
            )
        };
        write(root, ".gitignore", "*.swp\n");
        write(root, "a/x.rs", "x");
        write(root, "a/deep/y.rs", "y");
        write(root, "b.rs", "b");
        write(root, "Cargo.lock", &lock(1, 1));
        let first = of(root, &PART).unwrap();
        assert_eq!((first.len(), of(root, &PART).unwrap() == first), (64, true));

        // The index says nothing but which files are there.
        run(root, &["add", "."]);
        write(root, "c.rs", "another's");
        write(root, "a/x.rs.swp", "an editor's");
        write(root, "Cargo.lock", &lock(1, 2));
        assert_eq!(of(root, &PART).unwrap(), first);

        let mut seen = BTreeSet::from([first]);
        let mut changed = |what: &str| assert!(seen.insert(of(root, &PART).unwrap()), "{what} does not show");
        write(root, "a/x.rs", "x2");
        changed("an edit");
        write(root, "a/z.rs", "");
        changed("a new file");
        std::fs::rename(root.join("a/z.rs"), root.join("a/w.rs")).unwrap();
        changed("a new name");
        std::fs::remove_file(root.join("a/deep/y.rs")).unwrap();
        changed("a file less");
        write(root, "Cargo.lock", &lock(2, 2));
        changed("a new version");
    }

    #[test]
    fn what_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), &["init", "--quiet"]);
        write(folder.path(), "a/x.rs", "x");
        let error = of(folder.path(), &PART).unwrap_err().to_string();
        assert!(error.starts_with("the part `sample` depends on b.rs, where there is no file"), "{error}");
        write(folder.path(), "b.rs", "b");
        write(folder.path(), "Cargo.lock", "[[package]]\nname = \"one-more\"\n");
        let error = of(folder.path(), &PART).unwrap_err().to_string();
        assert!(error.contains("the package `one`, which Cargo.lock does not name"), "{error}");
    }

    /// The checkout of whoever runs this: the table names nothing that has moved away.
    #[test]
    fn the_table_names_what_is_there() {
        for part in &PARTS {
            assert_eq!(of(crate::root(), part).unwrap().len(), 64);
        }
    }
}
