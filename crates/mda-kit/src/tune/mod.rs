//! Tuning: a component, or an assembled model, learns its sources' own answers.

mod checkpoint;
mod effort;
mod pupil;
#[cfg(test)]
mod tests;

use crate::data::Data;
use crate::error::Error;
use crate::progress::{Headway, Progress, Silent, Stoppable};
use crate::runtime::Runtime;
use crate::source::Source;
use checkpoint::Checkpoint;
use mda_core::Model;
use mda_core::method::Tuning;
use mda_core::model::provenance::{FittedOn, Provenance, TuningRecord};
use mda_core::run::Runner;
use mda_core::tune::{Epoch, Lesson, State, Tuner};
use pupil::{Pupil, pupils};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A tuned model, and what the tuning came to.
#[derive(Clone, Debug, Serialize)]
pub struct Tuned {
    /// The model; as it came, where no epoch made it better.
    #[serde(skip)]
    pub model: Model,
    /// The mean loss on held-out images before the first step.
    pub before: f64,
    /// The same of the model.
    pub after: f64,
    /// After which epoch the model was taken; 0 where it is as it came.
    pub best_epoch: usize,
    /// All epochs.
    pub epochs: Vec<Epoch>,
    /// How many images it learned from, and how many judged.
    pub images: [usize; 2],
}

/// A model that is about to be tuned.
#[derive(Clone)]
pub struct Tune<'a> {
    model: &'a Model,
    sources: Vec<&'a Source>,
    data: Vec<&'a Data>,
    tuning: Tuning,
    checkpoint: Option<PathBuf>,
    resume: bool,
    progress: &'a dyn Progress,
}

/// Begins to tune `model`.
pub fn tune(model: &Model) -> Tune<'_> {
    Tune {
        model,
        sources: Vec::new(),
        data: Vec::new(),
        tuning: Tuning::default(),
        checkpoint: None,
        resume: false,
        progress: &Silent,
    }
}

impl<'a> Tune<'a> {
    /// With the answers of these models, from which it was cut.
    #[must_use]
    pub fn sources(mut self, sources: impl IntoIterator<Item = &'a Source>) -> Self {
        self.sources = sources.into_iter().collect();
        self
    }

    /// To the train images of these data sets: one for all, or one a component of an assembled model.
    #[must_use]
    pub fn data(mut self, data: impl IntoIterator<Item = &'a Data>) -> Self {
        self.data = data.into_iter().collect();
        self
    }

    /// In this way.
    #[must_use]
    pub fn tuning(mut self, tuning: Tuning) -> Self {
        self.tuning = tuning;
        self
    }

    /// After every epoch all that it takes to go on is written to `path`, whole or not at all; when the tuning is over the file is gone.
    #[must_use]
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// Goes on from the checkpoint.
    #[must_use]
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Who hears how it goes, and may stop it.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Tunes the model.
    ///
    /// # Errors
    /// [`Error`].
    pub fn run(&self, runtime: &Runtime) -> Result<Tuned, Error> {
        self.tuning.check().map_err(mda_core::tune::TuneError::from)?;
        let pupils = pupils(self.model, &self.sources, &self.data, &self.tuning, self.progress)?;
        let checkpoint =
            self.checkpoint.as_deref().map(|path| Checkpoint::new(path, self.model, &self.tuning, &pupils));
        let checkpoint = checkpoint.transpose()?;
        let state = match (&checkpoint, self.resume) {
            (Some(checkpoint), true) => Some(checkpoint.read()?),
            _ => None,
        };
        let runner = runtime.runner();
        let macs = effort::of(self.model, &pupils, &self.tuning, state.as_ref());
        let tuned = self.progress.running("tuning", &runner, macs, |runner, headway| {
            self.tuned(runner, &pupils, checkpoint.as_ref(), state, headway)
        })?;
        if let Some(checkpoint) = &checkpoint {
            checkpoint.remove();
        }
        if tuned.best_epoch == 0 {
            self.progress.warn(
                "no epoch made the answers to held-out images better, so the model is as it came; a smaller --rate may help",
            );
        }
        Ok(tuned)
    }

    fn tuned(
        &self,
        runner: &Runner<'_>,
        pupils: &[Pupil<'_>],
        checkpoint: Option<&Checkpoint>,
        state: Option<State>,
        headway: &Headway,
    ) -> Result<Tuned, Error> {
        let images: Vec<Stoppable<'_>> =
            pupils.iter().map(|pupil| Stoppable { images: pupil.images, progress: self.progress }).collect();
        let lessons: Vec<Lesson<'_>> = pupils.iter().zip(&images).map(|(pupil, images)| pupil.lesson(images)).collect();
        let count = |of: fn(&Pupil<'_>) -> usize| pupils.iter().map(of).sum::<usize>();
        let images = [count(|pupil| pupil.train.len()), count(|pupil| pupil.held_out.len())];
        let mut tuner = Tuner::new(runner, self.model, lessons, &self.tuning, state)?;
        while !tuner.is_over() {
            tuner.epoch()?;
            checkpoint.map(|checkpoint| checkpoint.write(tuner.state())).transpose()?;
            headway.reach(tuner.state().epochs.len(), self.tuning.epochs);
        }
        let (before, (best_epoch, after)) = (tuner.state().before, tuner.state().least());
        let epochs = tuner.state().epochs.clone();
        let model = match best_epoch {
            0 => self.model.clone(),
            epoch => self.recorded(tuner.best()?, pupils, images[0], epoch, [before, after]),
        };
        Ok(Tuned { model, before, after, best_epoch, epochs, images })
    }

    /// The model with the tuning in its provenance.
    fn recorded(&self, model: Model, pupils: &[Pupil<'_>], images: usize, epoch: usize, loss: [f64; 2]) -> Model {
        let fitted_on = FittedOn { images, seed: Some(self.tuning.seed) };
        let tuning = Some(TuningRecord { tuning: self.tuning.clone(), fitted_on, epoch, held_out_loss: loss });
        match model.provenance().cloned() {
            Some(Provenance::Component(mut origin)) => {
                origin.tuning = tuning;
                origin.images = pupils.first().map(|pupil| pupil.parts.record().clone());
                model.with_provenance(Provenance::Component(origin))
            }
            Some(Provenance::Assembled { form, rescaling, fitted_on, mut components, .. }) => {
                for (component, pupil) in components.iter_mut().zip(pupils) {
                    if let Some(Provenance::Component(origin)) = component.origin.as_deref_mut() {
                        origin.images = Some(pupil.parts.record().clone());
                    }
                }
                model.with_provenance(Provenance::Assembled { form, rescaling, fitted_on, tuning, components })
            }
            None => model,
        }
    }
}

/// Where the checkpoint of a tuning whose result goes to `output` lies.
pub fn checkpoint_beside(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".tuning");
    output.with_file_name(name)
}
