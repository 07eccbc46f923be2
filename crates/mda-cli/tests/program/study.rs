//! Studies as users run them, on the embedded networks and images.

use super::{Bench, asset};
use mda_core::Model;
use mda_core::op::Op;
use mda_formats::native;
use serde_json::Value;
use std::fs::{self, File};
use std::process::Output;

fn recipe(extra: &str) -> String {
    format!(
        "name = 'small'\nseeds = [0, 1]\n[images]\ncalibration = 20\n\
         [source.mnist]\nmodel = '{}'\ndata = '{}'\n\
         [source.fashion]\nmodel = '{}'\ndata = '{}'\n\
         [[disassemble]]\nsource = 'mnist'\ntasks = ['0-2', '7']\nformulations = ['obs']\nrepairs = ['none', 'ridge']\n\
         budgets = ['20%']\ncounts = 'uniform'\nsame-size = ['random']\n{extra}",
        asset("lenet5-mnist.safetensors"),
        asset("mnist"),
        asset("lenet5-fashion-mnist.safetensors"),
        asset("fashion-mnist"),
    )
}

/// A recipe of the MNIST network, on the file `model` of the bench where one is named, and one [[disassemble]].
fn one_source(model: Option<&str>, head: &str, disassemble: &str) -> String {
    let model = model.map_or_else(|| asset("lenet5-mnist.safetensors"), str::to_owned);
    format!(
        "name = 'small'\n{head}\n[images]\ncalibration = 20\n[source.mnist]\nmodel = '{model}'\ndata = '{}'\n\
         [[disassemble]]\nsource = 'mnist'\n{disassemble}\n",
        asset("mnist")
    )
}

const ASSEMBLY: &str = "[[assemble]]\ncomponents = [{ source = 'mnist', task = '0-2' }, { source = 'fashion', task = '3-9' }]\n\
                        rescalings = ['none', 'scale-shift-category']\nuncut = true\n";

/// What is cheap to cut.
const PLAIN: &str = "tasks = ['0-2']\nformulations = ['l1']\nrepairs = ['none']\nbudgets = ['30%']\ncounts = 'uniform'";

const STUDY: [&str; 4] = ["study", "recipe.toml", "--output=out", "--quiet"];

fn rows(bench: &Bench) -> usize {
    bench.read("out/runs.jsonl").lines().count()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs the study, of which a part must fail without a panic; answers what it said and `study.json`.
fn partly(bench: &Bench) -> (String, Vec<Value>) {
    let output = bench.mda(&STUDY);
    let said = said(&output);
    assert!(!output.status.success() && !said.contains("panicked"), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), bench.read("out/study.md"), "{said}");
    (said, serde_json::from_str(&bench.read("out/study.json")).unwrap())
}

fn failures(outcomes: &[Value]) -> Vec<&Value> {
    outcomes.iter().filter(|outcome| outcome["kind"] == "failure").collect()
}

#[test]
fn a_study_is_resumed_and_extended() {
    let bench = Bench::new();
    bench.write("recipe.toml", &recipe(""));
    let first = bench.succeeds(&STUDY);
    assert!(first.contains("source restricted") && first.contains("| random | "), "{first}");
    // Two tasks, two repairs, two seeds, and the random control beside each.
    assert_eq!(rows(&bench), 16);
    assert_eq!(bench.succeeds(&STUDY), first, "nothing is run twice");
    assert_eq!(rows(&bench), 16);
    bench.write("recipe.toml", &recipe(ASSEMBLY));
    let extended = bench.succeeds(&STUDY);
    assert!(extended.contains("## Assembling") && extended.contains("| uncut | "), "{extended}");
    assert_eq!(rows(&bench), 16 + 8);
    assert_eq!(bench.read("out/components.csv").lines().count(), 17);
    assert_eq!(bench.read("out/assemblies.csv").lines().count(), 9);
    assert!(bench.read("out/study.json").contains("\"auroc\""));
}

