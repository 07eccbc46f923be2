//! What is wrong with a recipe is said before anything is computed.

use super::recipe::{Counts, MeasuredOn, Part, Recipe, budget};
use super::source::Source;
use anyhow::{Context as _, bail, ensure};
use mda_core::budget::Budget;
use mda_core::method::Repair;
use mda_core::method::{Competition, Formulation};
use mda_core::model::task::parse_task;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::str::FromStr;

impl Recipe {
    /// That all names are known, every list says something, and every number means something.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        some("seeds", &self.seeds)?;
        ensure!(self.images.top_k > 0, "`top-k` is 0; expected at least one image");
        ensure!(
            !self.disassemble.is_empty() || !self.assemble.is_empty(),
            "there is nothing to run; expected a [[disassemble]] or an [[assemble]]"
        );
        for entry in &self.disassemble {
            self.known(&entry.source)?;
            some("tasks", &entry.tasks)?;
            some("formulations", &entry.formulations)?;
            some("repairs", &entry.repairs)?;
            some("budgets", &entry.budgets)?;
            once("same-size", &entry.same_size)?;
            entry.formulations.iter().try_for_each(|name| Competition::from_str(name).map(drop))?;
            entry.same_size.iter().try_for_each(|name| Formulation::from_str(name).map(drop))?;
            entry.repairs.iter().try_for_each(|name| Repair::named(name).map(drop))?;
            for text in &entry.budgets {
                let budget = budget(text)?;
                let is_share = matches!(budget, Some(Budget::Params(_) | Budget::Macs(_)));
                ensure!(
                    entry.counts == Counts::Chosen || is_share,
                    "`counts = \"uniform\"` needs budgets such as 30%, got `{text}`"
                );
            }
        }
        for entry in &self.assemble {
            ensure!(
                self.measure == MeasuredOn::Test,
                "`measure = \"held-out\"` is for [[disassemble]] only; assembled models are measured on test images"
            );
            some("rescalings", &entry.rescalings)?;
            ensure!(entry.components.len() >= 2, "an [[assemble]] needs at least two components");
            entry.components.iter().try_for_each(|part| self.known(&part.source))?;
            Competition::from_str(&entry.formulation)?;
            Repair::named(&entry.repair)?;
            budget(&entry.budget)?;
        }
        Ok(())
    }

    fn known(&self, source: &str) -> anyhow::Result<()> {
        let names = || self.source.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        ensure!(self.source.contains_key(source), "no source is called `{source}`; there are {}", names());
        Ok(())
    }

    /// That the sources have the categories of every task, and the data sets images of them.
    pub(super) fn check_tasks(&self, sources: &BTreeMap<String, Source>) -> anyhow::Result<()> {
        for entry in &self.disassemble {
            entry.tasks.iter().try_for_each(|task| categories(sources, &entry.source, task).map(drop))?;
        }
        for entry in &self.assemble {
            let mut taken = HashSet::new();
            for Part { source, task } in &entry.components {
                for category in categories(sources, source, task)? {
                    ensure!(
                        taken.insert(format!("{source}:{category}")),
                        "an [[assemble]] has the category `{category}` of `{source}` in two components; expected it in one"
                    );
                }
            }
        }
        Ok(())
    }
}

/// The names of a task's categories.
fn categories(sources: &BTreeMap<String, Source>, name: &str, task: &str) -> anyhow::Result<Vec<String>> {
    let source = sources.get(name).with_context(|| format!("no source is called `{name}`"))?;
    let known = source.model.categories();
    let parsed = parse_task(task, known).with_context(|| format!("the task `{task}` of `{name}`"))?;
    let images = source.data.train()?;
    let train = source.labels.positions(images.labels(), &parsed, images.categories(), known);
    let both = train.map_err(anyhow::Error::from).and_then(|_| source.test_positions(&parsed));
    both.with_context(|| format!("the task `{task}` of `{name}`"))?;
    Ok(parsed.iter().map(|&category| known[category].clone()).collect())
}

/// Something to run, and nothing of it twice.
fn some<T: PartialEq + Debug>(name: &str, list: &[T]) -> anyhow::Result<()> {
    ensure!(!list.is_empty(), "`{name}` is empty; expected at least one");
    once(name, list)
}

fn once<T: PartialEq + Debug>(name: &str, list: &[T]) -> anyhow::Result<()> {
    let twice = list.iter().enumerate().find(|(index, item)| list[..*index].contains(item));
    twice.map_or(Ok(()), |(_, item)| bail!("`{name}` has {item:?} twice; expected it once"))
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
            toml::from_str::<Recipe>(&text).unwrap().check()
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
