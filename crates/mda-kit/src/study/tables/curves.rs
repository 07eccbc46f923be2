//! Accuracy against size: formulations down, budgets across.

use super::super::record::ComponentRun;
use super::noise::Rights;
use super::{Spread, by_seed};
use std::collections::HashSet;

/// Runs of one kind of counts and one repair, over several tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// `uniform` or `chosen`.
    pub counts: String,
    /// What made up for the cuts.
    pub repair: String,
    /// The tasks.
    pub tasks: Vec<CurveTask>,
    /// How the formulations compare over all points of all tasks, the best first.
    pub standings: Vec<Standing>,
}

/// Formulations of one task, each at several budgets.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveTask {
    /// The source and the task.
    pub name: String,
    /// The source, choosing among the task's categories, in percent.
    pub base_restricted: f64,
    /// The formulations, in the order of the rows.
    pub formulations: Vec<String>,
    /// The budgets, in the order of the columns.
    pub budgets: Vec<String>,
    /// `[formulation][budget]`.
    pub points: Vec<Vec<Point>>,
}

/// One formulation at one budget, over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// In percent; of no value where a budget is not to be had.
    pub accuracy: Spread,
    /// How far it is behind the best of its budget; `None` where a budget is not to be had.
    pub behind: Option<Behind>,
}

/// How far a point is behind the best of its budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behind {
    /// In points of accuracy.
    pub points: f64,
    /// Whether that is more than [`CLEARLY`](super::CLEARLY) standard errors, image by image, where the runs tell.
    pub clearly: Option<bool>,
}

/// How a formulation does over all points.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Which.
    pub formulation: String,
    /// Points of accuracy below the restricted source, as the mean over its points.
    pub below: f64,
    /// The most points of accuracy that it is behind the best of a budget, and where.
    pub behind: Option<(f64, String)>,
    /// At how many points it is clearly behind the best, and of how many that is known.
    pub clearly: (usize, usize),
}

/// So many budgets with chosen counts make a curve; with the same share of every layer one does.
const FEWEST_BUDGETS: usize = 3;

impl Curves {
    /// The curves among `runs`, and the runs that belong to none.
    pub(super) fn among<'a>(runs: &[&'a ComponentRun]) -> (Vec<Self>, Vec<&'a ComponentRun>) {
        let (mut curves, mut single) = (Vec::<Self>::new(), Vec::new());
        let place = |run: &ComponentRun| {
            let own = &run.run;
            (own.source.clone(), own.task.clone(), own.repair.clone(), own.counts.clone())
        };
        for group in by_seed(runs, place) {
            let task = CurveTask::of(&group);
            let is_curve = match group[0].run.counts.as_str() {
                "uniform" => true,
                "chosen" => task.budgets.len() >= FEWEST_BUDGETS && !task.budgets.iter().any(|own| own == "thresholds"),
                _ => false,
            };
            if !is_curve {
                single.extend(group);
                continue;
            }
            let (counts, repair) = (&group[0].run.counts, &group[0].run.repair);
            match curves.iter_mut().find(|curves| (&curves.counts, &curves.repair) == (counts, repair)) {
                Some(curves) => curves.tasks.push(task),
                None => {
                    let (counts, repair) = (counts.clone(), repair.clone());
                    curves.push(Self { counts, repair, tasks: vec![task], standings: Vec::new() });
                }
            }
        }
        curves.iter_mut().for_each(|curves| curves.standings = standings(&curves.tasks));
        (curves, single)
    }
}

/// How the formulations compare over all points of `tasks`.
fn standings(tasks: &[CurveTask]) -> Vec<Standing> {
    let mut seen = HashSet::new();
    let formulations = tasks.iter().flat_map(|task| &task.formulations).filter(|name| seen.insert(*name));
    let mut standings: Vec<Standing> = formulations.map(|name| Standing::of(name, tasks)).collect();
    standings.sort_by(|a, b| a.below.total_cmp(&b.below));
    standings
}

