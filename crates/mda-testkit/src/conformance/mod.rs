//! The suite that every backend has to pass: one case an operation, the chains that backends fuse, the connections of real
//! networks, random graphs, extreme sizes, small channels, wide windows, the masks that follow, derivatives of what can be trained,
//! and the contract of the traits. Every answer is compared with [`mda_core::run::reference::Reference`] under a tolerance that the case states.

mod case;
mod compare;
mod contract;
#[cfg(test)]
mod defective;
#[cfg(test)]
mod defective_training;
mod extremes;
mod masks;
mod networks;
mod operations;
mod report;
mod scale;
#[cfg(test)]
mod tests;
mod training;

pub use report::{CaseReport, Failure, Outcome, Report};

use mda_core::run::backend::Backend;

/// The environment variable that lists, between commas, the backends that have to run here.
pub const REQUIRED: &str = "MDA_REQUIRE_BACKENDS";

/// How many random graphs the suite runs.
const RANDOM_GRAPHS: u64 = 40;

/// The case that looks at the masks of all models.
const TOGETHER: &str = "masks: all together";

/// Whether a skipped case of `backend` is a failure here, because `MDA_REQUIRE_BACKENDS` names it.
pub fn require(backend: &str) -> bool {
    std::env::var(REQUIRED).is_ok_and(|list| lists(&list, backend))
}

fn lists(list: &str, backend: &str) -> bool {
    list.split(',').any(|name| name.trim() == backend)
}

/// Runs every case on `backend`, on `device` or its default.
pub fn run(backend: &dyn Backend, device: Option<&str>) -> Report {
    run_some(backend, device, |_| true)
}

/// Runs what a backend that conforms can still get wrong where it is loaded from a library: the connections of real networks
/// and the contract. The whole suite runs on the backend itself, and through the boundary on the reference.
pub fn run_loaded(backend: &dyn Backend, device: Option<&str>) -> Report {
    run_some(backend, device, |name| ["block: ", "contract: "].iter().any(|kind| name.starts_with(kind)))
}

/// What a backend is trained on, where it trains at all.
fn trained_cases() -> impl Iterator<Item = case::Case> {
    let random = (0..RANDOM_GRAPHS).map(case::Case::random);
    operations::cases().into_iter().chain(networks::chains()).chain(networks::blocks()).chain(random)
}

/// Whether few bits differ in all masks together.
fn masks_together(report: &Report) -> Outcome {
    let [bits, differing, ties] = report.masks();
    let most = masks::most_differing_in_all(bits);
    if differing <= most {
        let share = |count: usize| count as f32 / bits.max(1) as f32;
        return Outcome::Passed { difference: share(differing), allowed: share(most) };
    }
    Outcome::Failed(Failure::Wrong(format!(
        "{differing} of {bits} bits differ, at {ties} ties; at most {most} may differ"
    )))
}

/// Runs the cases whose names are `wanted` on `backend`, on `device` or its default: a part of the suite, for a backend's own
/// tests of what that part reaches.
pub fn run_some(backend: &dyn Backend, device: Option<&str>, wanted: impl Fn(&str) -> bool) -> Report {
    let mut report = Report::new(backend.id(), device);
    if backend.devices().is_empty() {
        report.push("devices", Outcome::Skipped { reason: "the backend finds no device here".into() });
        return report;
    }
    let random = || (0..RANDOM_GRAPHS).map(case::Case::random);
    let models = [operations::cases(), networks::cases(), extremes::cases()];
    for case in models.into_iter().flatten().chain(random()).filter(|case| wanted(&case.name)) {
        report.push(&case.name, case.run(backend, device));
    }
    for case in networks::blocks().into_iter().chain(random()) {
        let name = format!("masks: {}", case.name);
        if wanted(&name) {
            report.push(&name, case.run_masks(backend, device));
        }
    }
    // A backend that trains nothing leaves nothing out: training is not asked of all.
    let trained: Vec<case::Case> = trained_cases().collect();
    let trains = trained.iter().any(|case| backend.untrainable(case.model()).is_none());
    for case in trained.into_iter().filter(|_| trains) {
        let name = format!("training: {}", case.name);
        if wanted(&name) {
            report.push(&name, case.run_training(backend, device, training::batches(&case.name)));
        }
    }
    if wanted(TOGETHER) {
        report.push(TOGETHER, masks_together(&report));
    }
    for (name, check) in contract::CHECKS.into_iter().filter(|(name, _)| wanted(name)) {
        report.push(name, case::guarded(|| check(backend, device)));
    }
    report
}
