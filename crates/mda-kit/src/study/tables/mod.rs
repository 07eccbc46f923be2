//! The tables of a study: Markdown to read, CSV to compute with.

mod csv;
mod curves;
mod noise;

pub(super) use csv::csv;

use super::record::{AssemblyRun, AssemblySettings, ComponentRun, ComponentSettings, Failure, Record};
use curves::Curves;

/// Mean and sample standard deviation over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    mean: f64,
    deviation: f64,
    count: usize,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.collect();
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count.max(1) as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        Self { mean, deviation, count }
    }

    fn show(self) -> String {
        if self.count > 1 { format!("{:.2} ± {:.2}", self.mean, self.deviation) } else { format!("{:.2}", self.mean) }
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

/// The Markdown tables, of accuracies on the images called `measured_on`.
pub(super) fn markdown(name: &str, measured_on: &str, records: &[Record], failures: &[Failure]) -> String {
    let components: Vec<&ComponentRun> =
        records.iter().filter_map(|r| if let Record::Component(run) = r { Some(run) } else { None }).collect();
    let assemblies: Vec<&AssemblyRun> =
        records.iter().filter_map(|r| if let Record::Assembly(run) = r { Some(run) } else { None }).collect();
    let mut text = format!("# {name}\n");
    let (curves, single) = Curves::among(&components);
    if !single.is_empty() {
        text.push_str(&disassembling(&single, measured_on));
    }
    curves.iter().for_each(|curves| text.push_str(&curves.markdown(measured_on)));
    if !assemblies.is_empty() {
        text.push_str(&assembling(&assemblies));
    }
    if !failures.is_empty() {
        text.push_str("\n## Not to be had\n\n| run | reason |\n|---|---|\n");
        let cell = |text: String| text.replace('|', "\\|").replace('\n', " ");
        let line = |failure: &Failure| row(&[cell(failure.run.to_string()), cell(failure.reason.clone())]);
        failures.iter().for_each(|failure| text.push_str(&line(failure)));
    }
    text
}

/// One row a component; mean and deviation over seeds.
fn disassembling(runs: &[&ComponentRun], measured_on: &str) -> String {
    let mut text = format!(
        "\n## Disassembling\n\nAccuracies in percent over the task's {measured_on}, the choice limited to the task; *base* \
         is not limited.\n\n\
         | source, task | formulation | repair | budget | parameters | MACs | base | base-restricted | component | AUROC (source) | seeds | attribution, s | choice, s | repair, s |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for group in by_seed(runs, |run| ComponentSettings { seed: 0, ..run.run.clone() }) {
        let of = |value: &dyn Fn(&ComponentRun) -> f64| Spread::of(group.iter().map(|run| value(run)));
        let first = group[0];
        let share = |part: f64| format!("{part:.1} %");
        let area = match (first.auroc, first.source_auroc) {
            (Some(_), Some(source)) => {
                format!("{} ({source:.2})", of(&|run| run.auroc.unwrap_or(f64::NAN)).show())
            }
            _ => String::new(),
        };
        let budget = match first.run.counts.as_str() {
            "chosen" => first.run.budget.clone(),
            other => format!("{} ({other})", first.run.budget),
        };
        let cells = [
            format!("{}, {}", first.run.source, first.run.task),
            first.run.formulation.clone(),
            first.run.repair.clone(),
            budget,
            share(of(&|run| 100.0 * run.parameters as f64 / run.source_parameters as f64).mean),
            share(of(&|run| 100.0 * run.macs as f64 / run.source_macs as f64).mean),
            format!("{:.2}", first.base),
            format!("{:.2}", first.base_restricted),
            of(&|run| run.accuracy).show(),
            area,
            group.len().to_string(),
            format!("{:.2}", of(&|run| run.seconds.attribute).mean),
            format!("{:.1}", of(&|run| run.seconds.choose).mean),
            format!("{:.1}", of(&|run| run.seconds.repair).mean),
        ];
        text.push_str(&row(&cells));
    }
    text
}

/// One row a set of components; rescalings across.
fn assembling(runs: &[&AssemblyRun]) -> String {
    let mut text = String::from(
        "\n## Assembling\n\nTest accuracy in percent, the choice among all categories of all components; *bound*: each \
         image's own component chooses among its own.\n\n",
    );
    text.push_str(&by_rescaling(runs, |run| Some(run.accuracy)));
    if runs.iter().any(|run| run.balanced.is_some()) {
        text.push_str("\nThe same as the mean of the categories' accuracies, each category counting alike:\n\n");
        text.push_str(&by_rescaling(runs, |run| run.balanced));
    }
    text
}

fn by_rescaling(runs: &[&AssemblyRun], value: impl Fn(&AssemblyRun) -> Option<f64>) -> String {
    let mut rescalings: Vec<&str> = Vec::new();
    for run in runs {
        if !rescalings.contains(&run.run.rescaling.as_str()) {
            rescalings.push(&run.run.rescaling);
        }
    }
    let mut text = format!(
        "| components | cut | parameters | bound | {} |\n|---|---|---|---|{}\n",
        rescalings.join(" | "),
        "---|".repeat(rescalings.len())
    );
    for group in by_seed(runs, |run| AssemblySettings { seed: 0, rescaling: String::new(), ..run.run.clone() }) {
        let first = group[0];
        let cut = match &first.run.formulation {
            Some(formulation) => format!("{formulation}, {}, {}", first.run.repair, first.run.budget),
            None => "uncut".into(),
        };
        let share = 100.0 * first.parameters as f64 / first.source_parameters as f64;
        let accuracy = |rescaling: &&str| {
            let own = group.iter().filter(|run| run.run.rescaling == **rescaling);
            let own = Spread::of(own.filter_map(|run| value(run)));
            if own.count == 0 { String::new() } else { own.show() }
        };
        // The bound is that of the components as they are; a rescaling per category may move it a little.
        let bound =
            Spread::of(group.iter().filter(|run| run.run.rescaling == first.run.rescaling).map(|run| run.bound));
        let cells = [first.run.components.clone(), cut, format!("{share:.1} %"), bound.show()];
        text.push_str(&row(&cells.into_iter().chain(rescalings.iter().map(accuracy)).collect::<Vec<_>>()));
    }
    text
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_become_mean_and_deviation() {
        assert_eq!(Spread::of([1.0, 3.0].into_iter()).show(), "2.00 ± 1.41");
        assert_eq!(Spread::of([4.0].into_iter()).show(), "4.00");
        let runs = [(1, 'a'), (2, 'b'), (3, 'a')];
        let groups = by_seed(&runs.iter().collect::<Vec<_>>(), |run| run.1);
        assert_eq!(groups, [vec![&(1, 'a'), &(3, 'a')], vec![&(2, 'b')]]);
    }
}
