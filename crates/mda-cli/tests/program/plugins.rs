//! Backends in libraries of their own: where they are found, which one wins, and what a broken one does.

use super::{Bench, asset};
use mda_testkit::cdylib;
use serde_json::Value;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::process::Output;

/// The folder `plugins` of a bench with the plugin of the CPU backend and one that is broken.
fn plugins(bench: &Bench) -> String {
    fs::create_dir(bench.path("plugins")).unwrap();
    let file = |name: &str| bench.path("plugins").join(format!("{DLL_PREFIX}mda_plugin_{name}{DLL_SUFFIX}"));
    fs::copy(&cdylib::libraries()["mda_plugin_cpu"], file("cpu")).unwrap();
    fs::write(file("broken"), "not a library").unwrap();
    file("cpu").display().to_string()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

fn backends(bench: &Bench, arguments: &[&str]) -> Vec<Value> {
    let output = bench.mda_where(&[("MDA_PLUGIN_PATH", "plugins")], &[&["backends", "--json"], arguments].concat());
    assert!(output.status.success(), "{}", text(&output));
    let Value::Array(rows) = serde_json::from_slice(&output.stdout).unwrap() else { panic!("a list") };
    rows
}

#[test]
fn backends_are_listed_with_their_origin_and_what_is_missing() {
    let bench = Bench::new();
    let file = plugins(&bench);
    let find = |rows: &[Value], name: &str, from: &str| {
        let row = rows.iter().find(|row| row["backend"] == name && row["from"] == from);
        row.unwrap_or_else(|| panic!("no `{name}` from {from} in {rows:?}")).clone()
    };
    let rows = backends(&bench, &[]);
    let (built_in, plugin) = (find(&rows, "cpu", "built-in"), find(&rows, "cpu", "plugin"));
    assert_eq!((&built_in["selected"], &plugin["selected"]), (&true.into(), &false.into()));
    assert_eq!((&built_in["hidden"], &plugin["hidden"]), (&false.into(), &true.into()));
    assert_eq!(plugin["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(plugin["devices"][0]["device"], "cpu");
    let broken = find(&rows, "broken", "plugin");
    assert!(broken["unavailable"].as_str().unwrap().contains("not a library"), "{broken}");
    assert_eq!((&broken["selected"], &broken["version"]), (&false.into(), &Value::Null));
    let rows = backends(&bench, &["--plugin", &file]);
    assert_eq!((&rows[0]["from"], &rows[0]["selected"]), (&"plugin".into(), &true.into()));
    assert_eq!(find(&rows, "cpu", "built-in")["selected"], false);
    let selected = |arguments: &[&str]| {
        let rows = backends(&bench, arguments).into_iter().filter(|row| row["selected"] == true);
        rows.map(|row| format!("{} {}", row["backend"], row["from"])).collect::<Vec<_>>()
    };
    assert_eq!(selected(&[]), ["\"cpu\" \"built-in\""], "one runs");
    assert_eq!(selected(&["--backend=reference"]), ["\"reference\" \"built-in\""]);
    assert_eq!(selected(&["--plugin", &file, "--backend=cpu:cpu"]), ["\"cpu\" \"plugin\""]);
    assert_eq!(selected(&["--backend=abacus"]), [""; 0], "what is not there");
    assert_eq!(selected(&["--plugin=nowhere.so"]), [""; 0], "the default would be a plugin that cannot be loaded");
    let shown = bench.mda_where(&[("MDA_PLUGIN_PATH", "plugins")], &["backends"]);
    let shown = text(&shown);
    assert!(shown.contains("this build") && shown.contains("--plugin selects it"), "{shown}");
    assert!(shown.contains("Not available:\nbroken: plugin plugins"), "{shown}");
}

#[test]
fn a_plugin_gives_the_results_of_the_backend_that_it_holds() {
    let bench = Bench::new();
    let file = plugins(&bench);
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let evaluate = ["evaluate", &model, &data, "--json", "--quiet"];
    let inside = untimed(&bench.succeeds(&evaluate));
    let through = bench.succeeds(&[&evaluate[..], &["--plugin", &file, "--threads=1"]].concat());
    assert_eq!(untimed(&through), inside);
    // A plugin that nobody asks for is not loaded, broken or not.
    let beside = bench.mda_where(&[("MDA_PLUGIN_PATH", "plugins"), ("MDA_BACKEND", "cpu:cpu")], &evaluate);
    assert_eq!(untimed(&text(&beside)), inside);
}

/// A report without what differs from run to run.
fn untimed(report: &str) -> Value {
    let mut report: Value = serde_json::from_str(report).unwrap();
    report.as_object_mut().unwrap().remove("timings");
    report
}

#[test]
fn a_plugin_that_is_asked_for_has_to_work() {
    let bench = Bench::new();
    plugins(&bench);
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let refused = |backend: &str, more: &[&str]| {
        let variables = [("MDA_PLUGIN_PATH", "plugins"), ("MDA_BACKEND", backend)];
        let output = bench.mda_where(&variables, &[&["evaluate", &model, &data], more].concat());
        assert!(!output.status.success() && output.stdout.is_empty(), "{}", text(&output));
        text(&output)
    };
    let said = refused("broken", &[]);
    assert!(said.contains("mda_plugin_broken") && said.contains("not a library"), "{said}");
    let said = refused("abacus", &[]);
    assert!(said.contains("`abacus`") && said.contains("cpu") && said.contains("hint:"), "{said}");
    let said = refused("cpu", &["--plugin=nowhere.so"]);
    assert!(said.contains("plugin nowhere.so: cannot be read"), "{said}");
    let said = refused("cpu:tpu:3", &[]);
    assert!(said.contains("no device `tpu:3`"), "{said}");
}

#[test]
fn a_plugin_named_after_another_backend_is_refused() {
    let bench = Bench::new();
    let file = plugins(&bench);
    fs::rename(&file, file.replace("plugin_cpu", "plugin_gpu")).unwrap();
    let output = bench.mda_where(
        &[("MDA_PLUGIN_PATH", "plugins"), ("MDA_BACKEND", "gpu")],
        &["evaluate", &asset("lenet5-mnist.safetensors"), "--data", &asset("mnist")],
    );
    assert!(!output.status.success() && text(&output).contains("has `cpu`"), "{}", text(&output));
}

#[test]
fn a_plugin_that_panics_is_an_error_without_a_backtrace() {
    let bench = Bench::new();
    let file = cdylib::libraries()["panicking"].display().to_string();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let arguments = ["evaluate", &model, &data, "--quiet", "--plugin", &file];
    let output = bench.mda_where(&[("RUST_BACKTRACE", "full")], &arguments);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: backend `panicking`: the plugin panicked: panicked in run"), "{said}");
    assert!(!said.contains("backtrace") && said.lines().count() <= 2, "{said}");
}

#[test]
fn completions_and_manual_pages() {
    let bench = Bench::new();
    let bash = bench.succeeds(&["completions", "bash"]);
    // Values that have names, too.
    for known in ["disassemble", "model-lego", "batch-norm", "fashion-mnist", "reference", "vgg16_bn_cifar"] {
        assert!(bash.contains(known), "completions do not know {known}");
    }
    bench.succeeds(&["manual", "--output=man"]);
    let page = fs::read_to_string(bench.path("man/mda-disassemble.1")).unwrap();
    assert!(page.contains("keep\\-params") && bench.path("man/mda.1").exists());
}
