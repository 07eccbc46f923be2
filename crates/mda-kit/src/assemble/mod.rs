//! Assembling: components of any sources become one classifier over all their categories.

mod answers;
mod calibrating;
mod joint;

pub use joint::{Joint, Measured, blocks};

use crate::data::{Data, match_labels};
use crate::error::Error;
use crate::progress::{Progress, Silent};
use crate::runtime::Runtime;
use mda_core::Model;
use mda_core::assemble::{Form, assemble as join};
use mda_core::model::provenance::{FittedOn, Provenance};
use mda_core::rescale::{Rescaling, last_layer};
use std::path::Path;

/// How often the categories of an assembled model are expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prior {
    /// All equally often.
    #[default]
    Uniform,
    /// As often as in the train images.
    Train,
}

/// How logits are calibrated: to images that neither spoke in a component nor repaired one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// How many images of a category, at most.
    pub per_category: usize,
    /// What draws them.
    pub seed: u64,
    /// How often each category is expected.
    pub prior: Prior,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { per_category: 200, seed: 0, prior: Prior::Uniform }
    }
}

/// One component of an assembled model.
#[derive(Clone, Debug)]
pub struct Part {
    /// The component, under the category names that the assembled model is to have.
    pub model: Model,
    /// What its data calls the categories.
    pub data_names: Vec<String>,
}

impl From<Model> for Part {
    fn from(model: Model) -> Self {
        Self { data_names: model.categories().to_vec(), model }
    }
}

impl From<&crate::Component> for Part {
    fn from(component: &crate::Component) -> Self {
        component.model.clone().into()
    }
}

/// A model that is about to be assembled.
#[derive(Clone)]
pub struct Assembly<'a> {
    parts: Vec<Part>,
    data: Vec<&'a Data>,
    name: Option<String>,
    form: Form,
    rescaling: Option<Rescaling>,
    calibration: Calibration,
    progress: &'a dyn Progress,
}

/// An assembled model, and what it was made of.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// The model.
    pub model: Model,
    /// The components with their logits rescaled, in the order of their logits.
    pub parts: Vec<Part>,
    /// How the logits were brought to one scale.
    pub rescaling: Rescaling,
    /// How the components are joined.
    pub form: Form,
}

/// Begins a model of `components`, in the order of their logits.
pub fn assemble<'a, P: Into<Part>>(components: impl IntoIterator<Item = P>) -> Assembly<'a> {
    Assembly {
        parts: components.into_iter().map(Into::into).collect(),
        data: Vec::new(),
        name: None,
        form: Form::Parallel,
        rescaling: None,
        calibration: Calibration::default(),
        progress: &Silent,
    }
}

impl<'a> Assembly<'a> {
    /// With one data set a component, in their order, whose train images calibrate the logits.
    #[must_use]
    pub fn calibrated(mut self, data: impl IntoIterator<Item = &'a Data>) -> Self {
        self.data = data.into_iter().collect();
        self
    }

    /// Which train images calibrate, and how often categories are expected.
    #[must_use]
    pub fn calibration(mut self, calibration: Calibration) -> Self {
        self.calibration = calibration;
        self
    }

    /// How logits are brought to one scale. Where nothing is said: by evidence where there is data, else not at all.
    #[must_use]
    pub fn rescaling(mut self, rescaling: Rescaling) -> Self {
        self.rescaling = Some(rescaling);
        self
    }

    /// How the components are joined.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// What the model is called; the components' names joined by `+` where nothing is said.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Who hears how it goes, and may stop it.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Checks all that can be checked before any image is looked at.
    ///
    /// # Errors
    /// [`Error::Assemble`], [`Error::DataCount`], [`Error::NoCalibration`] and [`Error::UncalibratedPrior`].
    pub fn check(&self) -> Result<(), Error> {
        self.join(&self.parts)?;
        let (components, got) = (self.parts.len(), self.data.len());
        if got > 0 && got != components {
            return Err(Error::DataCount { components, got });
        }
        let rescaling = self.chosen();
        if got == 0 && rescaling.reads_images() {
            return Err(Error::NoCalibration { rescaling: rescaling.name() });
        }
        if self.calibration.prior == Prior::Train && !rescaling.is_calibrated() {
            return Err(Error::UncalibratedPrior);
        }
        Ok(())
    }

