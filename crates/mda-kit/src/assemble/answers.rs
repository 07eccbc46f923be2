//! Gathering what all components compute, data set by data set.

use super::Part;
use crate::error::Error;
use mda_core::Tensor;
use mda_core::evaluate::LabelMap;
use mda_core::rescale::{Answers, last_layer};
use mda_core::run::ImageSource;
use mda_core::run::backend::Probe;
use mda_core::run::{LabelledLogits, Runner};

/// Joint logits, and features where they are wanted.
pub(super) struct Gathering {
    /// What is observed in every component.
    probes: Vec<Vec<Probe>>,
    /// `[N, K]`, row-major.
    logits: Vec<f32>,
    labels: Vec<usize>,
    /// `[N, F]` for every probe.
    features: Vec<Vec<f32>>,
}

impl Gathering {
    pub(super) fn new(parts: &[Part], with_features: bool) -> Result<Self, Error> {
        let probe = |part: &Part| -> Result<Vec<Probe>, Error> {
            let features = with_features.then(|| last_layer(&part.model)).transpose()?;
            Ok(features.map(Probe::Input).into_iter().collect())
        };
        let probes = parts.iter().map(probe).collect::<Result<Vec<_>, Error>>()?;
        let features = vec![Vec::new(); probes.iter().flatten().count()];
        Ok(Self { probes, logits: Vec::new(), labels: Vec::new(), features })
    }

    /// Runs all components over images of one data set, whose labels become joint ones by `map`.
    pub(super) fn add(
        &mut self,
        runner: &Runner<'_>,
        parts: &[Part],
        images: &dyn ImageSource,
        indices: &[usize],
        map: &LabelMap,
    ) -> Result<(), Error> {
        let mut runs: Vec<LabelledLogits> = Vec::new();
        for (index, (part, probes)) in parts.iter().zip(&self.probes).enumerate() {
            let features = &mut self.features;
            let run = runner.run(&part.model, probes, images, indices, |_, seen| {
                seen.iter().for_each(|rows| features[index].extend_from_slice(rows.data()));
            })?;
            runs.push(map.relabel(&run));
        }
        let rows = (0..indices.len()).flat_map(|n| runs.iter().flat_map(move |run| run.logits.row(n)));
        self.logits.extend(rows);
        self.labels.extend(runs.first().map_or(&[][..], |run| &run.labels));
        Ok(())
    }

    pub(super) fn finish(self) -> Answers {
        let images = self.labels.len();
        let matrix = |numbers: Vec<f32>| {
            Tensor::new([images, numbers.len() / images.max(1)], numbers).expect("one row an image")
        };
        Answers {
            logits: LabelledLogits { logits: matrix(self.logits), labels: self.labels },
            features: self.features.into_iter().map(matrix).collect(),
        }
    }
}
