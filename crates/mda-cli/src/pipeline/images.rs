//! The train images of one source, parted into who may look at what.

use super::detection::Labelled;
use anyhow::Context as _;
use mda_core::Model;
use mda_core::budget::Quality;
use mda_core::labels::LabelMap;
use mda_core::runner::Runner;
use mda_core::source::ImageSource;
use mda_data::{TrainSplitError, train_split};
use std::collections::{HashMap, HashSet};

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

/// How many images a category the parts get at most; never more than a third (calibration) or a sixth (tuning, and choice at
/// first) of the smallest category.
#[derive(Clone, Copy)]
pub(crate) struct PartSizes {
    pub(crate) attribution: usize,
    pub(crate) calibration: usize,
}

/// Images of other categories for each image of a task that is one category.
const CONTRAST: usize = 3;

/// Images a category for tuning, and at first as many for choosing, at most.
const HELD_OUT: usize = 100;
/// Images a category for choosing, at most, where there are images that nothing else looks at.
pub(super) const JUDGES: usize = 500;

impl Parts {
    /// Parts the train images of `source` by a hash of `seed` and position.
    pub(crate) fn new(source: &dyn ImageSource, sizes: PartSizes, seed: u64) -> Result<Self, TrainSplitError> {
        let (labels, categories) = (source.labels(), source.categories());
        let least = mda_data::select::count_per_category(labels, categories.len()).into_iter().min().unwrap_or(0);
        let held_out = HELD_OUT.min(least / 6);
        let split = train_split(labels, categories, seed, sizes.calibration.min(least / 3), 2 * held_out)?;
        let (tuning, mut choice) = halves(&split.held_out, labels, categories.len());
        let attribution = first_per_category(&split.attribution, labels, sizes.attribution);
        let speaks: HashSet<usize> = attribution.iter().copied().collect();
        let unseen: Vec<usize> = split.attribution.into_iter().filter(|position| !speaks.contains(position)).collect();
        choice.extend(first_per_category(&unseen, labels, JUDGES - HELD_OUT));
        Ok(Self { attribution, calibration: split.calibration, tuning, choice })
    }

