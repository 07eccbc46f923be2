//! What is wrong with a recipe is said before anything is computed.

use super::error::RecipeError;
use super::recipe::{Counts, MeasuredOn, Part, Recipe};
use super::source::Source;
use crate::disassemble::budget;
use crate::error::Error;
use mda_core::budget::Budget;
use mda_core::method::Repair;
use mda_core::method::{Competition, Formulation};
use mda_core::model::task::parse_task;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::str::FromStr;

impl Recipe {
    /// That every list says something, and every name and number means something.
    pub(super) fn check(&self) -> Result<(), RecipeError> {
        some("seeds", &self.seeds)?;
        ensure(self.images.top_k > 0, || RecipeError::NoImages)?;
        ensure(!self.disassemble.is_empty() || !self.assemble.is_empty(), || RecipeError::NothingToRun)?;
        for entry in &self.disassemble {
            some("tasks", &entry.tasks)?;
            some("formulations", &entry.formulations)?;
            some("repairs", &entry.repairs)?;
            some("budgets", &entry.budgets)?;
            once("same-size", &entry.same_size)?;
            entry.formulations.iter().try_for_each(|name| Competition::from_str(name).map(drop))?;
            entry.same_size.iter().try_for_each(|name| Formulation::from_str(name).map(drop))?;
            entry.repairs.iter().try_for_each(|name| Repair::named(name).map(drop))?;
            for text in &entry.budgets {
                let is_share = matches!(budget(text)?, Some(Budget::Params(_) | Budget::Macs(_)));
                let no_share = || RecipeError::NoShare { budget: text.clone() };
                ensure(entry.counts == Counts::Chosen || is_share, no_share)?;
            }
        }
        for entry in &self.assemble {
            ensure(self.measure == MeasuredOn::Test, || RecipeError::AssembledOnTrain)?;
            some("rescalings", &entry.rescalings)?;
            ensure(entry.components.len() >= 2, || RecipeError::OneComponent)?;
            Competition::from_str(&entry.formulation)?;
            Repair::named(&entry.repair)?;
            budget(&entry.budget)?;
        }
        Ok(())
    }

    /// That all sources are among those of these names.
    pub(super) fn check_sources(&self, known: &[&str]) -> Result<(), RecipeError> {
        let components = self.assemble.iter().flat_map(|entry| &entry.components).map(|part| &part.source);
        let mut named = self.disassemble.iter().map(|entry| &entry.source).chain(components);
        match named.find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(RecipeError::UnknownSource { name: name.clone(), known: known.join(", ") }),
            None => Ok(()),
        }
    }

    /// That the sources have the categories of every task, and the data sets images of them.
    pub(super) fn check_tasks(&self, sources: &BTreeMap<String, Source>) -> Result<(), RecipeError> {
        for entry in &self.disassemble {
            entry.tasks.iter().try_for_each(|task| categories(sources, &entry.source, task).map(drop))?;
        }
        for entry in &self.assemble {
            let mut taken = HashSet::new();
            for Part { source, task } in &entry.components {
                for category in categories(sources, source, task)? {
                    let twice = || RecipeError::CategoryTwice { category: category.clone(), name: source.clone() };
                    ensure(taken.insert(format!("{source}:{category}")), twice)?;
                }
            }
        }
        Ok(())
    }
}

/// The names of a task's categories.
fn categories(sources: &BTreeMap<String, Source>, name: &str, task: &str) -> Result<Vec<String>, RecipeError> {
    let of = |source: &Source| -> Result<Vec<String>, Error> {
        let known = source.model.categories();
        let parsed = parse_task(task, known)?;
        let images = source.data.train()?;
        source.labels.positions(images.labels(), &parsed, images.categories(), known)?;
        source.test_positions(&parsed)?;
        Ok(parsed.iter().map(|&category| known[category].clone()).collect())
    };
    let refused = |error| RecipeError::Task { task: task.to_owned(), name: name.to_owned(), source: Box::new(error) };
    of(&sources[name]).map_err(refused)
}

fn ensure(fine: bool, problem: impl FnOnce() -> RecipeError) -> Result<(), RecipeError> {
    if fine { Ok(()) } else { Err(problem()) }
}

/// Something to run, and nothing of it twice.
fn some<T: PartialEq + Debug>(list: &'static str, items: &[T]) -> Result<(), RecipeError> {
    ensure(!items.is_empty(), || RecipeError::Empty { list })?;
    once(list, items)
}

fn once<T: PartialEq + Debug>(list: &'static str, items: &[T]) -> Result<(), RecipeError> {
    let twice = items.iter().enumerate().find(|(index, item)| items[..*index].contains(item));
    twice.map_or(Ok(()), |(_, item)| Err(RecipeError::Twice { list, item: format!("{item:?}") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_checked_before_it_runs() {
        let recipe = |source: &str, formulation: &str| {
            let text = format!(
                "name = 'x'\n[source.a]\nmodel = 'm'\ndata = 'd'\n[[disassemble]]\nsource = '{source}'\ntasks = ['0']\n\
                 formulations = ['{formulation}']\n"
            );
            let recipe: Recipe = toml::from_str(&text).unwrap();
            recipe.check().and_then(|()| recipe.check_sources(&["a"]))
        };
        recipe("a", "graph").unwrap();
        assert!(recipe("b", "graph").unwrap_err().to_string().contains("no source is called `b`; there are a"));
        assert!(recipe("a", "graff").is_err());
        assert!(
            recipe("a", "graph', 'l1', 'graph").unwrap_err().to_string().contains("`formulations` has \"graph\" twice")
        );
        assert!(toml::from_str::<Recipe>("name = 'x'\nsource = {}\nsorce = 1").is_err());
    }
}
