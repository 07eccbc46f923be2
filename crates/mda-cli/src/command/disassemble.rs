//! `mda disassemble`: a component for a task, cut out of a source.

mod report;
mod speakers;

pub(crate) use report::{Accuracies, Areas};

use super::Context;
use crate::args::{BudgetArgs, Disassemble, LogitsName, Method};
use crate::pipeline::{Images, Job, Labelled, PartSizes, Parts, Settings, own_categories};
use crate::timing::Timings;
use crate::{data, models};
use anyhow::Context as _;
use mda_core::Model;
use mda_core::budget::Budget;
use mda_core::disassemble::Logits;
use mda_core::formulation::{Competition, Threshold};
use mda_core::labels::LabelMap;
use mda_core::provenance::Provenance;
use mda_core::repair::Repair;
use mda_core::runner::Runner;
use mda_core::source::ImageSource;
use mda_core::task::parse_task;
use mda_data::Split;
use mda_formats::target::Kind;
use report::Report;
use std::path::{Path, PathBuf};

/// More calibration images than this, over all categories, cost time and gain nothing.
const CALIBRATION_IMAGES: usize = 6000;

pub(crate) fn run(context: &Context, arguments: &Disassemble) -> anyhow::Result<()> {
    let inputs: Vec<&Path> =
        [&arguments.model, &arguments.data].into_iter().chain(&arguments.images).map(PathBuf::as_path).collect();
    let target = context.target(&arguments.output, Kind::Model, &inputs)?;
    let model = models::read(&arguments.model)?;
    let task = parse_task(&arguments.task, model.categories())?;
    let mut settings = settings(arguments)?;
    let mut timings = Timings::default();
    let open = || data::open(&arguments.data, Split::Train, model.input_shape());
    let train = timings.step(context.output, "opening the train images", open)?;
    let labels = data::match_labels(&train, &model)?;
    labels.positions(train.labels(), &task, train.categories(), model.categories())?;
    if let Some(file) = &arguments.images {
        settings.speakers = Some(speakers::listed(file, &train, &labels, &task)?);
    }
    let fitting = &arguments.fitting;
    let sizes = PartSizes {
        attribution: if fitting.candidates == 0 { usize::MAX } else { fitting.candidates },
        calibration: fitting.calibration.min(CALIBRATION_IMAGES / task.len()).max(1),
    };
    let parts = Parts::new(&train, sizes, fitting.seed)?;
    let choice = context.backend()?;
    let runner = context.runner(&choice);
    let images = Images { source: &train, labels: &labels, parts: &parts };
    let job = Job { runner: &runner, source: &model, images: &images, task: &task };
    let mut product = job.disassemble(&settings, context.output, &mut timings)?;
    product.model = with_origin(product.model, arguments)?;
    models::write(&product.model, &target)?;
    context.output.progress(format!("wrote {}", arguments.output.display()));
    let accuracies = if arguments.no_evaluate {
        None
    } else {
        let test = data::open(&arguments.data, Split::Test, model.input_shape())?;
        let components = [&product.cut.model, &product.model];
        let measure = || measure(&runner, &model, components, &test, &labels, &task);
        Some(timings.step(context.output, "measuring on test images", measure)?)
    };
    let report = Report::new(&model, &product, &task, settings.repair.name(), accuracies, timings);
    context.output.result(&report, || report.describe())
}

fn settings(arguments: &Disassemble) -> anyhow::Result<Settings> {
    Ok(Settings {
        formulations: formulations(&arguments.method)?,
        repair: Repair::named(&arguments.fitting.repair)?,
        budget: budget(&arguments.method.budget),
        logits: match arguments.logits {
            LogitsName::Task => Logits::Task,
            LogitsName::All => Logits::All,
        },
        top_k: arguments.fitting.top_k as usize,
        speakers: None,
    })
}

/// The formulations that the flags name. Thresholds belong to one formulation: with them `auto` is the first of its own.
fn formulations(method: &Method) -> anyhow::Result<Competition> {
    let named: Competition = method.formulation.parse()?;
    let mut formulations = match &named {
        Competition::Auto if method.alpha.is_none() && method.beta.is_none() => return Ok(named),
        Competition::Auto => vec![named.first()],
        Competition::Among(formulations) => formulations.clone(),
    };
    for formulation in &mut formulations {
        for Threshold { alpha, beta } in [&mut formulation.conv, &mut formulation.linear] {
            *alpha = method.alpha.unwrap_or(*alpha);
            *beta = method.beta.unwrap_or(*beta);
        }
        formulation.check()?;
    }
    anyhow::ensure!(
        formulations.len() == 1 || budget(&method.budget).is_some(),
        "{named} are {} formulations, which can only be compared at equal size; give a budget such as --keep-params 30%, or \
         name one of them",
        formulations.len()
    );
    Ok(Competition::Among(formulations))
}

fn budget(arguments: &BudgetArgs) -> Option<Budget> {
    let params = arguments.keep_params.map(Budget::Params);
    params.or(arguments.keep_macs.map(Budget::Macs)).or(arguments.max_drop.map(Budget::MaxDrop))
}

/// The component with the hash of its source's file and the seed of its calibration images in its provenance.
fn with_origin(component: Model, arguments: &Disassemble) -> anyhow::Result<Model> {
    let sha256 = mda_formats::native::sha256(&arguments.model)
        .with_context(|| format!("reading {}", arguments.model.display()))?;
    Ok(match component.provenance().cloned() {
        Some(Provenance::Component(mut origin)) => {
            origin.source_sha256 = Some(sha256);
            if let Some(repair) = &mut origin.repair {
                repair.fitted_on.seed = Some(arguments.fitting.seed);
            }
            component.with_provenance(Provenance::Component(origin))
        }
        _ => component,
    })
}

/// The accuracies of the source and of the component, as cut and as repaired, over the task's test images.
pub(crate) fn measure(
    runner: &Runner<'_>,
    source: &Model,
    [cut, repaired]: [&Model; 2],
    test: &dyn ImageSource,
    labels: &LabelMap,
    task: &[usize],
) -> anyhow::Result<Accuracies> {
    let positions = labels.positions(test.labels(), task, test.categories(), source.categories())?;
    let base = labels.evaluation(&runner.logits(source, test, &positions)?);
    let accuracies = |component: &Model| -> anyhow::Result<[f64; 2]> {
        let own = LabelMap::by_name(test.categories(), component.categories())?;
        let evaluation = own.evaluation(&runner.logits(component, test, &positions)?);
        let own_task = own_categories(component, source, task);
        Ok([evaluation.among(&own_task).percent(), evaluation.within(&own_task).percent()])
    };
    let [as_cut, as_cut_restricted] = accuracies(cut)?;
    let [component, component_restricted] = accuracies(repaired)?;
    let areas = match *task {
        [category] => {
            let all: Vec<usize> = (0..test.labels().len()).collect();
            let area = |model: &Model| -> anyhow::Result<Option<f64>> {
                let logit = own_categories(model, source, task).first().copied().unwrap_or(category);
                Labelled { images: test, labels }.area(runner, model, logit, category, &all)
            };
            area(source)?.zip(area(cut)?).zip(area(repaired)?)
        }
        _ => None,
    };
    Ok(Accuracies {
        areas: areas.map(|((source, as_cut), component)| Areas { source, as_cut, component }),
        images: positions.len(),
        base: base.among(task).percent(),
        base_restricted: base.within(task).percent(),
        as_cut,
        as_cut_restricted,
        component,
        component_restricted,
    })
}
