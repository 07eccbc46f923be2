//! What a study runs: a recipe file, read and checked before anything is computed.

use crate::args;
use anyhow::{Context as _, anyhow, bail};
use mda_core::budget::Budget;
use mda_core::rescale::Rescaling;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A recipe as it is written, in TOML.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Recipe {
    /// The study's name, which heads its tables.
    pub(super) name: String,
    /// One run a seed; tables show their means.
    #[serde(default = "one_seed")]
    pub(super) seeds: Vec<u64>,
    #[serde(default)]
    pub(super) images: ImageCounts,
    /// What components are measured on.
    #[serde(default)]
    pub(super) measure: MeasuredOn,
    /// The sources, by the names that the other entries use.
    pub(super) source: BTreeMap<String, Source>,
    #[serde(default)]
    pub(super) disassemble: Vec<Disassemble>,
    #[serde(default)]
    pub(super) assemble: Vec<Assemble>,
}

/// How many train images of a category do what, at most.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct ImageCounts {
    /// Speak for a category.
    pub(super) top_k: usize,
    /// The surest are picked from these; 0 for all.
    pub(super) candidates: usize,
    /// Repair a component.
    pub(super) calibration: usize,
    /// Calibrate the logits of an assembled model.
    pub(super) rescaling: usize,
}

impl Default for ImageCounts {
    fn default() -> Self {
        Self { top_k: 50, candidates: 1000, calibration: 300, rescaling: 200 }
    }
}

/// The images that accuracies are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MeasuredOn {
    /// Those of the test split.
    #[default]
    Test,
    /// A part of the train split that nothing else looks at: for studies that decide something, such as a default.
    HeldOut,
}

impl MeasuredOn {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Test => "test images",
            Self::HeldOut => "held-out train images",
        }
    }
}

/// A trained classifier and its images; paths are relative to the study's root.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Source {
    pub(super) model: PathBuf,
    /// For weights without a graph: the data set whose names and normalisation they were trained with.
    pub(super) preset: Option<String>,
    pub(super) data: PathBuf,
}

/// Components of one source: every task with every formulation, budget and repair.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Disassemble {
    pub(super) source: String,
    pub(super) tasks: Vec<String>,
    pub(super) formulations: Vec<String>,
    #[serde(default = "ridge")]
    pub(super) repairs: Vec<String>,
    #[serde(default = "thresholds")]
    pub(super) budgets: Vec<String>,
    /// How a budget is spent.
    #[serde(default)]
    pub(super) counts: Counts,
    /// Formulations that choose as many channels in every layer as each of the above kept.
    #[serde(default)]
    pub(super) same_size: Vec<String>,
    /// Keep all logits of the source, as the released Model-LEGO code does.
    #[serde(default)]
    pub(super) all_logits: bool,
}

/// How many channels a layer keeps under a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Counts {
    /// What is best on held-out train images.
    #[default]
    Chosen,
    /// The same share of every layer, so that formulations differ in nothing else.
    Uniform,
}

/// Components of several sources in one model.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Assemble {
    pub(super) components: Vec<Part>,
    #[serde(default = "default_formulation")]
    pub(super) formulation: String,
    #[serde(default = "ridge_name")]
    pub(super) repair: String,
    #[serde(default = "thresholds_name")]
    pub(super) budget: String,
    pub(super) rescalings: Vec<Rescaling>,
    /// Also the uncut sources, with every rescaling.
    #[serde(default)]
    pub(super) uncut: bool,
}

/// One component of an assembled model.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Part {
    pub(super) source: String,
    pub(super) task: String,
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

fn ridge_name() -> String {
    "ridge".into()
}

fn ridge() -> Vec<String> {
    vec![ridge_name()]
}

fn thresholds_name() -> String {
    "thresholds".into()
}

fn thresholds() -> Vec<String> {
    vec![thresholds_name()]
}

fn default_formulation() -> String {
    args::DEFAULT_FORMULATION.into()
}

impl Recipe {
    /// Reads and checks a recipe: all names are known and every number means something.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading the recipe {}", path.display()))?;
        let recipe: Self = toml::from_str(&text).with_context(|| format!("the recipe {}", path.display()))?;
        recipe.check().with_context(|| format!("the recipe {}", path.display()))?;
        Ok(recipe)
    }
}

/// `thresholds`, `30%` or `30% params`, `30% macs`, `drop 1.0`.
pub(super) fn budget(text: &str) -> anyhow::Result<Option<Budget>> {
    let text = text.trim();
    if text == "thresholds" {
        return Ok(None);
    }
    if let Some(points) = text.strip_prefix("drop ") {
        let points = args::points(points).map_err(|expected| anyhow!("the budget `{text}`: {expected}"))?;
        return Ok(Some(Budget::MaxDrop(points)));
    }
    if let Some((number, kind)) = text.split_once('%') {
        let share = args::percent(number).map_err(|expected| anyhow!("the budget `{text}`: {expected}"))?;
        match kind.trim() {
            "" | "params" => return Ok(Some(Budget::Params(share))),
            "macs" => return Ok(Some(Budget::Macs(share))),
            _ => {}
        }
    }
    bail!("`{text}` is no budget; expected `thresholds`, `30%`, `30% macs` or `drop 1.0`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        assert_eq!(budget("thresholds").unwrap(), None);
        assert_eq!(budget("30%").unwrap(), Some(Budget::Params(0.3)));
        assert_eq!(budget("12.5 % macs").unwrap(), Some(Budget::Macs(0.125)));
        assert_eq!(budget("drop 1.5").unwrap(), Some(Budget::MaxDrop(1.5)));
        assert!(budget("30").unwrap_err().to_string().contains("expected `thresholds`"));
    }

    #[test]
    fn budgets_that_mean_nothing_are_refused_when_they_are_read() {
        for (text, expected) in [
            ("150%", "`150%`: expected a percentage above 0 and up to 100"),
            ("0% macs", "above 0"),
            ("-5%", "above 0"),
            ("NaN%", "above 0"),
            ("inf% params", "up to 100"),
            ("drop 200", "`drop 200`: expected points of accuracy from 0 to 100"),
            ("drop -1", "from 0 to 100"),
            ("drop NaN", "from 0 to 100"),
            ("drop much", "from 0 to 100"),
        ] {
            let said = budget(text).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