#[test]
fn a_bad_recipe_fails_before_anything_runs() {
    let bench = Bench::new();
    let refused = |recipe: &str, expected: &str| {
        bench.write("recipe.toml", recipe);
        let message = bench.fails(&["study", "recipe.toml", "--output=out"]);
        assert!(message.contains(expected) && message.contains("recipe.toml"), "{message}");
        assert!(!bench.path("out").exists());
    };
    refused(&recipe("").replace("'obs'", "'obsolete'"), "obsolete");
    refused(&recipe("").replace("[0, 1]", "[0, 1, 0]"), "`seeds` has 0 twice");
    refused(&recipe("").replace("['20%']", "[]"), "`budgets` is empty");
    refused(&recipe("").replace("'7'", "'7-12'"), "the task `7-12` of `mnist`");
    let overlapping = ASSEMBLY.replace("'fashion', task = '3-9'", "'mnist', task = '2-9'");
    refused(&recipe(&overlapping), "the category `2` of `mnist` in two components");
}

#[test]
fn an_impossible_run_leaves_the_others_alone() {
    let bench = Bench::new();
    // One channel a layer is more than 0.01 %, and nothing is above such a threshold.
    let tasks = "tasks = ['0-2']\nformulations = ['obs+l1', 'l1,conv.beta=0.9999999,linear.beta=0.9999999']\nrepairs = ['none']\n\
                 budgets = ['30%', '0.01%', '60%', 'thresholds']\nsame-size = ['random']\n";
    bench.write("recipe.toml", &one_source(None, "", tasks));
    let (said, outcomes) = partly(&bench);
    // Of two formulations with four budgets, and the control beside each: 0.01 % of both, the thresholds of one.
    assert_eq!((rows(&bench), outcomes.len(), failures(&outcomes).len()), (10, 16, 6), "{said}");
    assert!(said.contains("6 of the runs are not to be had:\n  mnist 0-2, l1,conv.beta=0.9999999"), "{said}");
    let table = bench.read("out/study.md");
    assert!(table.contains("## Not to be had") && table.contains("is too little: one channel a layer"), "{table}");
    let too_small = failures(&outcomes).into_iter().filter(|outcome| outcome["run"]["budget"] == "0.01%");
    assert!(too_small.count() == 4 && bench.read("out/components.csv").lines().count() == 11);
    let (again, _) = partly(&bench);
    assert_eq!((again, rows(&bench)), (said, 10), "what is done is not done again, and what failed fails again");
}

#[test]
fn an_impossible_component_leaves_the_other_assemblies_alone() {
    let bench = Bench::new();
    let impossible = ASSEMBLY.replace("rescalings", "formulation = 'l1'\nbudget = '0.01%'\nrescalings");
    let without_cutting = recipe("").split("[[disassemble]]").next().unwrap().to_owned();
    bench.write("recipe.toml", &(without_cutting + &impossible).replace("[0, 1]", "[0]"));
    let (said, outcomes) = partly(&bench);
    assert_eq!((rows(&bench), failures(&outcomes).len()), (2, 2), "{said}");
    assert!(bench.read("out/study.md").contains("| uncut | ") && said.contains("the component mnist 0-2"), "{said}");
}

#[test]
fn two_studies_do_not_share_a_folder_at_once() {
    let bench = Bench::new();
    bench.write("recipe.toml", &one_source(None, "", PLAIN));
    fs::create_dir(bench.path("out")).unwrap();
    let lock = File::create(bench.path("out/lock")).unwrap();
    lock.lock().unwrap();
    let message = bench.fails(&STUDY);
    assert!(message.contains("another study is writing to out") && message.contains("lock"), "{message}");
    assert!(!bench.path("out/runs.jsonl").exists());
    drop(lock);
    let studies = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| bench.mda(&STUDY)));
        both.map(|study| study.join().unwrap())
    });
    // The second may come when the first is through.
    let refused = |study: &Output| !study.status.success() && said(study).contains("another study");
    assert!(studies.iter().any(|study| study.status.success()), "{}", said(&studies[0]));
    assert!(studies.iter().all(|study| study.status.success() || refused(study)), "{}", said(&studies[1]));
    assert_eq!(rows(&bench), 1, "no run is there twice");
}

