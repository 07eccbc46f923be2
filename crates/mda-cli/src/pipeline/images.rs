//! The train images of one source, parted into who may look at what.

use mda_core::Model;
use mda_core::budget::Quality;
use mda_core::labels::LabelMap;
use mda_core::runner::Runner;
use mda_core::source::ImageSource;
use mda_data::{TrainSplitError, train_split};

/// Disjoint parts of the train images, as positions.
pub(crate) struct Parts {
    /// Candidates to speak for a category.
    pub(crate) attribution: Vec<usize>,
    /// What repairs and scales are fitted to.
    pub(crate) calibration: Vec<usize>,
    /// What settings of the fitting are chosen by.
    pub(crate) tuning: Vec<usize>,
    /// What whole components are compared by.
    pub(crate) choice: Vec<usize>,
}

/// How many images a category the parts get at most; never more than a third (calibration) or a sixth (tuning, choice) of
/// the smallest category.
#[derive(Clone, Copy)]
pub(crate) struct PartSizes {
    pub(crate) attribution: usize,
    pub(crate) calibration: usize,
}

/// Images a category for tuning, and as many for choosing.
const JUDGES: usize = 100;

impl Parts {
    /// Parts the train images of `source` by a hash of `seed` and position.
    pub(crate) fn new(source: &dyn ImageSource, sizes: PartSizes, seed: u64) -> Result<Self, TrainSplitError> {
        let (labels, categories) = (source.labels(), source.categories());
        let least = mda_data::select::count_per_category(labels, categories.len()).into_iter().min().unwrap_or(0);
        let judges = JUDGES.min(least / 6);
        let split = train_split(labels, categories, seed, sizes.calibration.min(least / 3), 2 * judges)?;
        let (tuning, choice) = halves(&split.held_out, labels, categories.len());
        let attribution = first_per_category(&split.attribution, labels, sizes.attribution);
        Ok(Self { attribution, calibration: split.calibration, tuning, choice })
    }

    /// Up to `limit` images of every category that neither speak nor repair.
    pub(crate) fn held_out(&self, labels: &[usize], limit: usize) -> Vec<usize> {
        let mut both: Vec<usize> = self.tuning.iter().chain(&self.choice).copied().collect();
        both.sort_unstable();
        first_per_category(&both, labels, limit)
    }
}

/// Every category's positions, alternately to the one side and the other.
fn halves(positions: &[usize], labels: &[usize], categories: usize) -> (Vec<usize>, Vec<usize>) {
    let mut seen = vec![0usize; categories];
    positions.iter().partition(|&&position| {
        seen[labels[position]] += 1;
        seen[labels[position]] % 2 == 1
    })
}

fn first_per_category(positions: &[usize], labels: &[usize], limit: usize) -> Vec<usize> {
    let mut seen = std::collections::HashMap::new();
    let fits = |&position: &usize| {
        let count = seen.entry(labels[position]).or_insert(0usize);
        *count += 1;
        *count <= limit
    };
    positions.iter().copied().filter(fits).collect()
}

/// Train images, what their labels mean to the source, and their parts.
pub(crate) struct Images<'a> {
    pub(crate) source: &'a dyn ImageSource,
    pub(crate) labels: &'a LabelMap,
    pub(crate) parts: &'a Parts,
}

impl Images<'_> {
    fn category(&self, position: usize) -> Option<usize> {
        self.labels.category(self.source.labels()[position])
    }

    /// The positions of every category of the task.
    pub(crate) fn by_category(&self, part: &[usize], task: &[usize]) -> Vec<(usize, Vec<usize>)> {
        let of = |category| part.iter().copied().filter(|&i| self.category(i) == Some(category)).collect();
        task.iter().map(|&category| (category, of(category))).collect()
    }

    /// The positions of the task's images.
    pub(crate) fn of_task(&self, part: &[usize], task: &[usize]) -> Vec<usize> {
        part.iter().copied().filter(|&i| self.category(i).is_some_and(|c| task.contains(&c))).collect()
    }

    /// The first `limit` positions of every category of the task.
    pub(crate) fn first_of_task(&self, part: &[usize], task: &[usize], limit: usize) -> Vec<usize> {
        first_per_category(&self.of_task(part, task), self.source.labels(), limit)
    }

    /// What a component is worth on the images at `positions`, within the task.
    pub(crate) fn quality(
        &self,
        runner: &Runner<'_>,
        component: &Model,
        source: &Model,
        task: &[usize],
        positions: &[usize],
    ) -> anyhow::Result<Quality> {
        let evaluation = LabelMap::by_name(self.source.categories(), component.categories())?
            .evaluation(&runner.logits(component, self.source, positions)?);
        let own = own_categories(component, source, task);
        Ok(Quality { accuracy: evaluation.within(&own).percent(), loss: evaluation.loss_within(&own) })
    }
}

/// The categories of `component` that are those of the source's task.
pub(crate) fn own_categories(component: &Model, source: &Model, task: &[usize]) -> Vec<usize> {
    let is_own = |name: &String| task.iter().any(|&category| source.categories()[category] == *name);
    let names = component.categories().iter().enumerate();
    names.filter(|(_, name)| is_own(name)).map(|(category, _)| category).collect()
}
