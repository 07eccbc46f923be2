//! Images of several data sets under the joint categories of an assembled model.

use crate::data;
use crate::pipeline::{PartSizes, Parts};
use mda_core::labels::LabelMap;
use mda_core::metrics::{Accuracy, Evaluation};
use mda_core::provenance::FittedOn;
use mda_core::rescale::Rescaling;
use mda_core::runner::{LabelledLogits, Runner};
use mda_core::source::ImageSource;
use mda_core::{Model, Tensor};
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
        components: Vec<Model>,
        rescaling: Rescaling,
        calibration: Calibration,
    ) -> anyhow::Result<Rescaled> {
        let blocks = blocks(&components);
        let mut rows = Vec::new();
        let mut labels = Vec::new();
        for index in 0..self.paths.len() {
            let images = self.open(index, Split::Train, &components[index])?;
            let map = self.labels(index, &images)?.shifted(blocks[index].start);
            let parts = Parts::new(&images, PartSizes { attribution: 0, calibration: 0 }, calibration.seed)?;
            let known = |&i: &usize| map.category(images.labels()[i]).is_some();
            let held_out = parts.held_out(images.labels(), calibration.per_category);
            let positions: Vec<usize> = held_out.into_iter().filter(known).collect();
            let joint = joint_logits(runner, &components, &images, &positions)?;
            let joint = map.relabel(&joint);
            rows.extend_from_slice(joint.logits.data());
            labels.extend(joint.labels);
        }
        let count = blocks.last().map_or(0, |block| block.end);
        let fitted_on = (!labels.is_empty()).then_some(FittedOn { images: labels.len(), seed: Some(calibration.seed) });
        let calibration = LabelledLogits { logits: Tensor::new([labels.len(), count], rows)?, labels };
        let models: Vec<&Model> = components.iter().collect();
        let affine = rescaling.fit_between(&models, &calibration)?;
        let fold = |(component, block): (Model, Range<usize>)| Ok(affine.slice(block).fold_into(&component)?);
        let components = components.into_iter().zip(blocks).map(fold).collect::<anyhow::Result<_>>()?;
        Ok(Rescaled { components, fitted_on })
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

/// The logits of all components behind one another, for images of one data set.
fn joint_logits(
    runner: &Runner<'_>,
    components: &[Model],
    images: &dyn ImageSource,
    indices: &[usize],
) -> anyhow::Result<LabelledLogits> {
    let mut runs = Vec::new();
    for component in components {
        runs.push(runner.logits(component, images, indices)?);
    }
    let rows = (0..indices.len()).flat_map(|n| runs.iter().flat_map(move |run| run.logits.row(n))).copied();
    let count: usize = components.iter().map(|component| component.categories().len()).sum();
    Ok(LabelledLogits { logits: Tensor::new([indices.len(), count], rows.collect())?, labels: runs[0].labels.clone() })
}
