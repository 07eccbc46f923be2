//! The record, which is tracked: with which files each part has passed, when and where.

use anyhow::{Context, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const FILE: &str = "xtask/proved.toml";

const HEAD: &str = "# With which files each part has passed in full. Written by `cargo xtask prove`, read by `cargo xtask ci`, which runs\n\
    # every part whose files are others. The table in xtask/src/prove/parts.rs says which files are meant.\n";

/// That a part has passed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// The digest of its files.
    pub(super) files: String,
    /// The day, in UTC.
    pub(super) date: String,
    /// What ran it.
    pub(super) machine: String,
}

/// The records of all parts, by name; none where there is no file.
pub(super) fn read(root: &Path) -> anyhow::Result<BTreeMap<String, Record>> {
    let text = match std::fs::read_to_string(root.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("reading {FILE}")),
    };
    toml::from_str(&text).with_context(|| format!("{FILE} is not what `cargo xtask prove` writes"))
}

/// Puts the record of the part `name` into the file, and answers which that is.
pub(super) fn write(root: &Path, name: &str, record: Record) -> anyhow::Result<PathBuf> {
    let mut records = read(root)?;
    records.insert(name.into(), record);
    std::fs::write(root.join(FILE), text(&records)?).with_context(|| format!("writing {FILE}"))?;
    Ok(FILE.into())
}

fn text(records: &BTreeMap<String, Record>) -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    for (name, Record { files, date, machine }) in records {
        if let Some(value) = [files, date, machine].into_iter().find(|value| value.contains(['"', '\\', '\n'])) {
            bail!("{FILE} cannot hold {value:?}");
        }
        write!(text, "\n[{name}]\nfiles = \"{files}\"\ndate = \"{date}\"\nmachine = \"{machine}\"\n")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(files: &str) -> Record {
        Record { files: files.into(), date: "2026-01-31".into(), machine: "x86_64, rustc 1.95.0 (abc)".into() }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_leaves_the_others_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("xtask")).unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        write(folder.path(), "tch", record("aa")).unwrap();
        write(folder.path(), "arm", record("bb")).unwrap();
        write(folder.path(), "tch", record("cc")).unwrap();
        let expected = BTreeMap::from([("arm".into(), record("bb")), ("tch".into(), record("cc"))]);
        assert_eq!(read(folder.path()).unwrap(), expected);
    }

    #[test]
    fn a_damaged_record_is_an_error_and_no_proof() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("xtask")).unwrap();
        for damage in ["[tch]\nfiles = \"aa\"\n", "<<<<<<< HEAD\n", "[tch]\nfiles = 1\ndate = \"\"\nmachine = \"\"\n"] {
            std::fs::write(folder.path().join(FILE), damage).unwrap();
            assert!(read(folder.path()).is_err(), "{damage}");
        }
        assert!(text(&BTreeMap::from([("tch".into(), record("a\"b"))])).is_err());
    }

    /// What is committed can be read.
    #[test]
    fn the_tracked_record_names_known_parts() {
        let known: Vec<&str> = crate::prove::parts::PARTS.iter().map(|part| part.name).collect();
        for name in read(crate::root()).unwrap().keys() {
            assert!(known.contains(&name.as_str()), "{FILE} records `{name}`, which is no part");
        }
    }
}
