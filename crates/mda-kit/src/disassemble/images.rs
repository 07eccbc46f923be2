//! The train images that a task may look at, by role.

use crate::accuracy::{area, own_categories};
use crate::error::Error;
use mda_core::Model;
use mda_core::budget::Quality;
use mda_core::evaluate::LabelMap;
use mda_core::model::task::Task;
use mda_core::run::ImageSource;
use mda_core::run::Runner;
use mda_data::select::first_per_category;
use mda_data::{Parts, Role};
use std::collections::HashMap;

/// Images of other categories for each image of a task that is one category.
pub(crate) const CONTRAST: usize = 3;

/// Train images, what their labels mean to the source, their parts, and the task that they are for.
#[derive(Clone, Copy)]
pub struct TaskImages<'a> {
    /// All train images.
    pub source: &'a dyn ImageSource,
    /// What their labels mean to the source.
    pub labels: &'a LabelMap,
    /// Who may look at which.
    pub parts: &'a Parts,
    /// Of the source.
    pub task: &'a Task,
}

impl TaskImages<'_> {
    fn category(&self, position: usize) -> Option<usize> {
        self.labels.category(self.source.labels()[position])
    }

    /// Checks that every category of the task has images for `roles`.
    pub(crate) fn require(&self, roles: &[Role]) -> Result<(), Error> {
        let wanted = |&label: &usize| self.labels.category(label).is_some_and(|c| self.task.contains(&c));
        let labels: Vec<usize> = (0..self.source.categories().len()).filter(wanted).collect();
        Ok(self.parts.require(self.source, &labels, roles)?)
    }

    /// The positions of every category of the task.
    pub(crate) fn by_category(&self, role: Role) -> Vec<(usize, Vec<usize>)> {
        let part = self.parts.of(role);
        let of = |category| part.iter().copied().filter(|&i| self.category(i) == Some(category)).collect();
        self.task.iter().map(|&category| (category, of(category))).collect()
    }

    /// The positions that the task is fitted to and judged by: the first `limit` of each of its categories, and the contrast.
    pub fn of(&self, role: Role, limit: usize) -> Vec<usize> {
        let in_task = |&position: &usize| self.category(position).is_some_and(|c| self.task.contains(&c));
        let own = self.parts.of(role).iter().copied().filter(in_task);
        let mut positions = first_per_category(own, self.source.labels(), limit);
        positions.extend(self.contrast(role, positions.len()));
        positions
    }

    /// Images of the source's other categories, evenly of all of them: for a task of one category, which has nothing to
    /// choose from but must tell its own images from all else, [`CONTRAST`] times as many as the `own`; else none.
    pub(crate) fn contrast(&self, role: Role, own: usize) -> Vec<usize> {
        let [only] = self.task[..] else { return Vec::new() };
        let is_other = |&position: &usize| self.category(position).is_some_and(|c| c != only);
        let others = self.parts.of(role).iter().copied().filter(is_other);
        let mut turns = HashMap::new();
        let turn = |position: usize| {
            let turn = turns.entry(self.source.labels()[position]).or_insert(0usize);
            *turn += 1;
            (*turn, position)
        };
        let mut in_turn: Vec<(usize, usize)> = others.map(turn).collect();
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
        positions: &[usize],
    ) -> Result<Quality, Error> {
        let own = own_categories(component, source, self.task);
        if let ([category], [logit]) = (&self.task[..], own.as_slice()) {
            let run = runner.logits(component, self.source, positions)?;
            let area = area(&run, self.labels, *logit, *category).ok_or(Error::NothingElse)?;
            return Ok(Quality { accuracy: area, loss: 1.0 - area / 100.0 });
        }
        let evaluation = LabelMap::by_name(self.source.categories(), component.categories())?
            .evaluation(&runner.logits(component, self.source, positions)?);
        Ok(Quality { accuracy: evaluation.within(&own).percent(), loss: evaluation.loss_within(&own) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda_core::run::Batches;
    use mda_data::PartSizes;

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
    fn one_category_is_contrasted_evenly_with_all_others() {
        let names = ["a", "b", "c", "unknown"].map(str::to_owned).to_vec();
        // 0 to 9 are of a, 10 to 19 of b, 20 and 21 of c, the rest of a category that the source does not know.
        let labels = [vec![0; 10], vec![1; 10], vec![2; 2], vec![3; 10]].concat();
        let source = Labels { names, labels };
        let labels = LabelMap::new(vec![Some(0), Some(1), Some(2), None]);
        // Listed images are all in one part.
        let listed: Vec<usize> = (0..32).collect();
        let parts = Parts::new(&source, PartSizes { attribution: None, calibration: 0 }, 0, &listed).unwrap();
        let images = |task| TaskImages { source: &source, labels: &labels, parts: &parts, task };
        let role = Role::Attribution;
        let [a, ac] = [0, 2].map(|last| Task::new([0, last]).unwrap());
        assert_eq!(images(&a).contrast(role, 1), [10, 11, 20]);
        assert_eq!(images(&a).contrast(role, 2), [10, 11, 12, 13, 20, 21]);
        assert_eq!(images(&a).of(role, 1), [0, 10, 11, 20]);
        assert_eq!(images(&a).contrast(role, 10).len(), 12, "there are no more");
        assert_eq!(images(&ac).of(role, 1), [0, 20], "categories choose between one another");
    }
}