    /// Joins the components.
    ///
    /// # Errors
    /// [`Error`].
    pub fn run(&self, runtime: &Runtime) -> Result<Assembled, Error> {
        self.check()?;
        self.data_notes()?.into_iter().for_each(|note| self.progress.note(note));
        let rescaling = self.chosen();
        if let (None, true, Some(why)) =
            (self.rescaling, rescaling == Rescaling::ScaleShiftCategory, self.no_evidence())
        {
            self.progress.note(format!("rescaling by scale-shift-category instead of evidence: {why}"));
        }
        let joint = Joint { data: &self.data, progress: self.progress };
        let runner = runtime.runner();
        let (parts, fitted_on) = match rescaling {
            Rescaling::None => (self.parts.clone(), None),
            _ => {
                let effort = joint.effort(&self.parts, self.calibration)?;
                self.progress.running("rescaling", &runner, effort, |runner, _| {
                    joint.rescale(runner, &self.parts, rescaling, self.calibration)
                })?
            }
        };
        let model = self.progress.step("assembling", || self.join(&parts))?;
        let model = recorded(model, rescaling, self.calibration.prior, fitted_on);
        Ok(Assembled { model, parts, rescaling, form: self.form })
    }

    /// Measures what was assembled on the test images, as [`Assembled::measure`] does, and tells how it goes.
    ///
    /// # Errors
    /// As [`Assembled::measure`].
    pub fn measure(&self, assembled: &Assembled, runtime: &Runtime) -> Result<Vec<Measured>, Error> {
        let joint = Joint { data: &self.data, progress: self.progress };
        joint.measure(&runtime.runner(), &assembled.model, &assembled.parts)
    }

    /// What of the data is not looked at: several components may share a data set, so what none of them knows, and once.
    fn data_notes(&self) -> Result<Vec<String>, Error> {
        let known: Vec<String> = self.parts.iter().flat_map(|part| part.data_names.iter().cloned()).collect();
        let mut notes = Vec::new();
        for data in &self.data {
            let labels = match_labels(data.train()?, &known)?;
            notes.extend(data.notes(&labels)?);
        }
        notes.sort();
        notes.dedup();
        Ok(notes)
    }

    fn join(&self, parts: &[Part]) -> Result<Model, Error> {
        let components: Vec<&Model> = parts.iter().map(|part| &part.model).collect();
        let names = || components.iter().map(|component| component.name()).collect::<Vec<_>>().join("+");
        Ok(join(&self.name.clone().unwrap_or_else(names), &components, self.form)?)
    }

    /// Where nothing is said: evidence, where there is data and all logits come from linear layers.
    fn chosen(&self) -> Rescaling {
        match self.rescaling {
            Some(rescaling) => rescaling,
            None if self.data.is_empty() => Rescaling::None,
            None if self.no_evidence().is_some() => Rescaling::ScaleShiftCategory,
            None => Rescaling::Evidence,
        }
    }

    fn no_evidence(&self) -> Option<mda_core::rescale::RescaleError> {
        self.parts.iter().find_map(|part| last_layer(&part.model).err())
    }
}

impl Assembled {
    /// Writes the model, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        crate::source::save(&self.model, path.as_ref())
    }

    /// Writes the model as an ONNX file: opset 17, any batch size, pixel values in 0 to 1 in, logits out.
    ///
    /// # Errors
    /// [`Error::Export`].
    pub fn export_onnx(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        crate::source::export_onnx(&self.model, path.as_ref())
    }

    /// The accuracy of the model on every component's test images, given one data set a component.
    ///
    /// # Errors
    /// [`Error::Labels`], [`Error::Run`], and as [`Data::test`].
    pub fn measure(&self, data: &[&Data], runtime: &Runtime) -> Result<Vec<Measured>, Error> {
        Joint { data, progress: &Silent }.measure(&runtime.runner(), &self.model, &self.parts)
    }
}

/// The model with the rescaling in its provenance.
fn recorded(model: Model, rescaling: Rescaling, prior: Prior, fitted_on: Option<FittedOn>) -> Model {
    let rescaling = match prior {
        Prior::Train => format!("{}, prior train", rescaling.name()),
        Prior::Uniform => rescaling.name().to_owned(),
    };
    match model.provenance().cloned() {
        Some(Provenance::Assembled { form, components, tuning, .. }) => {
            model.with_provenance(Provenance::Assembled { form, rescaling, fitted_on, tuning, components })
        }
        _ => model,
    }
}