impl Standing {
    fn of(formulation: &str, tasks: &[CurveTask]) -> Self {
        let (mut below, mut behind, mut clearly) = (Vec::new(), None::<(f64, String)>, (0, 0));
        for task in tasks {
            let Some(row) = task.formulations.iter().position(|name| name == formulation) else { continue };
            for (point, budget) in task.points[row].iter().zip(&task.budgets) {
                let Some(own) = point.behind else { continue };
                below.push(task.base_restricted - point.accuracy.mean);
                if behind.as_ref().is_none_or(|(most, _)| own.points >= *most) {
                    behind = Some((own.points, format!("{}, {budget}", task.name)));
                }
                clearly.0 += usize::from(own.clearly == Some(true));
                clearly.1 += usize::from(own.clearly.is_some());
            }
        }
        let below = below.iter().sum::<f64>() / below.len().max(1) as f64;
        Self { formulation: formulation.to_owned(), below, behind, clearly }
    }
}

/// What one formulation did at one budget.
struct Cell {
    accuracy: Spread,
    rights: Option<Rights>,
}

impl CurveTask {
    fn of(runs: &[&ComponentRun]) -> Self {
        let (mut formulations, mut budgets) = (Vec::<String>::new(), Vec::<String>::new());
        for run in runs {
            if !formulations.contains(&run.run.formulation) {
                formulations.push(run.run.formulation.clone());
            }
            if !budgets.contains(&run.run.budget) {
                budgets.push(run.run.budget.clone());
            }
        }
        let cell = |formulation: &String, budget: &String| {
            let own = runs.iter().filter(|run| run.run.formulation == *formulation && run.run.budget == *budget);
            let accuracy = Spread::of(own.clone().map(|run| run.accuracy));
            Cell { accuracy, rights: Rights::of(own.copied()) }
        };
        let cells: Vec<Vec<Cell>> = formulations
            .iter()
            .map(|formulation| budgets.iter().map(|budget| cell(formulation, budget)).collect())
            .collect();
        let best: Vec<Option<&Cell>> = (0..budgets.len()).map(|budget| best(&cells, budget)).collect();
        let point = |(cell, best): (&Cell, &Option<&Cell>)| Point {
            accuracy: cell.accuracy,
            behind: best.and_then(|best| cell.behind(best)),
        };
        let points = cells.iter().map(|row| row.iter().zip(&best).map(point).collect()).collect();
        let first = runs[0];
        let name = format!("{} {}", first.run.source, first.run.task);
        Self { name, base_restricted: first.base_restricted, points, formulations, budgets }
    }
}

/// What has the best mean at a budget.
fn best(cells: &[Vec<Cell>], budget: usize) -> Option<&Cell> {
    let had = cells.iter().map(|row| &row[budget]).filter(|cell| cell.accuracy.count > 0);
    had.max_by(|a, b| a.accuracy.mean.total_cmp(&b.accuracy.mean))
}

impl Cell {
    fn behind(&self, best: &Self) -> Option<Behind> {
        let clearly = self.rights.as_ref().zip(best.rights.as_ref()).map(|(own, best)| own.clearly_behind(best));
        (self.accuracy.count > 0).then_some(Behind { points: best.accuracy.mean - self.accuracy.mean, clearly })
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
            choice_loss: None,
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
        let task = &curves.tasks[0];
        assert_eq!(
            (&task.formulations[..], &task.budgets[..]),
            (&["obs", "l1"].map(str::to_owned)[..], &["10%", "50%"].map(str::to_owned)[..])
        );
        let [obs, l1] = [&task.points[0], &task.points[1]];
        assert_eq!((obs[0].accuracy.mean, obs[0].accuracy.count), (93.0, 2));
        let behind = |points: f64, clearly: bool| Some(Behind { points, clearly: Some(clearly) });
        assert_eq!(obs[0].behind, behind(0.0, false));
        assert_eq!(obs[1].behind, behind(1.0, false), "one image of a hundred is noise");
        assert_eq!((l1[0].behind, l1[1].behind), (behind(12.0, true), behind(0.0, false)));
        let place = |budget: &str| format!("mnist 0-2, {budget}");
        let standing = |formulation: &str, below, behind, clearly| Standing {
            formulation: formulation.into(),
            below,
            behind,
            clearly,
        };
        let expected = [
            standing("obs", 1.5, Some((1.0, place("50%"))), (0, 2)),
            standing("l1", 7.0, Some((12.0, place("10%"))), (1, 2)),
        ];
        assert_eq!(curves.standings, expected);
    }
}
