//! What the demo's components and its assembled model are compared with.

use crate::table::thousands;
use mda::assemble::Measured;
use mda::core::evaluate::Accuracy;
use mda::core::method::Formulation;
use mda::{Component, Data, Disassembly, Model, Runtime};
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

/// Random channels and those with the largest filters, as many in every layer as the component keeps.
pub(crate) fn same_size(
    disassembly: &Disassembly<'_>,
    component: &Component,
    data: &Data,
    runtime: &Runtime,
) -> anyhow::Result<Vec<Baseline>> {
    let mut baselines = Vec::new();
    for formulation in ["random", "l1"] {
        let other = disassembly.same_size(component, &Formulation::preset(formulation)?, runtime)?;
        baselines.push(Baseline { formulation, accuracy: mda::accuracy::of_own(&other, data, runtime)?.percent() });
    }
    Ok(baselines)
}

/// An assembled model's accuracy on the test images of all components.
#[derive(Serialize)]
pub(crate) struct Row {
    what: &'static str,
    parameters: u64,
    accuracy: f64,
    within_component: f64,
}

impl Row {
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
