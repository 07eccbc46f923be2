//! `mda evaluate`: the accuracy of a model on labelled images.

mod sets;

use super::Context;
use crate::args::{Evaluate, SplitName};
use crate::table::Table;
use crate::timing::{Listener, Timings};
use crate::{models, printer, tasks};
use anyhow::Context as _;
use mda_core::Model;
use mda_core::evaluate::{Accuracy, Evaluation, auroc};
use mda_core::model::task::{Task, describe_task};
use mda_core::run::{LabelledLogits, Runner};
use mda_data::Split;
use serde::Serialize;
use sets::{Set, opened};

#[derive(Serialize)]
struct Report {
    model: String,
    split: String,
    task: String,
    images: usize,
    /// The largest of all logits is right.
    accuracy: f64,
    /// The mean of the categories' own accuracies.
    accuracy_over_categories: f64,
    /// The largest of the task's logits is right.
    accuracy_within_task: f64,
    /// For one category: the area under the ROC curve of its logit over all images of the data, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<f64>,
    categories: Vec<Row>,
    confusion: Option<Vec<Vec<usize>>>,
    timings: Timings,
}

#[derive(Serialize)]
struct Row {
    category: String,
    images: usize,
    accuracy: f64,
}

pub(crate) fn run(context: &Context, arguments: &Evaluate) -> anyhow::Result<()> {
    let model = models::read(&arguments.model)?;
    let (task, without) = (arguments.task.as_deref(), arguments.without.as_deref());
    let asked = (task.is_some() || without.is_some()).then(|| tasks::chosen(task, without, model.categories()));
    let asked = asked.transpose()?;
    let all = || Task::new(0..model.categories().len()).context("the model has no category");
    let wanted = asked.clone().map_or_else(all, Ok)?;
    let split = match arguments.split {
        SplitName::Train => Split::Train,
        SplitName::Test => Split::Test,
    };
    let listener = Listener::new(context.output);
    let sets = opened(&model, &arguments.data, split)?;
    for set in &sets {
        set.notes(wanted.len() > 1)?.iter().for_each(|note| context.output.note(note));
    }
    let runtime = context.runtime()?;
    let runner = runtime.runner();
    let mut parts = Vec::new();
    for set in &sets {
        let positions = set.positions(&wanted)?;
        let effort = positions.len() as u64 * model.size().macs;
        parts.push(
            listener
                .progress()
                .running("evaluating", &runner, effort, |runner, _| set.logits(runner, &model, &positions))?,
        );
    }
    let run = LabelledLogits::joined(parts)?;
    anyhow::ensure!(!run.labels.is_empty(), "the data has no image of the task's categories");
    let evaluation = Evaluation::new(run);
    let has_images = |&category: &usize| evaluation.among(&[category]).total > 0;
    let (seen, unseen): (Vec<usize>, Vec<usize>) = wanted.iter().copied().partition(has_images);
    // Categories that nobody asked for and the data lacks are no part of the task.
    let task = asked.map_or_else(|| seen.clone(), |asked| asked.to_vec());
    if let Some(&first) = unseen.first().filter(|_| arguments.task.is_some()) {
        let name = &model.categories()[first];
        context.output.note(format!("no image of {} of the task's categories, such as `{name}`", unseen.len()));
    }
    let within: Accuracy = evaluation.within(&task);
    let row = |&category: &usize| {
        let accuracy = evaluation.among(&[category]);
        let category = model.categories()[category].clone();
        Row { category, images: accuracy.total, accuracy: accuracy.percent() }
    };
    let report = Report {
        model: model.name().into(),
        split: split.to_string(),
        task: describe_task(&task),
        images: within.total,
        accuracy: evaluation.among(&task).percent(),
        accuracy_over_categories: evaluation.balanced(),
        accuracy_within_task: within.percent(),
        area: match wanted[..] {
            [category] => area(&runner, &model, &sets, category)?,
            _ => None,
        },
        categories: seen.iter().map(row).collect(),
        confusion: arguments.confusion.then(|| evaluation.confusion()),
        timings: listener.timings(),
    };
    context.output.result(&report, || describe(&report, &model, task.len()))
}

/// How well the logit of `category` tells its images from all others of the data; `None` where there are no others.
fn area(runner: &Runner<'_>, model: &Model, sets: &[Set], category: usize) -> anyhow::Result<Option<f64>> {
    let (mut scores, mut is_own) = (Vec::new(), Vec::new());
    for Set { data, labels, split, .. } in sets {
        let images = data.split(*split)?;
        let all: Vec<usize> = (0..images.labels().len()).collect();
        let run = runner.logits(model, images, &all)?;
        scores.extend((0..run.labels.len()).map(|n| run.logits.row(n)[category]));
        is_own.extend(run.labels.iter().map(|&label| labels.category(label) == Some(category)));
    }
    Ok(auroc(&scores, &is_own).map(|area| 100.0 * area))
}

fn describe(report: &Report, model: &Model, categories: usize) -> String {
    let (all, several) = (model.categories().len(), categories > 1);
    let of_all = if categories < all { format!(" ({categories} of {all})") } else { String::new() };
    let mut text = format!(
        "{} on {} {} images of its categor{} {}{of_all}\n",
        printer::name(&report.model),
        report.images,
        report.split,
        if several { "ies" } else { "y" },
        report.task
    );
    // One logit alone is always the largest.
    if all > 1 {
        text.push_str(&format!("accuracy {:.2} %", report.accuracy));
        if several {
            text.push_str(&format!(
                " ({:.2} % as the mean over categories), {:.2} % with the choice limited to these categories",
                report.accuracy_over_categories, report.accuracy_within_task
            ));
        }
        text.push('\n');
    }
    match report.area {
        Some(area) => text.push_str(&format!("area under the ROC curve over all images of the data {area:.2} %\n")),
        None if all == 1 => text.push_str(
            "the model has one category and nothing to choose from; with images of others, the area under the ROC curve would \
             tell how well it knows its own\n",
        ),
        None => {}
    }
    if several {
        let mut table = Table::new(&["category", "images", "accuracy %"]);
        for row in &report.categories {
            table.row([row.category.clone(), row.images.to_string(), format!("{:.2}", row.accuracy)]);
        }
        text.push_str(&format!("\n{}", table.render()));
    }
    if let Some(confusion) = &report.confusion {
        text.push_str("\nrows: the image's category; columns: the category it was taken for\n");
        // What has no image and is no answer tells nothing.
        let has_images = |&category: &usize| confusion[category].iter().any(|&count| count > 0);
        let is_answer = |&category: &usize| confusion.iter().any(|counts| counts[category] > 0);
        let rows: Vec<usize> = (0..confusion.len()).filter(has_images).collect();
        let columns: Vec<usize> = (0..confusion.len()).filter(|k| has_images(k) || is_answer(k)).collect();
        let numbers: Vec<String> = columns.iter().map(usize::to_string).collect();
        let heads: Vec<&str> = std::iter::once("category").chain(numbers.iter().map(String::as_str)).collect();
        let mut table = Table::new(&heads);
        for category in rows {
            let name = format!("{category} {}", model.categories()[category]);
            let counts = columns.iter().map(|&other| confusion[category][other].to_string());
            table.row(std::iter::once(name).chain(counts));
        }
        text.push_str(&table.render());
    }
    text
}
