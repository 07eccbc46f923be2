//! `mda tune`: a model that learns its sources' own answers.

use super::Context;
use super::report::sources;
use crate::args::Tune;
use crate::models;
use crate::printer;
use crate::table::Table;
use crate::timing::{Listener, Timings};
use mda::core::method::Tuning;
use mda::tune::checkpoint_beside;
use mda::{Data, Model, Runtime, Tuned, accuracy};
use mda_formats::target::Kind;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    tuning: Tuning,
    #[serde(flatten)]
    tuned: &'a Tuned,
    /// Percent of the test images of its categories, before and after; absent where it was not measured.
    accuracy: Option<[f64; 2]>,
    timings: Timings,
}

pub(crate) fn run(context: &Context, arguments: &Tune) -> anyhow::Result<()> {
    let inputs = [&arguments.model].into_iter().chain(&arguments.data).chain(&arguments.source);
    let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
    let target = context.target(&arguments.output, Kind::Model, &inputs)?;
    let sources = sources(&arguments.source)?;
    let model = models::read(&arguments.model)?;
    let data = arguments.data.iter().map(|path| Ok(Data::open(path, &model)?));
    let data = data.collect::<anyhow::Result<Vec<Data>>>()?;
    let listener = Listener::new(context.output);
    let runtime = context.runtime()?;
    let tuned = mda::tune(&model)
        .sources(&sources)
        .data(&data)
        .tuning(arguments.tuning())
        .checkpoint(checkpoint_beside(&arguments.output))
        .resume(arguments.resume)
        .progress(&listener)
        .run(&runtime)?;
    models::write(&tuned.model, &target)?;
    context.output.progress(format!("wrote {}", arguments.output.display()));
    let accuracy = match data.as_slice() {
        [one] if !arguments.no_evaluate => Some(measured(&listener, [&model, &tuned.model], one, &runtime)?),
        _ => None,
    };
    let (name, tuning) = (model.name(), arguments.tuning());
    let report = Report { name, tuning, tuned: &tuned, accuracy, timings: listener.timings() };
    context.output.result(&report, || describe(&report, arguments))
}

/// Percent of the test images of both models' categories.
fn measured(listener: &Listener, models: [&Model; 2], data: &Data, runtime: &Runtime) -> anyhow::Result<[f64; 2]> {
    listener.progress().step("measuring on test images", || {
        let [before, after] = models.map(|model| accuracy::of_own(model, data, runtime));
        Ok([before?.percent(), after?.percent()])
    })
}

fn describe(report: &Report<'_>, arguments: &Tune) -> String {
    let Tuned { before, after, best_epoch, epochs, images: [train, held_out], .. } = report.tuned;
    let mut text = format!("{} learned from {train} train images", printer::name(report.name));
    text += &match best_epoch {
        0 => format!(", in vain: it is as it came (loss on {held_out} held-out images {before:.4})\n"),
        epoch => format!(": loss on {held_out} held-out images {before:.4} before, {after:.4} after epoch {epoch}\n"),
    };
    text.push('\n');
    let mut table = Table::new(&["epoch", "loss", "held-out loss"]);
    for (index, epoch) in epochs.iter().enumerate() {
        let numbers = [epoch.train_loss, epoch.held_out_loss].map(|loss| format!("{loss:.4}"));
        table.row([(index + 1).to_string(), numbers[0].clone(), numbers[1].clone()]);
    }
    text += &table.render();
    if let Some([before, after]) = report.accuracy {
        text += &format!("\naccuracy on test images of its categories: {before:.2} % before, {after:.2} % after\n");
    }
    text + &format!("written to {}\n", printer::name(&arguments.output.display().to_string()))
}