    /// Up to `limit` images of every category that neither speak nor repair.
    pub(crate) fn held_out(&self, labels: &[usize], limit: usize) -> Vec<usize> {
        let both: Vec<usize> = self.tuning.iter().chain(&self.choice).copied().collect();
        let mut first = first_per_category(&both, labels, limit);
        first.sort_unstable();
        first
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
    let mut seen = HashMap::new();
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

    /// The positions that a task is fitted to and judged by: the first `limit` of each of its categories, and the contrast.
    pub(crate) fn for_task(&self, part: &[usize], task: &[usize], limit: usize) -> Vec<usize> {
        let mut positions = first_per_category(&self.of_task(part, task), self.source.labels(), limit);
        positions.extend(self.contrast(part, task, positions.len()));
        positions
    }

    /// Images of the source's other categories, evenly of all of them: for a task of one category, which has nothing to
    /// choose from but must tell its own images from all else, [`CONTRAST`] times as many as the `own`; else none.
    pub(crate) fn contrast(&self, part: &[usize], task: &[usize], own: usize) -> Vec<usize> {
        let [only] = *task else { return Vec::new() };
        let others: Vec<usize> =
            part.iter().copied().filter(|&i| self.category(i).is_some_and(|c| c != only)).collect();
        let mut turns = HashMap::new();
        let turn = |position: usize| {
            let turn = turns.entry(self.source.labels()[position]).or_insert(0usize);
            *turn += 1;
            (*turn, position)
        };
        let mut in_turn: Vec<(usize, usize)> = others.into_iter().map(turn).collect();
        in_turn.sort_unstable();
        let mut chosen: Vec<usize> = in_turn.into_iter().take(CONTRAST * own).map(|(_, position)| position).collect();
        chosen.sort_unstable();
        chosen
    }

    /// What a component is worth on the images at `positions`: by its accuracy within the task, or, where the task is one
    /// category, by the area under the ROC curve, in percent, of its logit.
    pub(crate) fn quality(
        &self,
        runner: &Runner<'_>,
        component: &Model,
        source: &Model,
        task: &[usize],
        positions: &[usize],
    ) -> anyhow::Result<Quality> {
        let own = own_categories(component, source, task);
        if let ([category], [logit]) = (task, own.as_slice()) {
            let labelled = Labelled { images: self.source, labels: self.labels };
            let area = labelled.area(runner, component, *logit, *category, positions)?;
            let area = area.context(
                "the train images are all of one category: components of one category are compared by how well they tell \
                 it from others; add images of the source's other categories, or take thresholds instead of a budget",
            )?;
            return Ok(Quality { accuracy: area, loss: 1.0 - area / 100.0 });
        }
        let evaluation = LabelMap::by_name(self.source.categories(), component.categories())?
            .evaluation(&runner.logits(component, self.source, positions)?);
        Ok(Quality { accuracy: evaluation.within(&own).percent(), loss: evaluation.loss_within(&own) })
    }
}

/// The categories of `component` that are those of the source's task.
pub(crate) fn own_categories(component: &Model, source: &Model, task: &[usize]) -> Vec<usize> {
    let is_own = |name: &String| task.iter().any(|&category| source.categories()[category] == *name);
    let names = component.categories().iter().enumerate();
    names.filter(|(_, name)| is_own(name)).map(|(category, _)| category).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda_core::source::Batches;

    struct Labels {
        names: Vec<String>,
        labels: Vec<usize>,
    }

    impl ImageSource for Labels {
        fn categories(&self) -> &[String] {
            &self.names
        }

        fn labels(&self) -> &[usize] {
            &self.labels
        }

        fn batches<'a>(&'a self, _indices: &'a [usize], _batch_size: usize) -> Batches<'a> {
            Box::new(std::iter::empty())
        }
    }

    #[test]
    fn parts_are_disjoint_and_what_nothing_else_looks_at_helps_choosing() {
        let names = ["a", "b"].map(str::to_owned).to_vec();
        let source = Labels { names, labels: [vec![0; 2000], vec![1; 2000]].concat() };
        let sizes = PartSizes { attribution: 1000, calibration: 300 };
        let parts = Parts::new(&source, sizes, 0).unwrap();
        let Parts { attribution, calibration, tuning, choice } = &parts;
        let lengths = [attribution, calibration, tuning, choice].map(Vec::len);
        assert_eq!(lengths, [2 * 1000, 2 * 300, 2 * HELD_OUT, 2 * JUDGES]);
        let all: HashSet<usize> = [attribution, calibration, tuning, choice].into_iter().flatten().copied().collect();
        assert_eq!(all.len(), lengths.into_iter().sum::<usize>(), "no image is in two parts");
        assert_eq!(parts.held_out(source.labels(), 5).len(), 2 * 5);
        let greedy = Parts::new(&source, PartSizes { attribution: usize::MAX, ..sizes }, 0).unwrap();
        assert_eq!(greedy.choice.len(), 2 * HELD_OUT, "all others may speak");
        assert!(greedy.choice.iter().all(|position| parts.choice.contains(position)));
    }

    #[test]
    fn one_category_is_contrasted_evenly_with_all_others() {
        let names = ["a", "b", "c", "unknown"].map(str::to_owned).to_vec();
        // 0 to 9 are of a, 10 to 19 of b, 20 and 21 of c, the rest of a category that the source does not know.
        let labels = [vec![0; 10], vec![1; 10], vec![2; 2], vec![3; 10]].concat();
        let source = Labels { names, labels };
        let labels = LabelMap::new(vec![Some(0), Some(1), Some(2), None]);
        let parts = Parts { attribution: vec![], calibration: (0..32).collect(), tuning: vec![], choice: vec![] };
        let images = Images { source: &source, labels: &labels, parts: &parts };
        let part = &parts.calibration;
        assert_eq!(images.contrast(part, &[0], 1), [10, 11, 20]);
        assert_eq!(images.contrast(part, &[0], 2), [10, 11, 12, 13, 20, 21]);
        assert_eq!(images.for_task(part, &[0], 1), [0, 10, 11, 20]);
        assert_eq!(images.contrast(part, &[0], 10).len(), 12, "there are no more");
        assert_eq!(images.for_task(part, &[0, 2], 1), [0, 20], "categories choose between one another");
    }
}
