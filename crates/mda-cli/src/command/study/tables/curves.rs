//! Accuracy against size: formulations down, budgets across.

use super::super::record::ComponentRun;
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
    /// `[formulation][budget]`; of no run where a budget is not to be had.
    accuracy: Vec<Vec<Spread>>,
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
    pub(super) fn markdown(&self) -> String {
        let how = match self.counts {
            "uniform" => {
                "the same share of every layer, so that formulations differ in nothing but the channels they choose"
            }
            "chosen" => "how much of every layer stays is chosen on held-out train images",
            other => other,
        };
        let mut text = format!(
            "\n## Accuracy by size, repair {}\n\nCounts: {how}. Test accuracy in percent, the choice limited to the task.\n",
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
        let mut rows: Vec<(&str, f64, (f64, String))> = Vec::new();
        for name in formulations {
            let points: Vec<Point> = self.tasks.iter().flat_map(|task| task.points(name)).collect();
            let below = points.iter().map(|point| point.below).sum::<f64>() / points.len().max(1) as f64;
            let most = points.into_iter().max_by(|a, b| a.behind.total_cmp(&b.behind));
            rows.push((name, below, most.map(|point| (point.behind, point.place)).unwrap_or_default()));
        }
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut text = String::from(
            "\n**All points**: points of accuracy below the restricted source, and behind the best of a column\n\n\
             | formulation | below the source, mean | behind the best, most |\n|---|---|---|\n",
        );
        for (name, below, (behind, place)) in rows {
            text.push_str(&row(&[name.into(), format!("{below:.2}"), format!("{behind:.2} ({place})")]));
        }
        text
    }
}

/// One formulation at one budget of one task.
struct Point {
    place: String,
    below: f64,
    behind: f64,
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
        let spread = |formulation: &&str, budget: &&str| {
            let own = runs.iter().filter(|run| run.run.formulation == *formulation && run.run.budget == *budget);
            Spread::of(own.map(|run| run.accuracy))
        };
        let accuracy = formulations.iter().map(|f| budgets.iter().map(|b| spread(f, b)).collect()).collect();
        let first = runs[0];
        let name = format!("{} {}", first.run.source, first.run.task);
        Self { name, base_restricted: first.base_restricted, formulations, budgets, accuracy }
    }

    /// The best mean of every budget.
    fn best(&self) -> Vec<f64> {
        let of = |budget: usize| {
            let had = self.accuracy.iter().map(|row| row[budget]).filter(|spread| spread.count > 0);
            had.map(|spread| spread.mean).fold(f64::NEG_INFINITY, f64::max)
        };
        (0..self.budgets.len()).map(of).collect()
    }

    fn points(&self, formulation: &str) -> Vec<Point> {
        let Some(index) = self.formulations.iter().position(|name| *name == formulation) else { return Vec::new() };
        let columns = self.accuracy[index].iter().zip(self.best()).zip(&self.budgets);
        let point = |((spread, best), budget): ((&Spread, f64), &&str)| Point {
            place: format!("{}, {budget}", self.name),
            below: self.base_restricted - spread.mean,
            behind: best - spread.mean,
        };
        columns.filter(|((spread, _), _)| spread.count > 0).map(point).collect()
    }

    /// The best of a column in bold.
    fn markdown(&self) -> String {
        let mut text = format!(
            "\n**{}** (source restricted {:.2})\n\n| formulation | {} |\n|---|{}\n",
            self.name,
            self.base_restricted,
            self.budgets.join(" | "),
            "---|".repeat(self.budgets.len())
        );
        let best = self.best();
        for (formulation, spreads) in self.formulations.iter().zip(&self.accuracy) {
            let cells = spreads.iter().zip(&best).map(|(spread, &best)| match spread.count {
                0 => String::new(),
                _ if spread.mean >= best => format!("**{}**", spread.show()),
                _ => spread.show(),
            });
            text.push_str(&row(&std::iter::once((*formulation).to_owned()).chain(cells).collect::<Vec<_>>()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
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
            strategy: None,
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
            run("l1", "10%", "uniform", 0, 91.0),
            run("l1", "50%", "uniform", 0, 94.5),
            run("obs", "20%", "chosen", 0, 94.0),
        ];
        let (curves, single) = Curves::among(&runs.iter().collect::<Vec<_>>());
        assert_eq!(single.len(), 1, "a single chosen budget is no curve");
        let [curves] = curves.as_slice() else { panic!("one table") };
        let text = curves.markdown();
        assert!(text.contains("| obs | **93.00 ± 1.41** | 94.00 |"), "{text}");
        assert!(text.contains("| l1 | 91.00 | **94.50** |"), "{text}");
        assert!(text.contains("| obs | 1.50 | 0.50 (mnist 0-2, 50%) |"), "{text}");
        assert!(text.contains("| l1 | 2.25 | 2.00 (mnist 0-2, 10%) |"), "{text}");
    }
}
