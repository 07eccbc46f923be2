//! Records that are interrupted, damaged, doubled, of other inputs, or locked.

use super::super::record::{AssemblyRun, AssemblySettings};
use super::*;
use crate::progress::Silent;

fn assembly(seed: u64) -> Record {
    let run = AssemblySettings {
        components: "a 0 + b 1".into(),
        formulation: None,
        repair: "none".into(),
        budget: "uncut".into(),
        rescaling: "none".into(),
        rescaling_images: 10,
        seed,
    };
    Record::Assembly(AssemblyRun {
        run,
        parameters: 1,
        macs: 1,
        source_parameters: 1,
        images: 1,
        accuracy: 50.0,
        balanced: None,
        bound: 50.0,
        rescaling_images: 0,
        seconds: 0.0,
    })
}

fn open(folder: &Path, current: &[&str]) -> Result<Store, StudyError> {
    Store::open(folder, &current.iter().copied().collect(), &Silent)
}

fn inputs(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn append(folder: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(folder.join(RUNS)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn an_interrupted_file_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), &["x"]).unwrap().add(assembly(0), inputs(&["x"])).unwrap();
    // The second is what a file system may leave of a write that never reached the disk.
    for rest in [&b"{\"kind\":\"assem"[..], &b"\0\0\0\0\xff\n\0\0"[..]] {
        append(folder.path(), rest);
        let store = open(folder.path(), &["x"]).unwrap();
        assert!(store.has(&assembly(0).run()) && !store.has(&assembly(1).run()));
    }
    let store = open(folder.path(), &["x"]).unwrap();
    store.add(assembly(1), inputs(&["x"])).unwrap();
    drop(store);
    assert_eq!(open(folder.path(), &["x"]).unwrap().records().len(), 2);
}

#[test]
fn what_is_damaged_in_the_middle_or_unknown_is_left_to_the_user() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), &["x"]).unwrap().add(assembly(0), inputs(&["x"])).unwrap();
    let row = std::fs::read(folder.path().join(RUNS)).unwrap();
    append(folder.path(), b"{\"kind\":\"as\n");
    append(folder.path(), &row);
    let before = std::fs::read(folder.path().join(RUNS)).unwrap();
    let error = open(folder.path(), &["x"]).err().unwrap().to_string();
    assert!(error.contains("runs.jsonl: line 2 is damaged"), "{error}");
    assert_eq!(std::fs::read(folder.path().join(RUNS)).unwrap(), before, "nothing is cut off");
    std::fs::write(folder.path().join(RUNS), "{\"kind\":\"of the future\"}\n").unwrap();
    let error = open(folder.path(), &["x"]).err().unwrap().to_string();
    assert!(error.contains("line 1 is no run that this version knows"), "{error}");
}

#[test]
fn equal_runs_are_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &["x"]).unwrap();
    store.add(assembly(0), inputs(&["x"])).unwrap();
    store.add(assembly(0), inputs(&["x"])).unwrap();
    drop(store);
    let row = std::fs::read(folder.path().join(RUNS)).unwrap();
    assert_eq!(row.iter().filter(|&&byte| byte == b'\n').count(), 1);
    append(folder.path(), &row);
    assert_eq!(open(folder.path(), &["x"]).unwrap().records().len(), 1);
}

#[test]
fn runs_of_other_inputs_are_kept_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), &["x", "y"]).unwrap().add(assembly(0), inputs(&["x", "y"])).unwrap();
    assert!(open(folder.path(), &["x", "y", "z"]).unwrap().has(&assembly(0).run()));
    let store = open(folder.path(), &["x", "z"]).unwrap();
    assert!(!store.has(&assembly(0).run()) && store.records().is_empty());
    store.add(assembly(0), inputs(&["x", "z"])).unwrap();
    drop(store);
    assert_eq!(open(folder.path(), &["x", "y"]).unwrap().records().len(), 1, "they come back with their inputs");
    let text = std::fs::read_to_string(folder.path().join(RUNS)).unwrap();
    std::fs::write(folder.path().join(RUNS), text.replace("\"inputs\"", "\"unknown\"")).unwrap();
    assert!(open(folder.path(), &["x", "y"]).unwrap().records().is_empty(), "an older version's");
}

#[test]
fn a_folder_is_written_by_one_study_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), &[]).unwrap();
    let error = open(folder.path(), &[]).err().unwrap().to_string();
    assert!(error.contains("another study") && error.contains(&folder.path().display().to_string()), "{error}");
    drop(first);
    open(folder.path(), &[]).unwrap();
}

#[test]
fn a_failed_write_is_told_from_a_failed_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &["x"]).unwrap();
    store.book().file = File::open(folder.path().join(RUNS)).unwrap();
    let error = store.add(assembly(0), inputs(&["x"])).unwrap_err();
    assert!(matches!(error, StudyError::Unwritten { .. }) && !store.has(&assembly(0).run()), "{error}");
}
