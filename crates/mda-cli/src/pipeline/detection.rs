//! What a component of one category is worth: it has nothing to choose from, but must tell its images from all others.

use mda_core::Model;
use mda_core::labels::LabelMap;
use mda_core::metrics::auroc;
use mda_core::runner::Runner;
use mda_core::source::ImageSource;

/// Images of a data set, and what their labels mean to the source.
pub(crate) struct Labelled<'a> {
    pub(crate) images: &'a dyn ImageSource,
    pub(crate) labels: &'a LabelMap,
}

impl Labelled<'_> {
    /// The area under the ROC curve, in percent, of logit `logit` of `model` for telling the images of the source's
    /// category `category` from the others at `positions`; `None` where there are images of one kind only.
    pub(crate) fn area(
        &self,
        runner: &Runner<'_>,
        model: &Model,
        logit: usize,
        category: usize,
        positions: &[usize],
    ) -> anyhow::Result<Option<f64>> {
        let run = runner.logits(model, self.images, positions)?;
        let scores: Vec<f32> = (0..run.labels.len()).map(|n| run.logits.row(n)[logit]).collect();
        let is_own = run.labels.iter().map(|&label| self.labels.category(label) == Some(category));
        Ok(auroc(&scores, &is_own.collect::<Vec<_>>()).map(|area| 100.0 * area))
    }
}
