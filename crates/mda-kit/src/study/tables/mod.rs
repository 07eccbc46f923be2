//! The tables of a study as data: means over seeds, side by side.

mod assemblies;
pub(super) mod csv;
mod curves;
mod noise;

pub use assemblies::{AssemblyRow, AssemblyTable};
pub use curves::{Behind, CurveTask, Curves, Point, Standing};
pub use noise::CLEARLY;

use super::record::{ComponentRun, ComponentSettings, Record};

/// Mean and sample standard deviation over seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The mean; 0 of no values.
    pub mean: f64,
    /// The deviation; 0 of fewer than two values.
    pub deviation: f64,
    /// Of how many values.
    pub count: usize,
}

impl Spread {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.collect();
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count.max(1) as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        Self { mean, deviation, count }
    }
}

/// All tables of a study; empty where there are no runs for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Components that belong to no curve.
    pub components: Vec<ComponentRow>,
    /// Accuracies against sizes.
    pub curves: Vec<Curves>,
    /// Assembled models, where there are any.
    pub assemblies: Option<AssemblyTable>,
}

/// Component runs that differ in their seed only.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentRow {
    /// What they share; the seed is that of the first.
    pub run: ComponentSettings,
    /// How many they are.
    pub seeds: usize,
    /// Of the source's parameters, in percent.
    pub parameters: Spread,
    /// Of the source's multiply-adds, in percent.
    pub macs: Spread,
    /// The source, choosing among all its categories, in percent.
    pub base: f64,
    /// The source, choosing among the task's, in percent.
    pub base_restricted: f64,
    /// The components, choosing among the task's, in percent.
    pub accuracy: Spread,
    /// For a single category the areas under the ROC curve, in percent: of the components, and of the source.
    pub areas: Option<(Spread, f64)>,
    /// Seconds that attributing took.
    pub attribute: Spread,
    /// Seconds that choosing what stays took.
    pub choose: Spread,
    /// Seconds that repairing took.
    pub repair: Spread,
}

impl Tables {
    pub(super) fn of(records: &[Record]) -> Self {
        let components: Vec<&ComponentRun> =
            records.iter().filter_map(|r| if let Record::Component(run) = r { Some(run) } else { None }).collect();
        let assemblies: Vec<_> =
            records.iter().filter_map(|r| if let Record::Assembly(run) = r { Some(run) } else { None }).collect();
        let (curves, single) = Curves::among(&components);
        let rows = by_seed(&single, |run| ComponentSettings { seed: 0, ..run.run.clone() });
        Self {
            components: rows.iter().map(|group| ComponentRow::of(group)).collect(),
            curves,
            assemblies: (!assemblies.is_empty()).then(|| AssemblyTable::of(&assemblies)),
        }
    }
}

impl ComponentRow {
    fn of(group: &[&ComponentRun]) -> Self {
        let spread = |value: fn(&ComponentRun) -> f64| Spread::of(group.iter().map(|run| value(run)));
        let first = group[0];
        let areas = first.auroc.and(first.source_auroc);
        Self {
            run: first.run.clone(),
            seeds: group.len(),
            parameters: spread(|run| 100.0 * run.parameters as f64 / run.source_parameters as f64),
            macs: spread(|run| 100.0 * run.macs as f64 / run.source_macs as f64),
            base: first.base,
            base_restricted: first.base_restricted,
            accuracy: spread(|run| run.accuracy),
            areas: areas.map(|source| (spread(|run| run.auroc.unwrap_or(f64::NAN)), source)),
            attribute: spread(|run| run.seconds.attribute),
            choose: spread(|run| run.seconds.choose),
            repair: spread(|run| run.seconds.repair),
        }
    }
}

/// Runs that differ in their seed only, in the order of their first.
fn by_seed<'a, R, K: PartialEq>(runs: &[&'a R], settings: impl Fn(&R) -> K) -> Vec<Vec<&'a R>> {
    let mut groups: Vec<(K, Vec<&R>)> = Vec::new();
    for &run in runs {
        let own = settings(run);
        match groups.iter_mut().find(|(key, _)| *key == own) {
            Some((_, group)) => group.push(run),
            None => groups.push((own, vec![run])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_become_mean_and_deviation() {
        let two = Spread::of([1.0, 3.0].into_iter());
        assert_eq!((two.mean, two.deviation, two.count), (2.0, 2f64.sqrt(), 2));
        assert_eq!(Spread::of([4.0].into_iter()), Spread { mean: 4.0, deviation: 0.0, count: 1 });
        let runs = [(1, 'a'), (2, 'b'), (3, 'a')];
        let groups = by_seed(&runs.iter().collect::<Vec<_>>(), |run| run.1);
        assert_eq!(groups, [vec![&(1, 'a'), &(3, 'a')], vec![&(2, 'b')]]);
    }
}
