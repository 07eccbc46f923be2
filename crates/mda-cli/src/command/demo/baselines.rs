//! What the demo's components and its assembled model are compared with.

use crate::command::assemble::Measured;
use crate::pipeline::{Job, Product, Settings, own_categories};
use crate::table::thousands;
use mda_core::Model;
use mda_core::formulation::Formulation;
use mda_core::labels::LabelMap;
use mda_core::metrics::Accuracy;
use mda_core::source::ImageSource;
use serde::Serialize;

/// A component of the same size whose channels another formulation chose.
#[derive(Serialize)]
pub(crate) struct Baseline {
    formulation: &'static str,
    accuracy: f64,
}

impl Baseline {
    /// A line below the table of accuracies.
    pub(crate) fn describe(&self) -> String {
        format!("same size, channels by {}, repaired alike: {:.2}\n", self.formulation, self.accuracy)
    }
}

/// Random channels and those with the largest filters, as many in every layer as the product keeps.
pub(crate) fn same_size(
    job: &Job<'_>,
    settings: &Settings,
    product: &Product,
    test: &dyn ImageSource,
) -> anyhow::Result<Vec<Baseline>> {
    let mut baselines = Vec::new();
    for formulation in ["random", "l1"] {
        let chosen = Formulation::preset(formulation)?;
        let cut = job.same_size(&chosen, settings.logits, &product.selection, &product.cut.plan)?;
        let model = job.repair(&settings.repair, &cut)?.model;
        let own = own_categories(&model, job.source, job.task);
        let labels = LabelMap::by_name(test.categories(), model.categories())?;
        let positions = labels.positions(test.labels(), &own, test.categories(), model.categories())?;
        let evaluation = labels.evaluation(&job.runner.logits(&model, test, &positions)?);
        baselines.push(Baseline { formulation, accuracy: evaluation.within(&own).percent() });
    }
    Ok(baselines)
}

/// An assembled model's accuracy on the test images of all components.
#[derive(Serialize)]
pub(crate) struct Joint {
    what: &'static str,
    parameters: u64,
    accuracy: f64,
    within_component: f64,
}

impl Joint {
    pub(crate) fn new(what: &'static str, model: &Model, measured: &[Measured]) -> Self {
        let total =
            |of: fn(&Measured) -> Accuracy| measured.iter().map(of).fold(Accuracy::default(), Accuracy::plus).percent();
        let (accuracy, within_component) = (total(|m| m.joint), total(|m| m.within));
        Self { what, parameters: model.size().parameters, accuracy, within_component }
    }

    pub(crate) fn cells(&self) -> [String; 4] {
        let percent = |value: f64| format!("{value:.2}");
        [self.what.into(), thousands(self.parameters), percent(self.accuracy), percent(self.within_component)]
    }
}
