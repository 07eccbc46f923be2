//! `cargo xtask prove`: the expensive parts in full, and the record of the files with which they have passed.
//!
//! What LibTorch and emulated processors prove changes only with the files that [`parts`] lists. `cargo xtask ci` compares
//! their digest with the recorded one: it skips a part whose files are those that have passed, and runs every other.

mod date;
mod digest;
pub(crate) mod parts;
mod record;

use anyhow::{Context, ensure};
use parts::{PARTS, Part};
use record::Record;
use std::process::Command;

/// Which parts to prove.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The parts: tch, arm, avx512; all of them if none is named.
    parts: Vec<String>,
    /// Print the names of the parts that `cargo xtask ci` would run here, and run nothing.
    #[arg(long)]
    changed: bool,
}

/// How much of a part is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What `cargo xtask ci` runs: on an emulated processor the micro-kernels and one network.
    Short,
    /// Everything, which is what a record stands for.
    Full,
}

/// What `cargo xtask ci` has to do about a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The tests have run it already, for this reason.
    Tested(&'static str),
    /// Its files are those that passed on this day.
    Unchanged(String),
    /// It has to be run, for this reason.
    Changed(String),
}

/// How `part` stands with the files that lie here now.
pub(crate) fn standing(part: &Part) -> anyhow::Result<Standing> {
    if let Some(reason) = (part.tested)() {
        return Ok(Standing::Tested(reason));
    }
    let digest = digest::of(crate::root(), part)?;
    let records = record::read(crate::root())?;
    Ok(compare(&digest, records.get(part.name)))
}

fn compare(digest: &str, record: Option<&Record>) -> Standing {
    match record {
        None => Standing::Changed("never proved".into()),
        Some(record) if record.files == digest => Standing::Unchanged(record.date.clone()),
        Some(record) => Standing::Changed(format!("changed since {}", record.date)),
    }
}

/// Runs the named parts in full, and records each as it passes.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let parts = named(&options.parts)?;
    if options.changed {
        for part in parts {
            if let Standing::Changed(_) = standing(part)? {
                println!("{}", part.name);
            }
        }
        return Ok(());
    }
    for part in parts {
        // Taken before the run: what is edited meanwhile has not been proved.
        let files = digest::of(crate::root(), part)?;
        eprintln!("prove: {}: {}", part.name, part.about);
        (part.run)(Extent::Full).with_context(|| format!("the part `{}` has not passed", part.name))?;
        ensure!(
            digest::of(crate::root(), part)? == files,
            "files of the part `{}` changed while it ran, so nothing is recorded; run it again",
            part.name
        );
        let record = Record { files, date: date::today()?, machine: machine()? };
        let file = record::write(crate::root(), part.name, record)?;
        eprintln!("prove: {} passed; commit {}", part.name, file.display());
    }
    Ok(())
}

/// The parts of these names, or all.
fn named(names: &[String]) -> anyhow::Result<Vec<&'static Part>> {
    let known = || PARTS.iter().map(|part| part.name).collect::<Vec<_>>().join(", ");
    for name in names {
        ensure!(PARTS.iter().any(|part| part.name == name), "no part is called `{name}`; there are {}", known());
    }
    Ok(PARTS.iter().filter(|part| names.is_empty() || names.iter().any(|name| name == part.name)).collect())
}

/// What has run the proof: the compiler and the kind of machine.
fn machine() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("asking rustc for its version")?;
    ensure!(output.status.success(), "`rustc --version` failed with {}", output.status);
    let version = String::from_utf8(output.stdout).context("rustc's version is no text")?;
    Ok(format!("{}, {}", crate::dist::target()?, version.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_have_passed_are_skipped() {
        let record = Record { files: "aa".into(), date: "2026-01-31".into(), machine: "one".into() };
        assert_eq!(compare("aa", Some(&record)), Standing::Unchanged("2026-01-31".into()));
        assert_eq!(compare("ab", Some(&record)), Standing::Changed("changed since 2026-01-31".into()));
        assert_eq!(compare("aa", None), Standing::Changed("never proved".into()));
    }

    #[test]
    fn a_part_is_asked_for_by_name() {
        let names = |asked: &[&str]| {
            let asked: Vec<String> = asked.iter().map(|&name| name.into()).collect();
            named(&asked).map(|parts| parts.iter().map(|part| part.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap(), ["tch", "arm", "avx512"]);
        assert_eq!(names(&["arm"]).unwrap(), ["arm"]);
        let error = names(&["arm", "sparc"]).unwrap_err().to_string();
        assert_eq!(error, "no part is called `sparc`; there are tch, arm, avx512");
    }
}
