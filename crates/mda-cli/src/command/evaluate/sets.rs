//! The data sets that a model is evaluated on, as `[LABEL=]PATH` names them.

use mda::data::{Data, unknown_labels};
use mda_core::Model;
use mda_core::evaluate::LabelMap;
use mda_core::model::task::Task;
use mda_core::run::{LabelledLogits, Runner};
use mda_data::Split;
use std::collections::HashSet;
use std::path::Path;

/// Labelled images, and what their labels mean to the model.
pub(super) struct Set {
    pub(super) data: Data,
    pub(super) split: Split,
    pub(super) labels: LabelMap,
    path: String,
}

/// The images of all `specs`.
pub(super) fn opened(model: &Model, specs: &[String], split: Split) -> anyhow::Result<Vec<Set>> {
    let mut seen = HashSet::new();
    let mut sets = Vec::new();
    for spec in specs {
        let (label, path) = match spec.split_once('=') {
            Some((label, path)) if !Path::new(spec).exists() => (Some(label), path),
            _ => (None, spec.as_str()),
        };
        let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        anyhow::ensure!(seen.insert((label, place)), "--data {spec} is given twice; its images would count twice");
        sets.push(Set::open(model, label, path, split)?);
    }
    Ok(sets)
}

impl Set {
    fn open(model: &Model, label: Option<&str>, path: &str, split: Split) -> anyhow::Result<Self> {
        let data = Data::open(path, model)?;
        let images = data.split(split)?;
        let prefixed = |name: &String| {
            let long = label.map(|label| format!("{label}:{name}"));
            long.filter(|long| model.categories().contains(long)).unwrap_or_else(|| name.clone())
        };
        let names: Vec<String> = images.categories().iter().map(prefixed).collect();
        let labels = LabelMap::by_name(&names, model.categories()).map_err(mda::Error::from)?;
        Ok(Self { data, split, labels, path: path.to_owned() })
    }

    /// What of the data is not used. Where one category is told from all else, images of other categories are.
    pub(super) fn notes(&self, chooses: bool) -> anyhow::Result<Vec<String>> {
        let unknown = unknown_labels(self.data.split(self.split)?, &self.labels).filter(|_| chooses);
        let notes = self.data.left_out(self.split)?.iter().cloned().chain(unknown);
        Ok(notes.map(|note| format!("{}: {note}", self.path)).collect())
    }

    /// The positions of the images of `task`.
    pub(super) fn positions(&self, task: &Task) -> anyhow::Result<Vec<usize>> {
        let labels = self.data.split(self.split)?.labels();
        let wanted = |&at: &usize| self.labels.category(labels[at]).is_some_and(|category| task.contains(&category));
        Ok((0..labels.len()).filter(wanted).collect())
    }

    /// The logits for the images at `positions`, labelled as the model counts.
    pub(super) fn logits(
        &self,
        runner: &Runner<'_>,
        model: &Model,
        positions: &[usize],
    ) -> anyhow::Result<LabelledLogits> {
        Ok(self.labels.relabel(&runner.logits(model, self.data.split(self.split)?, positions)?))
    }
}
