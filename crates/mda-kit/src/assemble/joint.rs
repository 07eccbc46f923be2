//! Images of several data sets under the joint categories of an assembled model.

use super::answers::Gathering;
use super::calibrating::calibrating;
use super::{Calibration, Part, Prior};
use crate::data::{Data, match_labels};
use crate::error::Error;
use crate::progress::{Progress, Stoppable};
use mda_core::Model;
use mda_core::evaluate::Accuracy;
use mda_core::evaluate::LabelMap;
use mda_core::model::provenance::FittedOn;
use mda_core::rescale::{Answers, Rescaling, Scaling, expect};
use mda_core::run::ImageSource;
use mda_core::run::Runner;
use mda_data::Split;
use std::ops::Range;

/// One data set a component.
#[derive(Clone, Copy)]
pub struct Joint<'a> {
    /// The data sets, in the order of the components.
    pub data: &'a [&'a Data],
    /// Who hears how it goes.
    pub progress: &'a dyn Progress,
}

/// What one component's test images say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Choosing among all joint categories.
    pub joint: Accuracy,
    /// Choosing among the component's own.
    pub within: Accuracy,
}

impl Measured {
    /// What the test images of several components say together.
    pub fn total(measured: &[Self]) -> Self {
        let plus = |a: Self, b: &Self| Self { joint: a.joint.plus(b.joint), within: a.within.plus(b.within) };
        measured.iter().fold(Self::default(), plus)
    }
}

