//! Plugins that are wrong in one way each: every one is a clear error, and the host goes on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mda_core::graph::Graph;
use mda_core::op::{Flatten, Input, Linear};
use mda_core::run::backend::{Backend, BackendError, Probe, Program, Session};
use mda_core::{Model, Tensor};
use mda_plugin::host::{LoadProblem, PluginBackend, Unreadable, load};
use mda_testkit::cdylib;
use mda_testkit::generate::with_random_parameters;
use std::cell::RefCell;
use std::path::Path;

fn fixture(name: &str) -> PluginBackend {
    load(&cdylib::example(name), None).unwrap()
}

/// What keeps a fixture, or another file, from being loaded.
fn problem(path: &Path) -> LoadProblem {
    let Err(error) = load(path, None) else { panic!("{} loads", path.display()) };
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    error.problem
}

fn model(name: &str) -> Model {
    let mut graph = Graph::new();
    graph.push("images", Input { channels: 1, height: 2, width: 2 }, &[]);
    graph.push("flat", Flatten {}, &["images"]);
    graph.push("fc", Linear { out_features: 2, bias: true }, &["flat"]);
    with_random_parameters(name, &graph, 1).unwrap()
}

fn batch() -> Tensor {
    Tensor::zeros([1, 1, 2, 2])
}

fn compile(backend: &dyn Backend, name: &str) -> Result<Box<dyn Program>, BackendError> {
    backend.compile(&model(name), None, &[])
}

fn run(backend: &dyn Backend, name: &str) -> String {
    let mut session = compile(backend, name).unwrap().session().unwrap();
    session.run(&batch()).unwrap_err().to_string()
}

/// What a failed call says, as the only thing that it answers.
fn said<T>(result: Result<T, BackendError>) -> String {
    result.map(drop).unwrap_err().to_string()
}

#[test]
fn files_that_are_no_libraries() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libtext.so");
    std::fs::write(&text, "these are not the functions you are looking for").unwrap();
    let LoadProblem::NoLibrary(reason) = problem(&text) else { panic!("a text is taken for a library") };
    assert!(reason.contains("dlopen") && reason.len() > "dlopen failed".len(), "only `{reason}`");
    assert!(matches!(problem(&folder.path().join("nowhere.so")), LoadProblem::Read(_)));
    assert!(matches!(problem(folder.path()), LoadProblem::NotAFile));
}

/// A loader maps what is missing and dies where it touches it, so this has to be seen before. What lies behind 50,000 bytes
/// is not only debug information.
#[test]
#[cfg(all(unix, not(target_vendor = "apple")))]
fn truncated_libraries() {
    let folder = tempfile::tempdir().unwrap();
    let real = std::fs::read(cdylib::example("failing")).unwrap();
    let cut = folder.path().join("libcut.so");
    for length in [100, 500, 5_000, 50_000] {
        std::fs::write(&cut, &real[..length]).unwrap();
        let problem = problem(&cut);
        assert!(
            matches!(problem, LoadProblem::Truncated { found, needed } if found == length as u64 && needed > found)
        );
    }
}

#[test]
fn libraries_that_are_no_plugins() {
    let LoadProblem::NoEntry(reason) = problem(&cdylib::example("missing_symbol")) else {
        panic!("it has no entry point")
    };
    assert!(reason.contains("mda_plugin_entry_v1"), "{reason}");
    let bad_table = |name| {
        let LoadProblem::BadTable(problem) = problem(&cdylib::example(name)) else { panic!("{name} has a table") };
        problem
    };
    assert_eq!(bad_table("null_table"), Unreadable::Null);
    assert_eq!(bad_table("misaligned_table"), Unreadable::Misaligned);
    assert!(matches!(bad_table("short_table"), Unreadable::TooShort { name: "Plugin", found: 16, .. }));
    let missing = problem(&cdylib::example("missing_function"));
    assert!(matches!(missing, LoadProblem::NoFunction { function: "run", .. }));
    let version = problem(&cdylib::example("other_major"));
    assert!(matches!(version, LoadProblem::Version { found_major: 2, found_minor: 3 }));
    assert!(version.to_string().contains("2.3") && version.to_string().contains("rebuild"), "{version}");
}

#[test]
fn a_backend_that_cannot_be_made() {
    let LoadProblem::Refused(reason) = problem(&cdylib::example("panicking_create")) else { panic!("it panics") };
    assert!(reason.contains("no backend today") && reason.contains("panicking_create.rs"), "{reason}");
}

