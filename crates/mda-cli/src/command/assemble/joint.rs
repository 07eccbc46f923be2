//! Images of several data sets under the joint categories of an assembled model.

use super::answers::Gathering;
use crate::args::Prior;
use crate::data;
use crate::pipeline::{PartSizes, Parts};
use mda_core::Model;
use mda_core::labels::LabelMap;
use mda_core::metrics::{Accuracy, Evaluation};
use mda_core::provenance::FittedOn;
use mda_core::rescale::{Answers, Rescaling, Scaling, expect};
use mda_core::runner::Runner;
use mda_core::source::ImageSource;
use mda_data::{Prepared, Split};
use std::ops::Range;
use std::path::PathBuf;

/// One data set a component, whose categories were called `originals` before they were renamed.
pub(crate) struct JointImages<'a> {
    pub(crate) paths: &'a [PathBuf],
    pub(crate) originals: &'a [Vec<String>],
}

/// Which train images calibrate: of those that repaired no component, since a repaired component is surer of the images
/// that it was fitted to than of others.
#[derive(Clone, Copy)]
pub(crate) struct Calibration {
    pub(crate) per_category: usize,
    pub(crate) seed: u64,
    pub(crate) prior: Prior,
}

/// Components whose logits are on one scale, and the images that it was fitted to.
pub(crate) struct Rescaled {
    pub(crate) components: Vec<Model>,
    pub(crate) fitted_on: Option<FittedOn>,
}

/// What one component's test images say.
pub(crate) struct Measured {
    /// Choosing among all joint categories.
    pub(crate) joint: Accuracy,
    /// Choosing among the component's own.
    pub(crate) within: Accuracy,
}

impl JointImages<'_> {
    /// The components with their logits rescaled, and what to; without data only by what needs none.
    pub(crate) fn rescale(
        &self,
        runner: &Runner<'_>,
        components: &[Model],
        rescaling: Rescaling,
        calibration: Calibration,
    ) -> anyhow::Result<Rescaled> {
        let answers = self.calibrating(runner, components, rescaling.reads_features(), calibration)?;
        let images = answers.logits.labels.len();
        let fitted_on = (images > 0).then_some(FittedOn { images, seed: Some(calibration.seed) });
        let mut scalings = rescaling.fit_between(&components.iter().collect::<Vec<_>>(), &answers)?;
        if calibration.prior == Prior::Train {
            expect(&mut scalings, &self.frequencies(components)?);
        }
        let fold = |(component, scaling): (&Model, &Scaling)| Ok(scaling.fold_into(component)?);
        let components = components.iter().zip(&scalings).map(fold).collect::<anyhow::Result<_>>()?;
        Ok(Rescaled { components, fitted_on })
    }

    /// How many train images every joint category has.
    fn frequencies(&self, components: &[Model]) -> anyhow::Result<Vec<usize>> {
        let blocks = blocks(components);
        let mut counts = vec![0usize; blocks.last().map_or(0, |block| block.end)];
        for (index, block) in blocks.into_iter().enumerate() {
            let images = self.open(index, Split::Train, &components[index])?;
            let map = self.labels(index, &images)?.shifted(block.start);
            images.labels().iter().filter_map(|&label| map.category(label)).for_each(|category| counts[category] += 1);
        }
        match counts.iter().position(|&count| count == 0) {
            Some(category) => anyhow::bail!("--prior train: joint category {category} has no train image"),
            None => Ok(counts),
        }
    }

    /// What the components compute for the images that calibrate.
    pub(crate) fn calibrating(
        &self,
        runner: &Runner<'_>,
        components: &[Model],
        with_features: bool,
        calibration: Calibration,
    ) -> anyhow::Result<Answers> {
        self.answers(runner, components, with_features, Split::Train, |images| {
            let parts = Parts::new(images, PartSizes { attribution: 0, calibration: 0 }, calibration.seed)?;
            Ok(parts.held_out(images.labels(), calibration.per_category))
        })
    }

    /// What the components compute for all test images.
    pub(crate) fn testing(
        &self,
        runner: &Runner<'_>,
        components: &[Model],
        with_features: bool,
    ) -> anyhow::Result<Answers> {
        let all = |images: &Prepared| Ok((0..images.labels().len()).collect());
        self.answers(runner, components, with_features, Split::Test, all)
    }

    fn answers(
        &self,
        runner: &Runner<'_>,
        components: &[Model],
        with_features: bool,
        split: Split,
        pick: impl Fn(&Prepared) -> anyhow::Result<Vec<usize>>,
    ) -> anyhow::Result<Answers> {
        let mut gathering = Gathering::new(components, with_features)?;
        for (index, block) in blocks(components).into_iter().enumerate().take(self.paths.len()) {
            let images = self.open(index, split, &components[index])?;
            let map = self.labels(index, &images)?.shifted(block.start);
            let known = |&i: &usize| map.category(images.labels()[i]).is_some();
            let positions: Vec<usize> = pick(&images)?.into_iter().filter(known).collect();
            gathering.add(runner, components, &images, &positions, &map)?;
        }
        gathering.finish()
    }

    /// The assembled model's accuracy on every component's test images.
    pub(crate) fn measure(
        &self,
        runner: &Runner<'_>,
        model: &Model,
        components: &[Model],
    ) -> anyhow::Result<Vec<Measured>> {
        let blocks = blocks(components);
        let mut measured = Vec::new();
        for (index, block) in blocks.into_iter().enumerate() {
            let images = self.open(index, Split::Test, model)?;
            let map = self.labels(index, &images)?.shifted(block.start);
            let known = |&i: &usize| map.category(images.labels()[i]).is_some();
            let positions: Vec<usize> = (0..images.labels().len()).filter(known).collect();
            let run = runner.logits(model, &images, &positions)?;
            let evaluation: Evaluation = map.evaluation(&run);
            let own: Vec<usize> = block.collect();
            measured.push(Measured { joint: evaluation.among(&own), within: evaluation.within(&own) });
        }
        Ok(measured)
    }

    fn open(&self, index: usize, split: Split, model: &Model) -> anyhow::Result<Prepared> {
        data::open(&self.paths[index], split, model.input_shape())
    }

    fn labels(&self, index: usize, images: &Prepared) -> anyhow::Result<LabelMap> {
        data::match_names(images.categories(), &self.originals[index])
    }
}

/// The joint categories of each component.
pub(crate) fn blocks(components: &[Model]) -> Vec<Range<usize>> {
    let mut start = 0;
    let block = |component: &Model| {
        let block = start..start + component.categories().len();
        start = block.end;
        block
    };
    components.iter().map(block).collect()
}
