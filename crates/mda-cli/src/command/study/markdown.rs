//! The tables of a study as Markdown, to read.

use mda::study::tables::{
    AssemblyRow, AssemblyTable, CLEARLY, ComponentRow, CurveTask, Curves, Point, Spread, Standing,
};
use mda::study::{Failure, Report};

/// All tables of a study.
pub(super) fn of(report: &Report) -> String {
    let tables = report.tables();
    let measured_on = report.measured_on().name();
    let mut text = format!("# {}\n", report.name());
    if !tables.components.is_empty() {
        text.push_str(&disassembling(&tables.components, measured_on));
    }
    tables.curves.iter().for_each(|own| text.push_str(&curves(own, measured_on)));
    if let Some(assemblies) = &tables.assemblies {
        text.push_str(&assembling(assemblies));
    }
    if !report.failures().is_empty() {
        text.push_str(&not_to_be_had(report.failures()));
    }
    text
}

fn not_to_be_had(failures: &[Failure]) -> String {
    let cell = |text: String| text.replace('|', "\\|").replace('\n', " ");
    let line = |failure: &Failure| row(&[cell(failure.run.to_string()), cell(failure.reason.clone())]);
    let rows: String = failures.iter().map(line).collect();
    format!("\n## Not to be had\n\n| run | reason |\n|---|---|\n{rows}")
}

/// One row a component; mean and deviation over seeds.
fn disassembling(rows: &[ComponentRow], measured_on: &str) -> String {
    let mut text = format!(
        "\n## Disassembling\n\nAccuracies in percent over the task's {measured_on}, the choice limited to the task; *base* \
         is not limited.\n\n\
         | source, task | formulation | repair | budget | parameters | MACs | base | base-restricted | component | AUROC (source) | seeds | attribution, s | choice, s | repair, s |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for own in rows {
        let share = |part: Spread| format!("{:.1} %", part.mean);
        let areas = own.areas.map(|(area, source)| format!("{} ({source:.2})", show(area)));
        let budget = match own.run.counts.as_str() {
            "chosen" => own.run.budget.clone(),
            other => format!("{} ({other})", own.run.budget),
        };
        text.push_str(&row(&[
            format!("{}, {}", own.run.source, own.run.task),
            own.run.formulation.clone(),
            own.run.repair.clone(),
            budget,
            share(own.parameters),
            share(own.macs),
            format!("{:.2}", own.base),
            format!("{:.2}", own.base_restricted),
            show(own.accuracy),
            areas.unwrap_or_default(),
            own.seeds.to_string(),
            format!("{:.2}", own.attribute.mean),
            format!("{:.1}", own.choose.mean),
            format!("{:.1}", own.repair.mean),
        ]));
    }
    text
}

/// A table a task, and how the formulations compare over all of them.
fn curves(curves: &Curves, measured_on: &str) -> String {
    let how = match curves.counts.as_str() {
        "uniform" => {
            "the same share of every layer, so that formulations differ in nothing but the channels they choose"
        }
        "chosen" => "how much of every layer stays is chosen on choice images, a part of the train images",
        other => other,
    };
    let mut text = format!(
        "\n## Accuracy by size, repair {}\n\nCounts: {how}. Accuracy in percent over the task's {measured_on}, the choice \
         limited to the task. In bold the best of a column, and what is less than {CLEARLY} standard errors behind \
         it, image by image.\n",
        curves.repair
    );
    curves.tasks.iter().for_each(|task| text.push_str(&curve(task)));
    text.push_str(
        "\n**All points**: points of accuracy below the restricted source, and behind the best of a column\n\n\
         | formulation | below the source, mean | behind the best, most | clearly behind it |\n|---|---|---|---|\n",
    );
    for Standing { formulation, below, behind, clearly: (clearly, told) } in &curves.standings {
        let (behind, place) = behind.clone().unwrap_or_default();
        text.push_str(&row(&[
            formulation.clone(),
            format!("{below:.2}"),
            format!("{behind:.2} ({place})"),
            format!("{clearly} of {told}"),
        ]));
    }
    text
}

fn curve(task: &CurveTask) -> String {
    let mut text = format!(
        "\n**{}** (source restricted {:.2})\n\n| formulation | {} |\n|---|{}\n",
        task.name,
        task.base_restricted,
        task.budgets.join(" | "),
        "---|".repeat(task.budgets.len())
    );
    for (formulation, points) in task.formulations.iter().zip(&task.points) {
        let cells = std::iter::once(formulation.clone()).chain(points.iter().map(point));
        text.push_str(&row(&cells.collect::<Vec<_>>()));
    }
    text
}

/// In bold where nothing is clearly better.
fn point(point: &Point) -> String {
    match point.behind {
        None => String::new(),
        Some(behind) if behind.points <= 0.0 || behind.clearly == Some(false) => {
            format!("**{}**", show(point.accuracy))
        }
        Some(_) => show(point.accuracy),
    }
}

/// One row a set of components; rescalings across.
fn assembling(table: &AssemblyTable) -> String {
    let mut text = String::from(
        "\n## Assembling\n\nTest accuracy in percent, the choice among all categories of all components; *bound*: each \
         image's own component chooses among its own.\n\n",
    );
    text.push_str(&by_rescaling(table, |row| &row.accuracy));
    if table.has_balanced() {
        text.push_str("\nThe same as the mean of the categories' accuracies, each category counting alike:\n\n");
        text.push_str(&by_rescaling(table, |row| &row.balanced));
    }
    text
}

fn by_rescaling(table: &AssemblyTable, values: impl Fn(&AssemblyRow) -> &[Spread]) -> String {
    let mut text = format!(
        "| components | cut | parameters | bound | {} |\n|---|---|---|---|{}\n",
        table.rescalings.join(" | "),
        "---|".repeat(table.rescalings.len())
    );
    for own in &table.rows {
        let cut = match &own.run.formulation {
            Some(formulation) => format!("{formulation}, {}, {}", own.run.repair, own.run.budget),
            None => "uncut".into(),
        };
        let cells = [own.run.components.clone(), cut, format!("{:.1} %", own.parameters), show(own.bound)];
        let accuracies = values(own).iter().map(|&own| if own.count == 0 { String::new() } else { show(own) });
        text.push_str(&row(&cells.into_iter().chain(accuracies).collect::<Vec<_>>()));
    }
    text
}

/// Mean and deviation over seeds; the mean alone of one.
fn show(Spread { mean, deviation, count }: Spread) -> String {
    if count > 1 { format!("{mean:.2} ± {deviation:.2}") } else { format!("{mean:.2}") }
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda::study::tables::Behind;

    #[test]
    fn several_seeds_show_their_deviation() {
        assert_eq!(show(Spread { mean: 2.0, deviation: 1.414, count: 2 }), "2.00 ± 1.41");
        assert_eq!(show(Spread { mean: 4.0, deviation: 0.0, count: 1 }), "4.00");
    }

    #[test]
    fn what_is_not_clearly_behind_is_bold() {
        let cell = |points: f64, clearly| {
            point(&Point {
                accuracy: Spread { mean: 90.0, deviation: 0.0, count: 1 },
                behind: Some(Behind { points, clearly }),
            })
        };
        assert_eq!(cell(0.0, None), "**90.00**");
        assert_eq!(cell(1.0, Some(false)), "**90.00**");
        assert_eq!(cell(1.0, Some(true)), "90.00");
        assert_eq!(cell(1.0, None), "90.00");
        assert_eq!(point(&Point { accuracy: Spread::default(), behind: None }), "");
    }
}
