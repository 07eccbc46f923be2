//! The suite on the reference, on backends with defects, and on none.

use super::defective::{Defect, Defective, large_tiles, many_columns, small_channels, wide_windows};
use super::*;
use mda_core::Model;
use mda_core::run::backend::{BackendError, Device, Probe, Program, RunOutput, Unsupported};
use mda_core::run::reference::Reference;

#[test]
fn the_reference_conforms_to_itself() {
    let report = run(&Reference, None);
    println!("{report}");
    report.assert_passed();
}

#[test]
fn a_loaded_backend_runs_networks_and_the_contract() {
    let report = run_loaded(&Reference, None);
    let count = |kind: &str| report.cases().iter().filter(|case| case.name.starts_with(kind)).count();
    let counts = ["block: ", "contract: "].map(count);
    assert_eq!(counts, [networks::blocks().len(), contract::CHECKS.len()]);
    assert_eq!(counts.iter().sum::<usize>(), report.cases().len());
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

fn failures(defect: Defect) -> usize {
    run(&Defective(defect), None).failures().count()
}

#[test]
fn defects_are_found() {
    assert!(failures(|_, _, output| output.logits.data_mut()[0] *= 1.001) > 30);
    assert!(failures(|_, _, output| output.logits.data_mut()[0] = f32::NAN) > 30);
    assert!(failures(|_, _, output| output.probes.reverse()) > 30);
    assert!(failures(|_, _, output| drop(output.probes.pop())) > 30);
    assert!(failures(|_, _, _| panic!("as broken as it gets")) > 30);
}

/// Every third number of every probe is off.
fn uneven(output: &mut RunOutput, by: f32) {
    let numbers = output.probes.iter_mut().flat_map(|probe| probe.data_mut());
    numbers.step_by(3).for_each(|number| *number *= 1.0 + by);
}

#[test]
fn wrong_masks_are_found_by_themselves() {
    let masks = |defect: Defect| {
        let report = run(&Defective(defect), None);
        let failed = report.failures().filter(|(name, _)| name.starts_with("masks: ")).count();
        (failed, report.masks())
    };
    let (failed, [bits, ..]) = masks(|_, _, output| uneven(output, 0.1));
    assert!(failed > 10, "{failed} cases failed, {bits} bits agreed or tied");
    let (failed, [bits, differing, ties]) = masks(|_, _, output| uneven(output, 1e-6));
    assert!(failed == 0 && bits > 5000 && differing == 0, "{failed} cases, {differing} of {bits} bits, {ties} ties");
}

/// What only some layers or some numbers of some layers show: the suite has to have such layers.
#[test]
fn defects_of_few_layers_are_found() {
    let defects: [(&str, Defect); 4] = [
        ("small channels are zero", small_channels),
        ("large tiles are wrong", large_tiles),
        ("the last part of a convolution is wrong", many_columns),
        ("wide windows are wrong", wide_windows),
    ];
    let found = defects.map(|(name, defect)| {
        let report = run(&Defective(defect), None);
        let failed: Vec<&str> = report.failures().map(|(name, _)| name).collect();
        println!("{name}: {failed:#?}");
        (name, failed.len())
    });
    assert!(found.iter().all(|&(_, failed)| failed >= 2), "{found:?}");
}

#[test]
fn ties_in_many_models_are_a_failure() {
    let masks = |models: usize| {
        let mut report = Report::new("tying", None);
        (0..models).for_each(|_| report.push("masks", Outcome::Agreed { bits: 1000, differing: 1, ties: 1 }));
        masks_together(&report)
    };
    assert!(matches!(masks(2), Outcome::Passed { difference: 0.001, .. }) && matches!(masks(30), Outcome::Failed(_)));
}
