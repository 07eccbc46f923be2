//! Which images a command looks at, what it says of those that it leaves out, and that nothing else decides.

use super::{Bench, asset};
use mda_data::{Split, write_categories, write_idx};

/// Grey images in the folder `data`, as many of every label of `names` as `counts` says.
fn put_images(bench: &Bench, split: Split, names: &[&str], counts: &[usize]) {
    let labels: Vec<u8> =
        counts.iter().enumerate().flat_map(|(label, &count)| std::iter::repeat_n(label as u8, count)).collect();
    let shade = |(n, label): (usize, &u8)| vec![label * 40 + (n % 16) as u8; 64];
    let pixels: Vec<u8> = labels.iter().enumerate().flat_map(shade).collect();
    let folder = bench.path("data");
    write_idx(&folder, split, &pixels, 8, 8, &labels).unwrap();
    write_categories(&folder, names).unwrap();
}

/// What `mda` says on stderr where it succeeds.
fn notes(bench: &Bench, arguments: &[&str]) -> String {
    let output = bench.mda(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "mda {arguments:?}: {said}");
    said
}

#[test]
fn batches_and_threads_decide_nothing() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-fashion-mnist.safetensors"), format!("--data={}", asset("fashion-mnist")));
    let mut files = Vec::new();
    for flags in [["--batch=1", "--threads=1"], ["--batch=64", "--threads=2"], ["--batch=7", "--threads=1"]] {
        let arguments = ["disassemble", &model, &data, "--task=3-9", "--no-evaluate", "--top-k=20", "-o=c"];
        let budget = ["--keep-params=25%", "--calibration=30"];
        bench.succeeds(&[&arguments[..], &budget, &flags].concat());
        files.push(std::fs::read(bench.path("c")).unwrap());
    }
    assert!(files.iter().all(|file| *file == files[0]), "the component is the same, bit for bit");
}

#[test]
fn a_rare_category_beside_the_task_spoils_nothing() {
    let bench = Bench::new();
    put_images(&bench, Split::Train, &["0", "1", "2"], &[60, 60, 2]);
    let model = asset("lenet5-mnist.safetensors");
    let arguments = ["disassemble", &model, "--data=data", "--no-evaluate", "--max-drop=1", "-o=c", "--json"];
    let text = bench.succeeds(&[&arguments[..], &["--task=0,1"]].concat());
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(report["budget"]["chosen"]["quality"]["accuracy"].as_f64().unwrap() > 0.0, "images were left to choose by");
    let said = bench.fails(&[&arguments[..], &["--task=1,2"]].concat());
    assert!(said.contains("category \"2\" has 2 train images") && said.contains("hint:"), "{said}");
}

#[test]
fn what_a_component_does_not_look_at_is_noted_once() {
    let bench = Bench::new();
    put_images(&bench, Split::Train, &["0", "1", "x"], &[12, 12, 5]);
    let model = asset("lenet5-mnist.safetensors");
    let cut = |task: &str, output: &str| {
        let (task, output) = (format!("--task={task}"), format!("-o={output}"));
        notes(
            &bench,
            &[
                "disassemble",
                &model,
                "--data=data",
                &task,
                &output,
                "--no-evaluate",
                "--formulation=l1",
                "--keep-params=50%",
            ],
        )
    };
    let said = cut("0", "a") + &cut("1", "b");
    assert_eq!(
        said.matches("note: data: 5 images of 1 category that the model lacks left out, such as `x`").count(),
        2
    );
    put_images(&bench, Split::Test, &["0", "1", "x"], &[2, 2, 2]);
    let said = notes(&bench, &["assemble", "a", "b", "--data=data", "--data=data", "-o=both"]);
    assert_eq!(said.matches("5 images of 1 category that the model lacks left out").count(), 1, "{said}");
    assert!(said.contains("calibrate (200 were asked for)"), "few images are told: {said}");
}

#[test]
fn components_of_one_source_have_names_of_their_own() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    for (task, output, name) in
        [("--task=0-2", "a", None), ("--task=2-4", "b", None), ("--task=2-4", "c", Some("mine"))]
    {
        let output = format!("-o={output}");
        let mut arguments =
            vec!["disassemble", &model, &data, task, &output, "--no-evaluate", "--formulation=l1", "--keep-params=50%"];
        arguments.extend(name.map(|_| "--name=mine"));
        bench.succeeds(&arguments);
    }
    bench.succeeds(&["assemble", "a", "b", "--prefix-categories", "-o=both"]);
    let shown = bench.succeeds(&["inspect", "both"]);
    assert!(shown.contains("lenet5-mnist-0-2:2") && shown.contains("lenet5-mnist-2-4:2"), "{shown}");
    assert!(bench.succeeds(&["inspect", "c"]).starts_with("mine: "));
}

#[test]
fn a_component_of_other_images_is_told_when_it_is_assembled() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    for (task, output) in [("--task=0", "-o=a"), ("--task=1", "-o=b")] {
        bench.succeeds(&[
            "disassemble",
            &model,
            &data,
            task,
            output,
            "--no-evaluate",
            "--formulation=l1",
            "--keep-params=50%",
        ]);
    }
    put_images(&bench, Split::Train, &["0", "1"], &[12, 12]);
    put_images(&bench, Split::Test, &["0", "1"], &[2, 2]);
    let said = notes(&bench, &["assemble", "a", "b", "--data=data", "--data=data", "-o=both"]);
    assert_eq!(said.matches("was made of other images than those given here").count(), 2, "{said}");
}
