//! Assembled models: sets of components down, rescalings across.

use super::super::record::{AssemblyRun, AssemblySettings};
use super::{Spread, by_seed};

/// Assembled models, on the test images of all their components.
#[derive(Clone, Debug, PartialEq)]
pub struct AssemblyTable {
    /// The rescalings, in the order of the columns.
    pub rescalings: Vec<String>,
    /// A set of components, cut in one way, each.
    pub rows: Vec<AssemblyRow>,
}

/// One set of components under all rescalings.
#[derive(Clone, Debug, PartialEq)]
pub struct AssemblyRow {
    /// What the runs share; the seed and the rescaling are those of the first.
    pub run: AssemblySettings,
    /// Of the sources' parameters, in percent.
    pub parameters: f64,
    /// Percent, every image's own component choosing among its categories.
    pub bound: Spread,
    /// Percent under each of the rescalings, choosing among all categories of all components; of no value where there is no
    /// run.
    pub accuracy: Vec<Spread>,
    /// The same as the mean of the categories' accuracies; of no value where the runs do not tell.
    pub balanced: Vec<Spread>,
}

impl AssemblyTable {
    pub(super) fn of(runs: &[&AssemblyRun]) -> Self {
        let mut rescalings: Vec<String> = Vec::new();
        for run in runs {
            if !rescalings.contains(&run.run.rescaling) {
                rescalings.push(run.run.rescaling.clone());
            }
        }
        let groups = by_seed(runs, |run| AssemblySettings { seed: 0, rescaling: String::new(), ..run.run.clone() });
        let rows = groups.iter().map(|group| AssemblyRow::of(group, &rescalings)).collect();
        Self { rescalings, rows }
    }

    /// Whether any run tells the mean of the categories' accuracies.
    pub fn has_balanced(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.balanced).any(|spread| spread.count > 0)
    }
}

impl AssemblyRow {
    fn of(group: &[&AssemblyRun], rescalings: &[String]) -> Self {
        let first = group[0];
        let under = |rescaling: &str, value: fn(&AssemblyRun) -> Option<f64>| {
            Spread::of(group.iter().filter(|run| run.run.rescaling == rescaling).filter_map(|run| value(run)))
        };
        let all = |value| rescalings.iter().map(|rescaling| under(rescaling, value)).collect();
        Self {
            run: first.run.clone(),
            parameters: 100.0 * first.parameters as f64 / first.source_parameters as f64,
            // The bound is that of the components as they are; a rescaling per category may move it a little.
            bound: under(&first.run.rescaling, |run| Some(run.bound)),
            accuracy: all(|run| Some(run.accuracy)),
            balanced: all(|run| run.balanced),
        }
    }
}
