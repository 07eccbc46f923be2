//! A trial of the archive as somebody who has just downloaded it: unpacked elsewhere, without any variable set.

use super::ask;
use anyhow::{Context, bail, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// Lists, between commas, the backends that have to run here; as for the tests.
const REQUIRED: &str = "MDA_REQUIRE_BACKENDS";

/// Runs the demo of the unpacked archive in process and through every plugin, and compares what is printed.
pub(super) fn run(archive: &Path, name: &str, plugins: &[String]) -> anyhow::Result<()> {
    let elsewhere = tempfile::tempdir()?;
    tar::Archive::new(GzDecoder::new(File::open(archive)?)).unpack(elsewhere.path())?;
    let folder = elsewhere.path().join(name);
    let rows: Value = serde_json::from_str(&mda(&folder, &folder, &["backends", "--json"])?)?;
    let expected = demo(&folder, elsewhere.path(), "in-process", &["--backend=cpu"])?;
    for plugin in plugins {
        let file = format!("plugins/{DLL_PREFIX}mda_plugin_{plugin}{DLL_SUFFIX}");
        let listed = rows.as_array().into_iter().flatten();
        let row = listed.filter(|row| row["from"] == "plugin").find(|row| row["backend"] == plugin.as_str());
        let row = row.with_context(|| format!("`mda backends` does not list the plugin {plugin}: {rows}"))?;
        ensure!(row["version"].is_string(), "the plugin {plugin} cannot be loaded: {}", row["unavailable"]);
        if row["devices"].as_array().is_none_or(Vec::is_empty) {
            let required = std::env::var(REQUIRED).is_ok_and(|list| list.split(',').any(|name| name.trim() == plugin));
            ensure!(!required, "{REQUIRED} names {plugin}, which finds no device: {}", row["unavailable"]);
            eprintln!("dist: the plugin {plugin} loads, but its demo is skipped: {}", row["unavailable"]);
            continue;
        }
        let file = folder.join(file).display().to_string();
        let printed =
            demo(&folder, elsewhere.path(), plugin, &[&format!("--plugin={file}"), &format!("--backend={plugin}")])?;
        compare(plugin, &expected, &printed)?;
    }
    Ok(())
}

fn demo(folder: &Path, elsewhere: &Path, name: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let place = elsewhere.join("runs").join(name);
    fs::create_dir_all(&place)?;
    mda(folder, &place, &[&["demo", "--quiet", "--output=demo"], arguments].concat())
}

fn mda(folder: &Path, place: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    ask(Command::new(folder.join("mda")).args(arguments).current_dir(place).env_clear())
}

/// The same lines; numbers may differ by what one image in a thousand makes, because sums are taken in another order.
fn compare(plugin: &str, expected: &str, printed: &str) -> anyhow::Result<()> {
    let mut different = Vec::new();
    ensure!(expected.lines().count() == printed.lines().count(), "the demo through {plugin} prints:\n{printed}");
    for (expected, printed) in expected.lines().zip(printed.lines()).filter(|(a, b)| a != b) {
        if !close(expected, printed) {
            bail!("the demo through {plugin} prints\n  {printed}\nwhere the embedded backend prints\n  {expected}");
        }
        different.push(printed);
    }
    match different.len() {
        0 => eprintln!("dist: the demo through the plugin {plugin} prints the same"),
        count => eprintln!(
            "dist: the demo through the plugin {plugin} prints the same but for the last digits of {count} lines:\n  {}",
            different.join("\n  ")
        ),
    }
    Ok(())
}

fn close(expected: &str, printed: &str) -> bool {
    let (expected, printed): (Vec<&str>, Vec<&str>) =
        (expected.split_whitespace().collect(), printed.split_whitespace().collect());
    expected.len() == printed.len()
        && expected.iter().zip(&printed).all(|(a, b)| match (number(a), number(b)) {
            (Some(a), Some(b)) => (a - b).abs() < 0.15,
            _ => a == b,
        })
}

fn number(word: &str) -> Option<f64> {
    word.trim_matches(|c: char| !c.is_ascii_digit() && c != '-').replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_image_is_close_and_one_channel_is_not() {
        let line = "component  97.8 %, 1,234 parameters";
        assert!(close(line, "component  97.9 %, 1,234 parameters"));
        for other in ["component  98.8 %, 1,234 parameters", "component  97.8 %, 1,250 parameters", "component 97.8 %"]
        {
            assert!(!close(line, other), "{other}");
        }
    }
}
