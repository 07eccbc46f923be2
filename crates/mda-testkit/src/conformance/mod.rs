//! The suite that every backend has to pass: one case an operation, the chains that backends fuse, the connections of real
//! networks, random graphs, extreme sizes, small channels, wide windows, the masks that follow, and the contract of the
//! traits. Every answer is compared with [`mda_core::reference::Reference`] under a tolerance that the case states.

mod case;
mod compare;
mod contract;
#[cfg(test)]
mod defective;
mod extremes;
mod masks;
mod networks;
mod operations;
mod report;
mod scale;
#[cfg(test)]
mod tests;

pub use report::{CaseReport, Failure, Outcome, Report};

use case::Case;
use mda_core::backend::Backend;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The environment variable that lists, between commas, the backends that have to run here.
pub const REQUIRED: &str = "MDA_REQUIRE_BACKENDS";

/// How many random graphs the suite runs.
const RANDOM_GRAPHS: u64 = 40;

/// How many cases run at a time at most, so that a device with little memory holds them.
const AT_ONCE: usize = 4;

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
    let random = || (0..RANDOM_GRAPHS).map(Case::random);
    let models = [operations::cases(), networks::cases(), extremes::cases()];
    let cases: Vec<Case> = models.into_iter().flatten().chain(random()).filter(|case| wanted(&case.name)).collect();
    for (case, outcome) in cases.iter().zip(outcomes(&cases, |case| case.run(backend, device))) {
        report.push(&case.name, outcome);
    }
    let name = |case: &Case| format!("masks: {}", case.name);
    let cases: Vec<Case> = networks::blocks().into_iter().chain(random()).filter(|case| wanted(&name(case))).collect();
    for (case, outcome) in cases.iter().zip(outcomes(&cases, |case| case.run_masks(backend, device))) {
        report.push(&name(case), outcome);
    }
    if wanted(TOGETHER) {
        report.push(TOGETHER, masks_together(&report));
    }
    for (name, check) in contract::CHECKS.into_iter().filter(|(name, _)| wanted(name)) {
        report.push(name, case::guarded(|| check(backend, device)));
    }
    report
}

/// What comes of `cases`, in their order, several at a time: most of the time goes to the reference, which uses one processor.
fn outcomes(cases: &[Case], run: impl Fn(&Case) -> Outcome + Sync) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let work = || {
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&index| index < cases.len());
        std::iter::from_fn(take).map(|index| (index, run(&cases[index]))).collect::<Vec<_>>()
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(AT_ONCE);
    let mut done: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("what panics is a case that has failed")).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}