#[test]
fn panics_in_every_function() {
    let backend = fixture("panicking");
    assert!(backend.devices().is_empty());
    assert!(backend.unavailable().unwrap().contains("panicked in devices"));
    let nodes = backend.unsupported(&model("any"));
    assert!(nodes.len() == 3 && nodes[0].reason.contains("panicked in unsupported"), "{nodes:?}");
    assert!(said(compile(&backend, "compile")).contains("panicked in compile"));
    assert!(said(compile(&backend, "payload")).contains("panicked: without words"));
    assert!(said(compile(&backend, "session").unwrap().session()).contains("panicked in session"));
    assert!(run(&backend, "thread").contains("panicked on a thread of its own"));
    let reason = run(&backend, "drop");
    assert!(
        reason.contains("`panicking`") && reason.contains("panicked in run") && reason.contains(".rs:"),
        "{reason}"
    );
}

#[test]
fn a_session_that_panicked_is_not_run_again() {
    let mut session = compile(&fixture("panicking"), "any").unwrap().session().unwrap();
    assert!(said(session.run(&batch())).contains("panicked in run"));
    assert!(said(session.run(&batch())).contains("take a new session"));
}

#[test]
fn errors_keep_their_kinds() {
    let backend = fixture("failing");
    assert_eq!((backend.id(), backend.version()), ("failing", env!("CARGO_PKG_VERSION")));
    assert_eq!(backend.unavailable().unwrap(), "`there:0` has no driver");
    let refused = backend.compile(&model("any"), Some("there:0"), &[]);
    let Err(BackendError::NoDevice { backend: id, device, available }) = refused else { panic!("no such device") };
    assert_eq!((id.as_str(), device.as_str()), ("failing", "there:0"));
    assert_eq!(available, ["here:0", "here:1"]);
    let refused = backend.compile(&model("any"), None, &[Probe::Value(1), Probe::Moments(2)]);
    let Err(BackendError::BadProbe { probe, reason }) = refused else { panic!("no moments") };
    assert_eq!((probe, reason.as_str()), (Probe::Moments(2), "moments are not to be had"));
    let Err(BackendError::Unsupported { nodes, .. }) = compile(&backend, "unsupported") else { panic!("too new") };
    assert_eq!((nodes.len(), nodes[2].node.as_str(), nodes[2].reason.as_str()), (3, "fc", "too new"));
    assert_eq!(said(compile(&backend, "compile")), "backend `failing`: no room for the program");
    assert_eq!(said(compile(&backend, "session").unwrap().session()), "backend `failing`: no room for the session");
    assert_eq!(run(&backend, "run"), "backend `failing`: the device has gone");
}

#[test]
fn bad_requests_never_reach_the_plugin() {
    let backend = fixture("failing");
    let refused = backend.compile(&model("any"), None, &[Probe::WindowSum(2)]);
    assert!(matches!(refused, Err(BackendError::BadProbe { probe: Probe::WindowSum(2), .. })));
    let mut session = compile(&backend, "any").unwrap().session().unwrap();
    let refused = session.run(&Tensor::zeros([1, 2, 2]));
    assert!(matches!(refused, Err(BackendError::BadBatch { .. })));
}

#[test]
fn answers_of_the_wrong_size() {
    let backend = fixture("failing");
    assert!(run(&backend, "sizes").contains("35 numbers as logits, expected [1, 2]"));
    assert!(run(&backend, "count").contains("2 tensors, 1 were asked for"));
}

#[test]
fn lies_are_seen_through() {
    let backend = fixture("lying");
    assert!(backend.devices().is_empty());
    assert!(backend.unavailable().unwrap().contains("not UTF-8"));
    assert!(backend.unsupported(&model("any"))[0].reason.contains("null text"));
    assert!(said(compile(&backend, "any")).contains("null program"));
    let program = backend.compile(&model("any"), Some("odd"), &[]).unwrap();
    assert!(said(program.session().unwrap().run(&batch())).contains("3 numbers as logits, expected [1, 2]"));
}

#[test]
fn lengths_that_no_memory_has_are_not_read() {
    let backend = fixture("overlong");
    assert!(backend.devices().is_empty());
    let reason = backend.unavailable().unwrap();
    assert!(reason.contains(&format!("a text of {} bytes, at most 65536", usize::MAX)), "{reason}");
    let reason = &backend.unsupported(&model("any"))[0].reason;
    assert!(reason.contains("it failed") && reason.contains(&usize::MAX.to_string()), "{reason}");
    let reason = said(compile(&backend, "any"));
    assert!(reason.contains("it failed") && reason.contains("not aligned"), "{reason}");
}

/// A thread may end with a session in a variable of its own: the plugin's variables of that thread are gone by then.
#[test]
fn a_session_may_outlive_the_variables_that_the_plugin_has_in_a_thread() {
    thread_local! {
        static KEPT: RefCell<Option<Box<dyn Session>>> = const { RefCell::new(None) };
    }
    for (plugin, name) in [("honest", "any"), ("panicking", "drop")] {
        let thread = std::thread::spawn(move || {
            // What a thread uses first is destroyed last.
            KEPT.set(None);
            KEPT.set(Some(compile(&fixture(plugin), name).unwrap().session().unwrap()));
        });
        thread.join().unwrap();
    }
}
