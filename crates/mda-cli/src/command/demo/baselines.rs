//! What the demo's components and its assembled model are compared with.

use crate::table::thousands;
use mda::assemble::Measured;
use mda::demo::{self, Joined};
use serde::Serialize;

/// A component of the same size whose channels another formulation chose.
#[derive(Serialize)]
pub(crate) struct Baseline {
    formulation: &'static str,
    accuracy: f64,
}

impl Baseline {
    pub(crate) fn new(baseline: &demo::Baseline) -> Self {
        Self { formulation: baseline.formulation, accuracy: baseline.accuracy.percent() }
    }

    /// A line below the table of accuracies.
    pub(crate) fn describe(&self) -> String {
        format!("same size, channels by {}, repaired alike: {:.2}\n", self.formulation, self.accuracy)
    }
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
    pub(crate) fn new(Joined { what, assembled, measured }: &Joined) -> Self {
        let total = Measured::total(measured);
        let parameters = assembled.model.size().parameters;
        Self { what, parameters, accuracy: total.joint.percent(), within_component: total.within.percent() }
    }

    pub(crate) fn cells(&self) -> [String; 4] {
        let percent = |value: f64| format!("{value:.2}");
        [self.what.into(), thousands(self.parameters), percent(self.accuracy), percent(self.within_component)]
    }
}
