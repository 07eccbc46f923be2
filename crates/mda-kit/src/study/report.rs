//! What a study has found.

use super::error::StudyError;
use super::recipe::{MeasuredOn, Recipe};
use super::record::{Failure, Outcome, Record};
use super::store::Store;
use super::tables::{Tables, csv};
use crate::error::Error;
use mda_formats::atomic;
use std::path::Path;

/// What a study has found, in this call and in earlier ones. As long as it is there, no other study writes to the folder.
#[derive(Debug)]
pub struct Report {
    name: String,
    measured_on: MeasuredOn,
    store: Store,
    records: Vec<Record>,
    failures: Vec<Failure>,
}

impl Report {
    pub(super) fn new(recipe: &Recipe, store: Store, failures: Vec<Failure>) -> Self {
        let records = store.records();
        Self { name: recipe.name().to_owned(), measured_on: recipe.measure, store, records, failures }
    }

    /// The study's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The images that accuracies are of.
    pub fn measured_on(&self) -> MeasuredOn {
        self.measured_on
    }

    /// Where the results are.
    pub fn folder(&self) -> &Path {
        self.store.folder()
    }

    /// The runs that were measured.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The runs that are not to be had.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// All runs: those that were measured, and the others.
    pub fn outcomes(&self) -> Vec<Outcome<'_>> {
        self.records.iter().map(Outcome::Done).chain(self.failures.iter().map(Outcome::Failed)).collect()
    }

    /// Means over seeds, side by side.
    pub fn tables(&self) -> Tables {
        Tables::of(&self.records)
    }

    /// The component runs as CSV, a row each.
    pub fn components_csv(&self) -> String {
        csv::components(&self.records)
    }

    /// The assembly runs as CSV, a row each.
    pub fn assemblies_csv(&self) -> String {
        csv::assemblies(&self.records)
    }

    /// Writes all runs into the folder, as JSON and as CSV.
    pub(super) fn write(&self) -> Result<(), Error> {
        let json = serde_json::to_string_pretty(&self.outcomes()).expect("runs are written as JSON") + "\n";
        for (name, text) in
            [("study.json", json), ("components.csv", self.components_csv()), ("assemblies.csv", self.assemblies_csv())]
        {
            let path = self.folder().join(name);
            let written = atomic::write(&path, |file| file.write_all(text.as_bytes()));
            written.map_err(|source| StudyError::Unwritten { path, source })?;
        }
        Ok(())
    }
}
