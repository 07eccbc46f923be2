//! The suite that every backend has to pass: one case an operation, the chains that backends fuse, the connections of real
//! networks, random graphs, extreme sizes, the masks that follow, and the contract of the traits. Every answer is compared
//! with [`mda_core::reference::Reference`] under a tolerance that the case states.

mod case;
mod compare;
mod contract;
#[cfg(test)]
mod defective;
mod masks;
mod networks;
mod operations;
mod report;

pub use report::{CaseReport, Failure, Outcome, Report};

use mda_core::backend::Backend;

/// The environment variable that lists, between commas, the backends that have to run here.
pub const REQUIRED: &str = "MDA_REQUIRE_BACKENDS";

/// How many random graphs the suite runs.
const RANDOM_GRAPHS: u64 = 40;

/// Whether a skipped case of `backend` is a failure here, because `MDA_REQUIRE_BACKENDS` names it.
pub fn require(backend: &str) -> bool {
    std::env::var(REQUIRED).is_ok_and(|list| lists(&list, backend))
}

fn lists(list: &str, backend: &str) -> bool {
    list.split(',').any(|name| name.trim() == backend)
}

/// Runs every case on `backend`, on `device` or its default.
pub fn run(backend: &dyn Backend, device: Option<&str>) -> Report {
    let mut report = Report::new(backend.id(), device);
    if backend.devices().is_empty() {
        report.push("devices", Outcome::Skipped { reason: "the backend finds no device here".into() });
        return report;
    }
    let random = || (0..RANDOM_GRAPHS).map(case::Case::random);
    for case in operations::cases().into_iter().chain(networks::cases()).chain(random()) {
        report.push(&case.name, case.run(backend, device));
    }
    for case in networks::blocks().into_iter().chain(random()) {
        report.push(&format!("masks: {}", case.name), case.run_masks(backend, device));
    }
    for (name, check) in contract::CHECKS {
        report.push(name, case::guarded(|| check(backend, device)));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::defective::Defective;
    use super::*;
    use mda_core::Model;
    use mda_core::backend::{BackendError, Device, Probe, Program, RunOutput, Unsupported};
    use mda_core::reference::Reference;

    #[test]
    fn the_reference_conforms_to_itself() {
        let report = run(&Reference, None);
        println!("{report}");
        report.assert_passed();
    }

    /// A backend whose devices are all elsewhere.
    struct Absent;

    impl Backend for Absent {
        fn id(&self) -> &str {
            "absent"
        }

        fn devices(&self) -> Vec<Device> {
            Vec::new()
        }

        fn unsupported(&self, _model: &Model) -> Vec<Unsupported> {
            Vec::new()
        }

        fn compile(&self, _: &Model, _: Option<&str>, _: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
            unreachable!("a backend without devices is not asked to compile")
        }
    }

    #[test]
    fn an_absent_backend_is_skipped_unless_it_is_required() {
        let report = run(&Absent, None);
        assert_eq!((report.skipped().count(), report.cases().len()), (1, 1));
        assert_eq!(report.verdict(false), Ok(()));
        assert!(report.verdict(true).unwrap_err().contains("no device"));
        assert!(lists("cpu, absent", "absent") && !lists("cpu", "absent") && !lists("", "absent"));
    }

    fn failures(defect: fn(&mut RunOutput)) -> usize {
        run(&Defective(defect), None).failures().count()
    }

    #[test]
    fn defects_are_found() {
        assert!(failures(|output| output.logits.data_mut()[0] *= 1.001) > 30);
        assert!(failures(|output| output.logits.data_mut()[0] = f32::NAN) > 30);
        assert!(failures(|output| output.probes.reverse()) > 30);
        assert!(failures(|output| drop(output.probes.pop())) > 30);
        assert!(failures(|_| panic!("as broken as it gets")) > 30);
    }

    /// Every third number of every probe is off.
    fn uneven(output: &mut RunOutput, by: f32) {
        let numbers = output.probes.iter_mut().flat_map(|probe| probe.data_mut());
        numbers.step_by(3).for_each(|number| *number *= 1.0 + by);
    }

    #[test]
    fn wrong_masks_are_found_by_themselves() {
        let masks = |defect| {
            let report = run(&Defective(defect), None);
            let failed = report.failures().filter(|(name, _)| name.starts_with("masks: ")).count();
            (failed, report.masks())
        };
        let (failed, [bits, ..]) = masks(|output| uneven(output, 0.1));
        assert!(failed > 10, "{failed} cases failed, {bits} bits agreed or tied");
        let (failed, [bits, differing, ties]) = masks(|output| uneven(output, 1e-6));
        assert!(
            failed == 0 && bits > 5000 && differing == 0,
            "{failed} cases, {differing} of {bits} bits, {ties} ties"
        );
    }
}
