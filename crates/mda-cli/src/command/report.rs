//! `mda report`, and the reports that other commands write as well.

use super::Context;
use crate::args::Report as Arguments;
use crate::printer;
use crate::timing::Listener;
use anyhow::Context as _;
use mda::report::{Measure, Report, Reporting};
use mda::{Data, Source};
use mda_formats::target::Kind;
use mda_formats::{Target, native};
use std::path::{Path, PathBuf};

pub(crate) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<()> {
    let inputs: Vec<&Path> = std::iter::once(&arguments.model)
        .chain(&arguments.data)
        .chain(&arguments.source)
        .map(PathBuf::as_path)
        .collect();
    let target = context.target(&arguments.output, Kind::Report, &inputs)?;
    let subject = Source::read(&arguments.model)?;
    let data = arguments.data.iter().map(|path| Data::open(path, subject.model()));
    let data = data.collect::<Result<Vec<Data>, _>>()?;
    let sources = sources(&arguments.source)?;
    let listener = Listener::new(context.output);
    let reporting = mda::report(subject.model()).data(&data).sources(&sources).sha256(subject.sha256());
    let report = reporting.progress(&listener).run(&context.runtime()?)?;
    write(&report, &target)?;
    context.output.result(&report, || describe(&report, &arguments.output))
}

/// The sources at `paths`.
pub(crate) fn sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let sources = paths.iter().map(Source::read);
    Ok(sources.collect::<Result<Vec<Source>, _>>()?)
}

/// Makes the report of a model that the running command has written to `model`, and writes it.
pub(crate) fn along(
    context: &Context,
    reporting: Reporting<'_>,
    model: &Path,
    listener: &Listener,
    target: &Target,
) -> anyhow::Result<()> {
    let sha256 = native::sha256(model).ok();
    let reporting = reporting.sha256(sha256.as_deref()).command(command_line()).progress(listener);
    write(&reporting.run(&context.runtime()?)?, target)
}

pub(crate) fn write(report: &Report, target: &Target) -> anyhow::Result<()> {
    let page = report.html();
    let path = target.path().display();
    target.write(|out| out.write_all(page.as_bytes())).with_context(|| format!("writing the report {path}"))
}

/// How the program was called, as a shell would read it.
pub(crate) fn command_line() -> String {
    let plain = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./=:,+%@".contains(c));
    let quoted = |word: String| if plain(&word) { word } else { format!("'{}'", word.replace('\'', r"'\''")) };
    let words = std::env::args_os().skip(1).map(|word| quoted(word.to_string_lossy().into_owned()));
    std::iter::once("mda".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn describe(report: &Report, path: &Path) -> String {
    let score = report.verdict.score;
    let measure = match report.verdict.measure {
        Measure::Accuracy => "accuracy",
        Measure::Area => "area under the ROC curve",
    };
    let mut text = format!(
        "{}: {measure} {:.2} % ({:.2} to {:.2}) on {} test images\n",
        printer::name(&report.name),
        score.percent,
        score.low,
        score.high,
        score.images
    );
    let mut told: Vec<&str> = Vec::new();
    for missing in &report.missing {
        if !told.contains(&missing.sentence.as_str()) {
            text.push_str(&format!("left out: {}\n", missing.sentence));
            told.push(&missing.sentence);
        }
    }
    text + &format!("open {} in a browser\n", path.display())
}
