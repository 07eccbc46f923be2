//! Model cards: Markdown beside a model, with the metadata that model hubs read and the recipe that made it.

use crate::report::thousands;
use mda_core::Model;
use mda_core::model::provenance::{ComponentOrigin, Provenance};
use mda_formats::target::CARD;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A card that is about to be written.
#[derive(Clone, Debug)]
pub struct Card<'a> {
    model: &'a Model,
    file: String,
    sha256: Option<String>,
    command: Option<String>,
    measured: Vec<Measured>,
}

/// A number for the card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The data set's name.
    pub data: String,
    /// What was measured, as hubs call it: `accuracy`, `roc_auc`.
    pub metric: &'static str,
    /// In percent.
    pub percent: f64,
    /// On how many test images.
    pub images: usize,
}

/// Begins the card of `model`, whose file is called `file`.
pub fn card<'a>(model: &'a Model, file: impl Into<String>) -> Card<'a> {
    Card { model, file: file.into(), sha256: None, command: None, measured: Vec::new() }
}

impl Card<'_> {
    /// With the SHA-256 of the model's file.
    #[must_use]
    pub fn sha256(mut self, sha256: Option<String>) -> Self {
        self.sha256 = sha256;
        self
    }

    /// With the command that made it.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// With what was measured on test images.
    #[must_use]
    pub fn measured(mut self, measured: Vec<Measured>) -> Self {
        self.measured = measured;
        self
    }

    /// The card.
    pub fn markdown(&self) -> String {
        let mut out = self.metadata();
        out.push_str(&self.about());
        out.push_str(&self.usage());
        out.push_str(&self.recipe());
        out
    }

    /// The block of YAML that hubs read. Every text stands as JSON does, which YAML reads too.
    fn metadata(&self) -> String {
        let name = quoted(self.model.name());
        let mut out =
            format!("{CARD}pipeline_tag: image-classification\ntags:\n- image-classification\n- pruning\n- onnx\n");
        if !self.measured.is_empty() {
            let _ = write!(out, "model-index:\n- name: {name}\n  results:\n");
            for Measured { data, metric, percent, .. } in &self.measured {
                let data = quoted(data);
                let _ = write!(
                    out,
                    "  - task:\n      type: image-classification\n    dataset:\n      name: {data}\n      type: {data}\n      split: \
                     test\n    metrics:\n    - type: {metric}\n      value: {:.6}\n",
                    percent / 100.0
                );
            }
        }
        out + "---\n\n"
    }

    fn about(&self) -> String {
        let model = self.model;
        let (size, [rows, columns]) = (model.size(), model.input_shape().spatial());
        let mut out = format!("# {}\n\n", plain(model.name()));
        let origin = match model.provenance() {
            Some(Provenance::Component(origin)) => {
                let how = if origin.tuning.is_some() { "and tuned to its answers" } else { "without retraining" };
                format!("A component of `{}`, cut out {how} for the categories below.", plain(&origin.source))
            }
            Some(Provenance::Assembled { components, .. }) => {
                let names: Vec<String> = components.iter().map(|one| format!("`{}`", plain(&one.name))).collect();
                format!("An image classifier joined of the components {}.", names.join(", "))
            }
            None => "An image classifier.".to_owned(),
        };
        let _ = write!(
            out,
            "{origin}\n\n| | |\n|---|---|\n| images | {} channels, {rows} x {columns} pixels, values in 0 to 1; normalised inside |\n| \
             categories | {} |\n| parameters | {} |\n| multiply-adds an image | {} |\n",
            model.input_shape().channels(),
            model.categories().len(),
            thousands(size.parameters),
            thousands(size.macs)
        );
        for Measured { data, metric, percent, images } in &self.measured {
            let _ = writeln!(out, "| {metric} on {images} test images of {} | {percent:.2} % |", plain(data));
        }
        let names: Vec<String> = model.categories().iter().map(|name| format!("`{}`", plain(name))).collect();
        let _ = write!(out, "\nCategories, in the order of the logits: {}.\n\n", names.join(", "));
        out.push_str(
            "An image of anything else is still taken for one of these. The numbers hold for images like those they were \
             measured on.\n\n",
        );
        out
    }

    fn usage(&self) -> String {
        let file = plain(&self.file);
        format!(
            "## Use\n\n```sh\nmda predict {file} IMAGE...\nmda export {file} --onnx model.onnx\n```\n\nThe file is a safetensors \
             file with the graph in its metadata.\n\n"
        )
    }

    fn recipe(&self) -> String {
        let mut out = "## How it was made\n\n".to_owned();
        if let Some(command) = &self.command {
            let _ = write!(out, "```sh\n{}\n```\n\n", fenced(command));
        }
        if let Some(sha256) = &self.sha256 {
            let _ = write!(out, "SHA-256 of the file: `{sha256}`.\n\n");
        }
        if let Some(provenance) = self.model.provenance() {
            let recipe = serde_json::to_string_pretty(&described(provenance)).unwrap_or_default();
            let _ = write!(
                out,
                "What is recorded in the file, but for the lists of kept channels:\n\n```json\n{}\n```\n\n",
                fenced(&recipe)
            );
        }
        let _ = writeln!(out, "Made by MDA {}.", env!("CARGO_PKG_VERSION"));
        out
    }
}

/// An origin without the lists of kept channels, which are long and in the file.
fn described(provenance: &Provenance) -> Value {
    match provenance {
        Provenance::Component(origin) => {
            let origin = ComponentOrigin { kept: Default::default(), ..origin.clone() };
            let mut value = json!(origin);
            value.as_object_mut().map(|fields| fields.remove("kept"));
            value
        }
        Provenance::Assembled { form, rescaling, fitted_on, tuning, components } => {
            let components = components.iter().map(|component| {
                let origin = component.origin.as_deref().map(described);
                json!({ "name": component.name, "categories": component.categories, "origin": origin })
            });
            let mut value = json!({
                "form": form,
                "rescaling": rescaling,
                "fitted_on": fitted_on,
                "components": components.collect::<Vec<_>>(),
            });
            let tuning = tuning.as_ref().map(|tuning| json!(tuning));
            value.as_object_mut().zip(tuning).map(|(fields, tuning)| fields.insert("tuning".into(), tuning));
            value
        }
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A name that cannot become Markdown: what would end a span of code or a cell, or begin markup, is replaced.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || "`|<>[]*#".contains(c) { '_' } else { c }).collect()
}

/// Text that does not end the block of code that it stands in.
fn fenced(text: &str) -> String {
    text.replace("```", "'''")
}
