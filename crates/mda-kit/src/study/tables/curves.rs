//! Accuracy against size: formulations down, budgets across.

use super::super::record::ComponentRun;
use super::noise::{CLEARLY, Rights};
use super::{Spread, by_seed, row};

/// Runs of one kind of counts and one repair, over several tasks.
pub(super) struct Curves<'a> {
    counts: &'a str,
    repair: &'a str,
    tasks: Vec<Task<'a>>,
}

/// Formulations of one task, each at several budgets.
struct Task<'a> {
    /// The source and the task.
    name: String,
    base_restricted: f64,
    formulations: Vec<&'a str>,
    budgets: Vec<&'a str>,
    /// `[formulation][budget]`.
    cells: Vec<Vec<Cell>>,
}

/// One formulation at one budget, over seeds; of no run where a budget is not to be had.
struct Cell {
    accuracy: Spread,
    rights: Option<Rights>,
}

/// So many budgets with chosen counts make a curve; with the same share of every layer one does.
const FEWEST_BUDGETS: usize = 3;

impl<'a> Curves<'a> {
    /// The curves among `runs`, and the runs that belong to none.
    pub(super) fn among(runs: &[&'a ComponentRun]) -> (Vec<Self>, Vec<&'a ComponentRun>) {
        let (mut curves, mut single) = (Vec::<Self>::new(), Vec::new());
        let place = |run: &ComponentRun| {
            let own = &run.run;
            (own.source.clone(), own.task.clone(), own.repair.clone(), own.counts.clone())
        };
        for group in by_seed(runs, place) {
            let task = Task::new(&group);
            let is_curve = match group[0].run.counts.as_str() {
                "uniform" => true,
                "chosen" => task.budgets.len() >= FEWEST_BUDGETS && !task.budgets.contains(&"thresholds"),
                _ => false,
            };
            if !is_curve {
                single.extend(group);
                continue;
            }
            let (counts, repair) = (group[0].run.counts.as_str(), group[0].run.repair.as_str());
            match curves.iter_mut().find(|curves| (curves.counts, curves.repair) == (counts, repair)) {
                Some(curves) => curves.tasks.push(task),
                None => curves.push(Self { counts, repair, tasks: vec![task] }),
            }
        }
        (curves, single)
    }

    /// A table a task, and how the formulations compare over all of them.
    pub(super) fn markdown(&self, measured_on: &str) -> String {
        let how = match self.counts {
            "uniform" => {
                "the same share of every layer, so that formulations differ in nothing but the channels they choose"
            }
            "chosen" => "how much of every layer stays is chosen on held-out train images",
            other => other,
        };
        let mut text = format!(
            "\n## Accuracy by size, repair {}\n\nCounts: {how}. Accuracy in percent over the task's {measured_on}, the choice \
             limited to the task. In bold the best of a column, and what is less than {CLEARLY} standard errors behind \
             it, image by image.\n",
            self.repair
        );
        self.tasks.iter().for_each(|task| text.push_str(&task.markdown()));
        text.push_str(&self.summary());
        text
    }

    /// Over all points of all tasks: how far each formulation is below the source, and at most behind the best.
    fn summary(&self) -> String {
        let mut formulations: Vec<&str> =
            self.tasks.iter().flat_map(|task| task.formulations.iter().copied()).collect();
        let mut seen = std::collections::HashSet::new();
        formulations.retain(|name| seen.insert(*name));
        let mut rows: Vec<(&str, f64, (f64, String), String)> = Vec::new();
        for name in formulations {
            let points: Vec<Point> = self.tasks.iter().flat_map(|task| task.points(name)).collect();
            let below = points.iter().map(|point| point.below).sum::<f64>() / points.len().max(1) as f64;
            let told = points.iter().filter_map(|point| point.clearly);
            let clearly = format!("{} of {}", told.clone().filter(|&clearly| clearly).count(), told.count());
            let most = points.into_iter().max_by(|a, b| a.behind.total_cmp(&b.behind));
            rows.push((name, below, most.map(|point| (point.behind, point.place)).unwrap_or_default(), clearly));
        }
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut text = String::from(
            "\n**All points**: points of accuracy below the restricted source, and behind the best of a column\n\n\
             | formulation | below the source, mean | behind the best, most | clearly behind it |\n|---|---|---|---|\n",
        );
        for (name, below, (behind, place), clearly) in rows {
            text.push_str(&row(&[name.into(), format!("{below:.2}"), format!("{behind:.2} ({place})"), clearly]));
        }
        text
    }
}

/// One formulation at one budget of one task.
struct Point {
    place: String,
    below: f64,
    behind: f64,
    /// Whether it is clearly behind the best, where the runs tell.
    clearly: Option<bool>,
}

impl<'a> Task<'a> {
    fn new(runs: &[&'a ComponentRun]) -> Self {
        let (mut formulations, mut budgets) = (Vec::<&str>::new(), Vec::<&str>::new());
        for run in runs {
            if !formulations.contains(&run.run.formulation.as_str()) {
                formulations.push(&run.run.formulation);
            }
            if !budgets.contains(&run.run.budget.as_str()) {
                budgets.push(&run.run.budget);
            }
        }
        let cell = |formulation: &&str, budget: &&str| {
            let own = runs.iter().filter(|run| run.run.formulation == *formulation && run.run.budget == *budget);
            let accuracy = Spread::of(own.clone().map(|run| run.accuracy));
            Cell { accuracy, rights: Rights::of(own.copied()) }
        };
        let cells = formulations.iter().map(|f| budgets.iter().map(|b| cell(f, b)).collect()).collect();
        let first = runs[0];
        let name = format!("{} {}", first.run.source, first.run.task);
        Self { name, base_restricted: first.base_restricted, formulations, budgets, cells }
    }

    /// The best mean of every budget.
    fn best(&self) -> Vec<&Cell> {
        let of = |budget: usize| {
            let had = self.cells.iter().map(move |row| &row[budget]).filter(|cell| cell.accuracy.count > 0);
            had.max_by(|a, b| a.accuracy.mean.total_cmp(&b.accuracy.mean))
        };
        (0..self.budgets.len()).filter_map(of).collect()
    }

    fn points(&self, formulation: &str) -> Vec<Point> {
        let Some(index) = self.formulations.iter().position(|name| *name == formulation) else { return Vec::new() };
        let columns = self.cells[index].iter().zip(self.best()).zip(&self.budgets);
        let point = |((cell, best), budget): ((&Cell, &Cell), &&str)| Point {
            place: format!("{}, {budget}", self.name),
            below: self.base_restricted - cell.accuracy.mean,
            behind: best.accuracy.mean - cell.accuracy.mean,
            clearly: cell.clearly_behind(best),
        };
        columns.filter(|((cell, _), _)| cell.accuracy.count > 0).map(point).collect()
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "\n**{}** (source restricted {:.2})\n\n| formulation | {} |\n|---|{}\n",
            self.name,
            self.base_restricted,
            self.budgets.join(" | "),
            "---|".repeat(self.budgets.len())
        );
        let best = self.best();
        for (formulation, cells) in self.formulations.iter().zip(&self.cells) {
            let shown = cells.iter().zip(&best).map(|(cell, best)| match cell.accuracy.count {
                0 => String::new(),
                _ if cell.accuracy.mean >= best.accuracy.mean || cell.clearly_behind(best) == Some(false) => {
                    format!("**{}**", cell.accuracy.show())
                }
                _ => cell.accuracy.show(),
            });
            text.push_str(&row(&std::iter::once((*formulation).to_owned()).chain(shown).collect::<Vec<_>>()));
        }
        text
    }
}

impl Cell {
    fn clearly_behind(&self, best: &Self) -> Option<bool> {
        Some(self.rights.as_ref()?.clearly_behind(best.rights.as_ref()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::flags::Flags;
    use super::super::super::record::{ComponentSettings, Seconds};
    use super::*;

    fn run(formulation: &str, budget: &str, counts: &str, seed: u64, accuracy: f64) -> ComponentRun {
        ComponentRun {
            run: ComponentSettings {
                source: "mnist".into(),
                task: "0-2".into(),
                formulation: formulation.into(),
                repair: "ridge".into(),
                budget: budget.into(),
                counts: counts.into(),
                all_logits: false,
                seed,
            },
            parameters: 1,
            macs: 1,
            source_parameters: 2,
            source_macs: 2,
            images: 100,
            base: 90.0,
            base_restricted: 95.0,
            accuracy,
            auroc: None,
            source_auroc: None,
            winner: None,
            strategy: None,
            held_out_loss: None,
            right: Flags::of(&(0..100).map(|image| f64::from(image) < accuracy).collect::<Vec<_>>()),
            calibration_images: 10,
            seconds: Seconds::default(),
            peak_mib: None,
        }
    }

    #[test]
    fn curves_are_compared_with_the_source_and_with_the_best() {
        let runs = [
            run("obs", "10%", "uniform", 0, 92.0),
            run("obs", "10%", "uniform", 1, 94.0),
            run("obs", "50%", "uniform", 0, 94.0),
            run("l1", "10%", "uniform", 0, 81.0),
            run("l1", "50%", "uniform", 0, 95.0),
            run("obs", "20%", "chosen", 0, 94.0),
        ];
        let (curves, single) = Curves::among(&runs.iter().collect::<Vec<_>>());
        assert_eq!(single.len(), 1, "a single chosen budget is no curve");
        let [curves] = curves.as_slice() else { panic!("one table") };
        let text = curves.markdown("test images");
        assert!(text.contains("| obs | **93.00 ± 1.41** | **94.00** |"), "one image of a hundred is noise: {text}");
        assert!(text.contains("| l1 | 81.00 | **95.00** |"), "{text}");
        assert!(text.contains("| obs | 1.50 | 1.00 (mnist 0-2, 50%) | 0 of 2 |"), "{text}");
        assert!(text.contains("| l1 | 7.00 | 12.00 (mnist 0-2, 10%) | 1 of 2 |"), "{text}");
    }
}