#[test]
fn rows_that_are_there_twice_count_once() {
    let bench = Bench::new();
    bench.write("recipe.toml", &one_source(None, "", PLAIN));
    let once = bench.succeeds(&STUDY);
    bench.write("out/runs.jsonl", &bench.read("out/runs.jsonl").repeat(2));
    let twice = bench.succeeds(&STUDY);
    assert!(!twice.contains('±'), "{twice}");
    assert_eq!(twice, once);
}

/// The network with another normalisation.
fn renormalised(model: &Model) -> Model {
    let mut graph = model.graph().to_graph();
    let normalize = graph.nodes.iter_mut().find_map(|node| match &mut node.op {
        Op::Normalize(normalize) => Some(normalize),
        _ => None,
    });
    normalize.unwrap().mean.iter_mut().for_each(|mean| *mean += 0.4);
    let (parameters, categories) = (model.parameters().clone(), model.categories().to_vec());
    Model::new(model.name(), graph.validate().unwrap(), parameters, categories).unwrap()
}

#[test]
fn runs_of_an_edited_normalisation_are_done_again() {
    let bench = Bench::new();
    let model = native::read(asset("lenet5-mnist.safetensors").as_ref()).unwrap();
    let path = bench.path("model.safetensors");
    native::write(&model, &path).unwrap();
    bench.write("recipe.toml", &one_source(Some("model.safetensors"), "", PLAIN));
    let before = bench.succeeds(&STUDY);
    native::write(&renormalised(&model), &path).unwrap();
    let output = bench.mda(&STUDY[..3]);
    assert!(output.status.success() && said(&output).contains("1 of the runs in out"), "{}", said(&output));
    assert_ne!(String::from_utf8_lossy(&output.stdout), before);
    assert_eq!(rows(&bench), 2);
    native::write(&model, &path).unwrap();
    assert_eq!(bench.succeeds(&STUDY), before, "the first network's runs are still there");
    assert_eq!(rows(&bench), 2);
    // A source more is no other source.
    let more = one_source(Some("model.safetensors"), "", PLAIN).replace(
        "[[disassemble]]",
        &format!(
            "[source.fashion]\nmodel = '{}'\ndata = '{}'\n[[disassemble]]",
            asset("lenet5-fashion-mnist.safetensors"),
            asset("fashion-mnist")
        ),
    );
    bench.write("recipe.toml", &more);
    assert_eq!((bench.succeeds(&STUDY), rows(&bench)), (before, 2));
}

/// What a disk that is full leaves behind, here a process that may write no byte, does not keep the study from going on.
#[cfg(unix)]
#[test]
fn a_study_goes_on_after_the_disk_was_full() {
    let bench = Bench::new();
    bench.write("recipe.toml", &one_source(None, "", PLAIN));
    let limited = format!("trap '' XFSZ; ulimit -f 0; exec '{}' {}", env!("CARGO_BIN_EXE_mda"), STUDY.join(" "));
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", &limited]).current_dir(bench.path("")).env_remove("MDA_BACKEND").output().unwrap();
    let message = said(&output);
    assert!(
        !output.status.success() && message.contains("error: writing out") && !message.contains("panicked"),
        "{message}"
    );
    assert!(!message.contains("not to be had"), "a full disk is no property of a run: {message}");
    bench.succeeds(&STUDY);
    assert_eq!(rows(&bench), 1);
}

#[test]
fn a_study_that_decides_something_needs_no_test_images() {
    let bench = Bench::new();
    fs::create_dir(bench.path("mnist")).unwrap();
    for file in ["categories.txt", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"] {
        fs::copy(format!("{}/{file}", asset("mnist")), bench.path("mnist").join(file)).unwrap();
    }
    let recipe = one_source(None, "measure = 'validation'", PLAIN).replace(&asset("mnist"), "mnist");
    bench.write("recipe.toml", &recipe);
    let text = bench.succeeds(&STUDY);
    assert!(text.contains("validation images") && !text.contains("test images"), "{text}");
    bench.write("recipe.toml", &(recipe + ASSEMBLY));
    let message = bench.fails(&STUDY);
    assert!(message.contains("is for [[disassemble]] only"), "{message}");
}
