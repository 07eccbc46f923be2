//! What a study runs: a recipe file, read and checked before anything is computed.

use super::error::{RecipeError, StudyError};
use crate::error::Error;
use mda_core::rescale::Rescaling;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a study runs: sources, components of them and assembled models, each with every setting that is named.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// The file that it was read from.
    #[serde(skip)]
    pub(super) file: Option<PathBuf>,
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
    /// The sources, by the names that the other entries use; none where they are given by value.
    #[serde(default)]
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
#[non_exhaustive]
pub enum MeasuredOn {
    /// Those of the test split.
    #[default]
    Test,
    /// A part of the train split that nothing else looks at: for studies that decide something, such as a default.
    #[serde(alias = "held-out")]
    Validation,
}

impl MeasuredOn {
    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test images",
            Self::Validation => "validation images",
        }
    }

    /// What measuring on them is called.
    pub(super) fn step(self) -> &'static str {
        match self {
            Self::Test => "measuring on test images",
            Self::Validation => "measuring on validation images",
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
    /// What is best on the choice images.
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
    "auto".into()
}

impl Recipe {
    /// Reads and checks a recipe, a TOML file: every list says something and every number means something.
    ///
    /// # Errors
    /// [`StudyError::Unreadable`] and [`StudyError::RecipeFile`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let unreadable = |source| StudyError::Unreadable { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let refused = |source| StudyError::RecipeFile { path: path.to_owned(), source };
        Ok(Self { file: Some(path.to_owned()), ..Self::checked(&text).map_err(refused)? })
    }

    /// As [`Recipe::read`], of the text of such a file.
    ///
    /// # Errors
    /// [`StudyError::Recipe`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self::checked(text).map_err(StudyError::Recipe)?)
    }

    fn checked(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text)?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The study's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why this recipe cannot be run.
    pub(super) fn refused(&self, source: RecipeError) -> StudyError {
        match &self.file {
            Some(path) => StudyError::RecipeFile { path: path.clone(), source },
            None => source.into(),
        }
    }
}
