//! Reports: what was made, how good and how small it is, why, and whether to trust it, in one file for a browser.
//!
//! [`report()`] begins one of a model; [`Reporting::run`] measures and answers a [`Report`], a plain value;
//! [`Report::html`] lays it out. Test images are measured and shown, and choose nothing.

mod gather;
mod html;
mod pictures;
mod remade;
mod subject;
mod value;

pub(crate) use html::thousands;
pub use value::*;

use crate::data::Data;
use crate::disassemble::Component;
use crate::error::Error;
use crate::progress::{Progress, Silent};
use crate::runtime::Runtime;
use crate::source::Source;
use mda_core::Model;

/// A report that is about to be made.
#[derive(Clone)]
pub struct Reporting<'a> {
    model: &'a Model,
    sha256: Option<String>,
    data: Vec<&'a Data>,
    data_names: Vec<Option<Vec<String>>>,
    sources: Vec<&'a Source>,
    components: Vec<&'a Component>,
    command: Option<String>,
    progress: &'a dyn Progress,
}

/// Begins a report of `model`: a component, an assembled model, or any other classifier.
pub fn report(model: &Model) -> Reporting<'_> {
    Reporting {
        model,
        sha256: None,
        data: Vec::new(),
        data_names: Vec::new(),
        sources: Vec::new(),
        components: Vec::new(),
        command: None,
        progress: &Silent,
    }
}

impl<'a> Reporting<'a> {
    /// With data: one data set a component, in their order, or one for all.
    #[must_use]
    pub fn data(mut self, data: impl IntoIterator<Item = &'a Data>) -> Self {
        self.data = data.into_iter().collect();
        self
    }

    /// What the data of each component calls its categories, where that is not as the model does.
    #[must_use]
    pub fn data_names(mut self, names: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.data_names = names.into_iter().map(Some).collect();
        self
    }

    /// With the sources that components were cut out of, in any order: they are told by their hashes and names.
    #[must_use]
    pub fn sources(mut self, sources: impl IntoIterator<Item = &'a Source>) -> Self {
        self.sources = sources.into_iter().collect();
        self
    }

    /// With how components came about, in their order, where that is still known: how a budget was spent above all.
    #[must_use]
    pub fn components(mut self, components: impl IntoIterator<Item = &'a Component>) -> Self {
        self.components = components.into_iter().collect();
        self
    }

    /// With the SHA-256 of the model's file.
    #[must_use]
    pub fn sha256(mut self, sha256: Option<&str>) -> Self {
        self.sha256 = sha256.map(str::to_owned);
        self
    }

    /// With the command that made it.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// Who hears how it goes, and may stop it.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Measures all that the report tells.
    ///
    /// # Errors
    /// [`Error`]: where the data does not fit the model or cannot be read, and where running fails. What cannot be known is
    /// no error: [`Report::missing`] says it.
    pub fn run(&self, runtime: &Runtime) -> Result<Report, Error> {
        gather::gather(self, runtime)
    }
}

impl Report {
    /// The report as one HTML file that loads nothing.
    pub fn html(&self) -> String {
        html::page(self)
    }
}
