//! What a report is of: a model, and the parts that it was made of, each with its images and its source.

use super::Reporting;
use crate::data::Data;
use crate::disassemble::Component;
use crate::error::Error;
use crate::source::Source;
use mda_core::Model;
use mda_core::evaluate::LabelMap;
use mda_core::model::provenance::{ComponentOrigin, Provenance};
use mda_core::run::ImageSource;
use std::ops::Range;

/// A model and its parts, in the order of its logits.
pub(super) struct Subject<'a> {
    pub(super) model: &'a Model,
    pub(super) parts: Vec<PartOf<'a>>,
}

/// One part of a model.
pub(super) struct PartOf<'a> {
    pub(super) name: String,
    /// Its logits among the model's.
    pub(super) block: Range<usize>,
    /// How it was cut, where it was.
    pub(super) origin: Option<ComponentOrigin>,
    pub(super) data: Option<&'a Data>,
    data_names: Vec<String>,
    pub(super) source: Option<&'a Source>,
    /// As it was just made.
    pub(super) component: Option<&'a Component>,
}

impl<'a> Subject<'a> {
    /// # Errors
    /// [`Error::DataCount`] for another number of data sets than of parts.
    pub(super) fn new(asked: &Reporting<'a>) -> Result<Self, Error> {
        let model = asked.model;
        let mut parts: Vec<PartOf<'a>> = Vec::new();
        match model.provenance() {
            Some(Provenance::Assembled { components, .. }) => {
                for record in components {
                    let start = parts.last().map_or(0, |part| part.block.end);
                    let origin = match record.origin.as_deref() {
                        Some(Provenance::Component(origin)) => Some(origin.clone()),
                        _ => None,
                    };
                    let block = start..start + record.categories.len();
                    parts.push(PartOf::new(record.name.clone(), block, origin, record.categories.clone()));
                }
            }
            origin => {
                let origin = match origin {
                    Some(Provenance::Component(origin)) => Some(origin.clone()),
                    _ => None,
                };
                let (block, names) = (0..model.categories().len(), model.categories().to_vec());
                parts.push(PartOf::new(model.name().to_owned(), block, origin, names));
            }
        }
        let (components, got) = (parts.len(), asked.data.len());
        if got > 1 && got != components {
            return Err(Error::DataCount { components, got });
        }
        for (index, part) in parts.iter_mut().enumerate() {
            part.data = if got == 1 { asked.data.first().copied() } else { asked.data.get(index).copied() };
            if let Some(Some(names)) = asked.data_names.get(index) {
                part.data_names.clone_from(names);
            }
            part.component = asked.components.get(index).copied();
            let origin = part.origin.as_ref();
            part.source = origin.and_then(|origin| source_of(origin, &asked.sources));
        }
        Ok(Self { model, parts })
    }

    /// Whether the model has something to choose between.
    pub(super) fn chooses(&self) -> bool {
        self.model.categories().len() > 1
    }
}

/// The one of `sources` that a component was cut out of: by the hash of its file, else by its name.
fn source_of<'a>(origin: &ComponentOrigin, sources: &[&'a Source]) -> Option<&'a Source> {
    let by_hash =
        sources.iter().find(|source| source.sha256().is_some() && source.sha256() == origin.source_sha256.as_deref());
    let by_name = || sources.iter().find(|source| source.model().name() == origin.source);
    by_hash.or_else(by_name).copied()
}

impl<'a> PartOf<'a> {
    fn new(name: String, block: Range<usize>, origin: Option<ComponentOrigin>, data_names: Vec<String>) -> Self {
        Self { name, block, origin, data: None, data_names, source: None, component: None }
    }

    /// What the labels of `images` mean to the whole model. A category also meets an image's where the part's name stands
    /// before it.
    ///
    /// # Errors
    /// [`Error::Labels`] where no category is in both.
    pub(super) fn labels(&self, images: &dyn ImageSource) -> Result<LabelMap, Error> {
        let map = LabelMap::by_name(images.categories(), &self.known_as(images))?;
        Ok(map.shifted(self.block.start))
    }

    /// What `images` call the part's categories.
    pub(super) fn known_as(&self, images: &dyn ImageSource) -> Vec<String> {
        let is_known = LabelMap::by_name(images.categories(), &self.data_names).is_ok();
        let prefix = if is_known { String::new() } else { format!("{}:", self.name) };
        self.data_names.iter().map(|name| name.strip_prefix(&prefix).unwrap_or(name).to_owned()).collect()
    }
}
