//! Images per second of one backend, round by round.

use mda_core::Model;
use mda_core::attribute::attribute;
use mda_core::method::Formulation;
use mda_core::run::ImageSource;
use mda_core::run::Runner;
use mda_models::random_images;
use mda_testkit::labelled::LabelledImages;
use std::time::Instant;

/// How many images run at a time.
pub(crate) const BATCH: usize = 50;

/// A backend with as many images as it passes in the wanted time, and the seconds of every round.
pub(crate) struct Rate<'a> {
    pub(crate) runner: Runner<'a>,
    images: LabelledImages,
    forward: Vec<f64>,
    attribution: Vec<f64>,
}

impl<'a> Rate<'a> {
    /// Runs one batch to load kernels and one to see how long it takes, then chooses the images: whole batches, at most
    /// `most` images, for passes of about `seconds`.
    pub(crate) fn new(runner: Runner<'a>, model: &Model, seconds: f64, most: usize) -> anyhow::Result<Self> {
        let batch = labelled(model, BATCH);
        forward(&runner, model, &batch)?;
        let batches = (seconds / forward(&runner, model, &batch)?) as usize;
        let images = labelled(model, BATCH * batches.clamp(1, most.div_ceil(BATCH)));
        Ok(Self { runner, images, forward: Vec::new(), attribution: Vec::new() })
    }

    /// Times one forward pass and one attribution.
    pub(crate) fn round(&mut self, model: &Model) -> anyhow::Result<()> {
        let Self { runner, images, .. } = self;
        self.forward.push(forward(runner, model, images)?);
        let start = Instant::now();
        attribute(runner, model, images, &images.selection(), &Formulation::graph())?;
        self.attribution.push(start.elapsed().as_secs_f64());
        Ok(())
    }

    /// How many images a pass has.
    pub(crate) fn images(&self) -> usize {
        self.images.labels().len()
    }

    /// Medians of images per second, forward and in attribution.
    pub(crate) fn medians(&self) -> [f64; 2] {
        [&self.forward, &self.attribution].map(|seconds| self.images() as f64 / median(seconds.clone()))
    }
}

/// Random images, for as many categories as get a whole batch each.
fn labelled(model: &Model, count: usize) -> LabelledImages {
    let speaking = (count / BATCH).clamp(1, model.categories().len());
    LabelledImages::new(random_images(model.input_shape(), count, 2), &model.categories()[..speaking])
}

fn forward(runner: &Runner<'_>, model: &Model, images: &LabelledImages) -> anyhow::Result<f64> {
    let all: Vec<usize> = (0..images.labels().len()).collect();
    let start = Instant::now();
    runner.logits(model, images, &all)?;
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
