//! From the labels of a data set to the categories of a model.

use crate::evaluate::Evaluation;
use crate::model::task::Task;
use crate::run::LabelledLogits;
use std::collections::HashMap;
use thiserror::Error;

/// For every label of a data set, the model's category that it stands for, where the model has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMap(Vec<Option<usize>>);

/// Labels and categories that do not meet.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelError {
    /// No category of the model is in the data.
    #[error("none of the model's categories ({}) is among the data's ({})", few(.model), few(.data))]
    NothingShared {
        /// The model's categories.
        model: Vec<String>,
        /// The data's categories.
        data: Vec<String>,
    },
    /// Categories that a task needs and the data lacks.
    #[error("the data has no category {}; it has {}", few(.missing), few(.data))]
    Missing {
        /// The categories.
        missing: Vec<String>,
        /// The data's categories.
        data: Vec<String>,
    },
    /// A category of the task without a single image.
    #[error("the data has no image of category `{category}`")]
    Empty {
        /// The category.
        category: String,
    },
}

/// The first names of a list that may be long.
fn few(names: &[String]) -> String {
    let shown = names.iter().take(8).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 8 { format!("{shown} and {} more", names.len() - 8) } else { shown }
}

impl LabelMap {
    /// Matches categories by name.
    ///
    /// # Errors
    /// [`LabelError::NothingShared`] where no name is in both lists.
    pub fn by_name(data: &[String], model: &[String]) -> Result<Self, LabelError> {
        let categories: HashMap<&str, usize> = model.iter().enumerate().map(|(k, name)| (name.as_str(), k)).collect();
        let map = Self(data.iter().map(|name| categories.get(name.as_str()).copied()).collect());
        if map.0.iter().any(Option::is_some) {
            Ok(map)
        } else {
            Err(LabelError::NothingShared { model: model.to_vec(), data: data.to_vec() })
        }
    }

    /// A map that sends label `l` to `categories[l]`.
    pub fn new(categories: Vec<Option<usize>>) -> Self {
        Self(categories)
    }

    /// The category that `label` stands for.
    pub fn category(&self, label: usize) -> Option<usize> {
        self.0.get(label).copied().flatten()
    }

    /// The same map into a model whose categories begin at `offset` (a component's place among joint categories).
    #[must_use]
    pub fn shifted(&self, offset: usize) -> Self {
        Self(self.0.iter().map(|category| category.map(|c| c + offset)).collect())
    }

    /// The positions of all images of the `task`, ascending, where image `i` has the data set's label `labels[i]`.
    ///
    /// # Errors
    /// [`LabelError`] where the data lacks a category of the task, or has no image of it.
    pub fn positions(
        &self,
        labels: &[usize],
        task: &Task,
        data: &[String],
        model: &[String],
    ) -> Result<Vec<usize>, LabelError> {
        let missing: Vec<String> =
            task.iter().filter(|&&c| !self.0.contains(&Some(c))).map(|&c| model[c].clone()).collect();
        if !missing.is_empty() {
            return Err(LabelError::Missing { missing, data: data.to_vec() });
        }
        let in_task = |label: usize| self.category(label).is_some_and(|c| task.contains(&c));
        let positions: Vec<usize> = (0..labels.len()).filter(|&i| in_task(labels[i])).collect();
        let empty = task.iter().find(|&&c| !positions.iter().any(|&i| self.category(labels[i]) == Some(c)));
        match empty {
            None => Ok(positions),
            Some(&c) => Err(LabelError::Empty { category: model[c].clone() }),
        }
    }

    /// The logits with labels counted as the model counts; images of other categories are left out.
    pub fn evaluation(&self, run: &LabelledLogits) -> Evaluation {
        Evaluation::new(self.relabel(run))
    }

    /// The logits of the images whose label stands for a category, with the labels replaced.
    pub fn relabel(&self, run: &LabelledLogits) -> LabelledLogits {
        let known: Vec<usize> = (0..run.labels.len()).filter(|&n| self.category(run.labels[n]).is_some()).collect();
        let labels = known.iter().filter_map(|&n| self.category(run.labels[n])).collect();
        LabelledLogits { logits: run.logits.select(0, &known), labels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_meet_in_any_order() {
        let (data, model) = (names(&["a", "b", "c"]), names(&["c", "a"]));
        let map = LabelMap::by_name(&data, &model).unwrap();
        assert_eq!((map.category(0), map.category(1), map.category(2)), (Some(1), None, Some(0)));
        let task = Task::new([0]).unwrap();
        assert_eq!(map.positions(&[2, 1, 0, 2], &task, &data, &model).unwrap(), [0, 3]);
        assert_eq!(map.shifted(5).category(0), Some(6));
    }

    #[test]
    fn what_is_missing_is_named() {
        let (data, model) = (names(&["a", "b"]), names(&["a", "x"]));
        assert!(matches!(LabelMap::by_name(&data, &names(&["y"])), Err(LabelError::NothingShared { .. })));
        let map = LabelMap::by_name(&data, &model).unwrap();
        let missing = LabelError::Missing { missing: names(&["x"]), data: data.clone() };
        let [one, both] = [0, 1].map(|last| Task::new(0..=last).unwrap());
        assert_eq!(map.positions(&[0], &both, &data, &model), Err(missing));
        assert_eq!(map.positions(&[1], &one, &data, &model), Err(LabelError::Empty { category: "a".into() }));
    }
}
