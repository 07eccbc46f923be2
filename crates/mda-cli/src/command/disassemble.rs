//! `mda disassemble`: a component for a task, cut out of a source.

mod report;
mod speakers;

use super::Context;
use crate::args::{Disassemble, LogitsName, Method};
use crate::failure::Advise;
use crate::timing::Timings;
use crate::{data, models};
use anyhow::Context as _;
use mda_core::Model;
use mda_core::disassemble::{Attribution, Component, DisassembleError, Logits, attribute, select_confident};
use mda_core::formulation::{Formulation, Threshold};
use mda_core::labels::LabelMap;
use mda_core::provenance::Provenance;
use mda_core::runner::Runner;
use mda_core::source::ImageSource;
use mda_core::task::parse_task;
use mda_data::Split;
use report::{Accuracies, Report};

pub(crate) fn run(context: &Context, arguments: &Disassemble) -> anyhow::Result<()> {
    let model = models::read(&arguments.model)?;
    let task = parse_task(&arguments.task, model.categories())?;
    let formulation = formulation(&arguments.method)?;
    let mut timings = Timings::default();
    let train = timings.step(context.output, "opening the train images", || {
        data::open(&arguments.data, Split::Train, model.input_shape())
    })?;
    let labels = data::match_labels(&train, &model)?;
    let choice = context.backend()?;
    let runner = context.runner(&choice);
    let selection = match &arguments.images {
        Some(file) => speakers::listed(file, &train, &labels, &task)?,
        None => {
            let candidates = speakers::candidates(&train, &labels, &model, &task, arguments.candidates)?;
            timings.step(context.output, "picking the surest images", || {
                select_confident(&runner, &model, &train, &candidates, arguments.top_k as usize)
            })?
        }
    };
    let attribution =
        timings.step(context.output, "attributing", || attribute(&runner, &model, &train, &selection, &formulation))?;
    let component = timings.step(context.output, "cutting", || cut(&attribution, &model, &task, arguments))?;
    models::write(&component.model, &arguments.output)?;
    context.output.progress(format!("wrote {}", arguments.output.display()));
    let accuracies = if arguments.no_evaluate {
        None
    } else {
        let test = data::open(&arguments.data, Split::Test, model.input_shape())?;
        let measure = || measure(&runner, &model, &component.model, &test, &labels, &task);
        Some(timings.step(context.output, "measuring on test images", measure)?)
    };
    let report = Report::new(&model, &component, &task, &formulation, accuracies, timings);
    context.output.result(&report, || report.describe())
}

/// The formulation that the flags name.
pub(crate) fn formulation(method: &Method) -> anyhow::Result<Formulation> {
    let mut formulation = Formulation::preset(&method.formulation)?;
    for Threshold { alpha, beta } in [&mut formulation.conv, &mut formulation.linear] {
        *alpha = method.alpha.unwrap_or(*alpha);
        *beta = method.beta.unwrap_or(*beta);
    }
    formulation.check()?;
    Ok(formulation)
}

fn cut(attribution: &Attribution, model: &Model, task: &[usize], arguments: &Disassemble) -> anyhow::Result<Component> {
    let logits = match arguments.logits {
        LogitsName::Task => Logits::Task,
        LogitsName::All => Logits::All,
    };
    let mut component = attribution.component(model, task, logits).advise_on(|error| {
        matches!(error, DisassembleError::Slice { .. })
            .then_some("lower --alpha and --beta, or let more images speak with --top-k")
    })?;
    let sha256 = mda_formats::native::sha256(&arguments.model)
        .with_context(|| format!("reading {}", arguments.model.display()))?;
    if let Some(Provenance::Component(origin)) = component.model.provenance().cloned() {
        let origin = mda_core::provenance::ComponentOrigin { source_sha256: Some(sha256), ..origin };
        component.model = component.model.with_provenance(Provenance::Component(origin));
    }
    Ok(component)
}

/// Base, base-restricted and component accuracy over the task's images.
pub(crate) fn measure(
    runner: &Runner<'_>,
    source: &Model,
    component: &Model,
    test: &dyn ImageSource,
    labels: &LabelMap,
    task: &[usize],
) -> anyhow::Result<Accuracies> {
    let positions = labels.positions(test.labels(), task, test.categories(), source.categories())?;
    let base = labels.evaluation(&runner.logits(source, test, &positions)?);
    let own = LabelMap::by_name(test.categories(), component.categories())?;
    let cut = own.evaluation(&runner.logits(component, test, &positions)?);
    let own_task: Vec<usize> = (0..component.categories().len())
        .filter(|&k| task.iter().any(|&c| source.categories()[c] == component.categories()[k]))
        .collect();
    Ok(Accuracies {
        images: positions.len(),
        base: base.among(task).percent(),
        base_restricted: base.within(task).percent(),
        component: cut.among(&own_task).percent(),
        component_restricted: cut.within(&own_task).percent(),
    })
}