impl Joint<'_> {
    /// The components with their logits rescaled, and what to; without data only by what needs none.
    ///
    /// # Errors
    /// [`Error::Rescale`] where the images determine no scale, and as [`Joint::calibrating`].
    pub fn rescale(
        &self,
        runner: &Runner<'_>,
        parts: &[Part],
        rescaling: Rescaling,
        calibration: Calibration,
    ) -> Result<(Vec<Part>, Option<FittedOn>), Error> {
        let answers = self.calibrating(runner, parts, rescaling.reads_features(), calibration)?;
        let images = answers.logits.labels.len();
        let fitted_on = (images > 0).then_some(FittedOn { images, seed: Some(calibration.seed) });
        let components: Vec<&Model> = parts.iter().map(|part| &part.model).collect();
        let mut scalings = rescaling.fit_between(&components, &answers)?;
        if calibration.prior == Prior::Train {
            expect(&mut scalings, &self.frequencies(parts)?);
        }
        let fold = |(part, scaling): (&Part, &Scaling)| -> Result<Part, Error> {
            Ok(Part { model: scaling.fold_into(&part.model)?, data_names: part.data_names.clone() })
        };
        let parts = parts.iter().zip(&scalings).map(fold).collect::<Result<_, _>>()?;
        Ok((parts, fitted_on))
    }

    /// How many train images every joint category has.
    fn frequencies(&self, parts: &[Part]) -> Result<Vec<usize>, Error> {
        let blocks = blocks(parts);
        let mut counts = vec![0usize; blocks.last().map_or(0, |block| block.end)];
        for ((data, part), block) in self.data.iter().zip(parts).zip(blocks) {
            let images = data.train()?;
            let map = match_labels(images, &part.data_names)?.shifted(block.start);
            images.labels().iter().filter_map(|&label| map.category(label)).for_each(|category| counts[category] += 1);
            if let Some(own) = counts[block].iter().position(|&count| count == 0) {
                let (component, category) = (part.model.name().to_owned(), part.model.categories()[own].clone());
                return Err(Error::NeverSeen { component, category });
            }
        }
        Ok(counts)
    }

    /// What the components compute for the images that calibrate.
    ///
    /// # Errors
    /// [`Error::Labels`], [`Error::Parts`] and [`Error::Run`], and as [`Data::train`].
    pub fn calibrating(
        &self,
        runner: &Runner<'_>,
        parts: &[Part],
        with_features: bool,
        calibration: Calibration,
    ) -> Result<Answers, Error> {
        let trains = self.data.iter().map(|data| data.train()).collect::<Result<Vec<_>, _>>()?;
        let positions = calibrating(&trains, parts, calibration, self.progress)?;
        self.answers(runner, parts, with_features, Split::Train, |index, _| positions[index].clone())
    }

    /// What the components compute for all test images.
    ///
    /// # Errors
    /// [`Error::Labels`] and [`Error::Run`], and as [`Data::test`].
    pub fn testing(&self, runner: &Runner<'_>, parts: &[Part], with_features: bool) -> Result<Answers, Error> {
        self.answers(runner, parts, with_features, Split::Test, |_, images| (0..images.labels().len()).collect())
    }

    fn answers(
        &self,
        runner: &Runner<'_>,
        parts: &[Part],
        with_features: bool,
        split: Split,
        pick: impl Fn(usize, &dyn ImageSource) -> Vec<usize>,
    ) -> Result<Answers, Error> {
        let mut gathering = Gathering::new(parts, with_features)?;
        for (index, ((data, part), block)) in self.data.iter().zip(parts).zip(blocks(parts)).enumerate() {
            let images = Stoppable { images: data.split(split)?, progress: self.progress };
            let map = match_labels(&images, &part.data_names)?.shifted(block.start);
            let positions = known(&map, &images, pick(index, &images));
            gathering.add(runner, parts, &images, &positions, &map)?;
        }
        Ok(gathering.finish())
    }

    /// The accuracy of the assembled `model` on every component's test images.
    ///
    /// # Errors
    /// As [`Joint::testing`].
    pub fn measure(&self, runner: &Runner<'_>, model: &Model, parts: &[Part]) -> Result<Vec<Measured>, Error> {
        let mut images = 0;
        for data in self.data {
            images += data.test()?.labels().len() as u64;
        }
        let macs = images * model.size().macs;
        self.progress.running("measuring on test images", runner, macs, |runner, _| {
            let parts = self.data.iter().zip(parts).zip(blocks(parts));
            parts.map(|((data, part), block)| self.part_measured(runner, model, data, part, block)).collect()
        })
    }

    fn part_measured(
        &self,
        runner: &Runner<'_>,
        model: &Model,
        data: &Data,
        part: &Part,
        block: Range<usize>,
    ) -> Result<Measured, Error> {
        let images = Stoppable { images: data.test()?, progress: self.progress };
        let map: LabelMap = match_labels(&images, &part.data_names)?.shifted(block.start);
        let positions = known(&map, &images, (0..images.labels().len()).collect());
        let evaluation = map.evaluation(&runner.logits(model, &images, &positions)?);
        let own: Vec<usize> = block.collect();
        Ok(Measured { joint: evaluation.among(&own), within: evaluation.within(&own) })
    }

    /// The multiply-adds of calibrating, at most.
    pub(super) fn effort(&self, parts: &[Part], calibration: Calibration) -> Result<u64, Error> {
        let mut images = 0;
        for (data, part) in self.data.iter().zip(parts) {
            let asked = calibration.per_category.saturating_mul(part.data_names.len());
            images += data.train()?.labels().len().min(asked) as u64;
        }
        Ok(images * parts.iter().map(|part| part.model.size().macs).sum::<u64>())
    }
}

/// The positions of images whose label stands for a category.
fn known(map: &LabelMap, images: &dyn ImageSource, positions: Vec<usize>) -> Vec<usize> {
    let is_known = |&position: &usize| map.category(images.labels()[position]).is_some();
    positions.into_iter().filter(is_known).collect()
}

/// The joint categories of each component.
pub fn blocks(parts: &[Part]) -> Vec<Range<usize>> {
    let mut start = 0;
    let block = |part: &Part| {
        let block = start..start + part.model.categories().len();
        start = block.end;
        block
    };
    parts.iter().map(block).collect()
}
