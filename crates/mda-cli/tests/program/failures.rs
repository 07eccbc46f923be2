//! Bad input: a clear error, a non-zero exit, nothing left behind.

use super::{Bench, asset};
use mda_core::Tensor;
use mda_core::graph::Graph;
use mda_core::op::{Conv2d, Flatten, GlobalAvgPool, Input};
use mda_core::{Model, graph::Parameters};
use mda_data::{Split, write_categories, write_idx};
use mda_formats::native;
use std::fs;

/// `mda disassemble` of the embedded MNIST network with changes.
fn disassemble(bench: &Bench, changed: &[&str]) -> String {
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let mut arguments = vec!["disassemble", &model, &data, "--output=out.safetensors"];
    arguments.extend(changed);
    let said = bench.fails(&arguments);
    assert!(!bench.path("out.safetensors").exists(), "something was left behind: {said}");
    said
}

#[test]
fn files_that_are_not_there_or_broken() {
    let bench = Bench::new();
    let said = bench.fails(&["inspect", "nowhere.safetensors"]);
    assert!(said.contains("nowhere.safetensors") && said.contains("No such file"), "{said}");
    let whole = fs::read(asset("lenet5-mnist.safetensors")).unwrap();
    fs::write(bench.path("cut"), &whole[..whole.len() / 2]).unwrap();
    let said = bench.fails(&["inspect", "cut"]);
    assert!(said.contains("cut off") && said.contains("248024 bytes"), "{said}");
    fs::write(bench.path("text"), "these are not weights").unwrap();
    for command in [&["inspect", "text"][..], &["import", "text", "--output", "out"]] {
        let said = bench.fails(command);
        assert!(said.contains("text"), "{said}");
    }
    assert!(!bench.path("out").exists());
}

#[test]
fn a_checkpoint_of_another_architecture_names_every_mismatch() {
    let bench = Bench::new();
    let checkpoint = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/lenet5-mnist/lenet5-mnist.pth");
    let said = bench.fails(&["import", checkpoint, "--arch", "vgg11", "--output", "out"]);
    for name in ["conv1.weight", "fc2.bias", "features.0.weight", "classifier.6.bias"] {
        assert!(said.contains(name), "{name} is not in: {said}");
    }
    assert!(!bench.path("out").exists());
}

#[test]
fn weights_that_are_not_numbers() {
    let bench = Bench::new();
    let mut bytes = fs::read(asset("lenet5-mnist.safetensors")).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(bench.path("nan.safetensors"), bytes).unwrap();
    let said = bench.fails(&["inspect", "nan.safetensors"]);
    assert!(said.contains("NaN") && said.contains("position"), "{said}");
}

#[test]
fn categories_that_do_not_exist() {
    let bench = Bench::new();
    let said = disassemble(&bench, &["--task=7-12"]);
    assert!(said.contains("7-12") && said.contains("0 to 9"), "{said}");
    let said = disassemble(&bench, &["--task=,"]);
    assert!(said.contains("at least one category"), "{said}");
}

#[test]
fn data_without_images_of_a_category() {
    let bench = Bench::new();
    let folder = bench.path("mnist");
    for split in [Split::Train, Split::Test] {
        let labels: Vec<u8> = (0..40).map(|n| [0, 1, 3][n % 3]).collect();
        write_idx(&folder, split, &[7; 40 * 16], 4, 4, &labels).unwrap();
    }
    write_categories(&folder, &["0", "1", "2", "3"]).unwrap();
    let model = asset("lenet5-mnist.safetensors");
    let said = bench.fails(&["disassemble", &model, "--data=mnist", "--task=0-3", "--output=out"]);
    assert!(said.contains("\"2\"") || said.contains("`2`"), "the empty category is named: {said}");
    assert!(!bench.path("out").exists());
}

#[test]
fn images_with_other_channels_than_the_model_takes() {
    let bench = Bench::new();
    let mut graph = Graph::new();
    let input = graph.push("input", Input { channels: 4, height: 8, width: 8 }, &[]);
    let conv = graph.push("conv", Conv2d::dense(10, 3, 1, 1, false), &[&input]);
    let pool = graph.push("pool", GlobalAvgPool {}, &[&conv]);
    graph.push("flatten", Flatten {}, &[&pool]);
    let weight = Tensor::new([10, 4, 3, 3], vec![0.5; 360]).unwrap();
    let parameters: Parameters = [("conv.weight", weight)].into_iter().collect();
    let names = (0..10).map(|k| k.to_string()).collect();
    let model = Model::new("four", graph.validate().unwrap(), parameters, names).unwrap();
    native::write(&model, &bench.path("four.safetensors")).unwrap();
    let data = format!("--data={}", asset("mnist"));
    let said = bench.fails(&["evaluate", "four.safetensors", &data]);
    assert!(said.contains("[4, 8, 8]") && said.contains("1 or 3"), "{said}");
}

#[test]
fn thresholds_that_empty_a_layer() {
    let bench = Bench::new();
    let said = disassemble(&bench, &["--task=0-2", "--beta=0.99999"]);
    assert!(said.contains("nothing of") && said.contains("0.99999") && said.contains("hint:"), "{said}");
    let said = disassemble(&bench, &["--task=0-2", "--alpha=1.5"]);
    assert!(said.contains("0.0..1.0") && said.contains("1.5"), "{said}");
}

#[test]
fn outputs_that_cannot_be_written() {
    let bench = Bench::new();
    fs::write(bench.path("file"), "in the way").unwrap();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let said = bench.fails(&["disassemble", &model, &data, "--task=0-2", "--output=file/out"]);
    assert!(said.contains("file/out"), "{said}");
    let said = bench.fails(&["demo", "--output=file"]);
    assert!(said.contains("file"), "{said}");
}

#[test]
fn names_that_nothing_has() {
    let bench = Bench::new();
    let data = format!("--data={}", asset("fashion-mnist"));
    let model = asset("lenet5-mnist.safetensors");
    let said = bench.fails(&["evaluate", &model, &data]);
    assert!(said.contains("none of the model's categories") && said.contains("hint:"), "{said}");
    let said = disassemble(&bench, &["--task=0-2", "--formulation=magic"]);
    assert!(said.contains("magic") && said.contains("model-lego"), "{said}");
    let said = disassemble(&bench, &["--task=0-2", "--formulation=obs+l1"]);
    assert!(said.contains("obs+l1 are 2 formulations") && said.contains("--keep-params"), "{said}");
    let said = disassemble(&bench, &["--task=0-2", "--formulation=obs+magic", "--keep-params=30%"]);
    assert!(said.contains("magic") && said.contains("model-lego"), "{said}");
    let said = disassemble(&bench, &["--task=0-2", "--repair=glue"]);
    assert!(said.contains("glue") && said.contains("ridge"), "{said}");
    let said = disassemble(&bench, &["--task=0-2", "--backend=abacus"]);
    assert!(said.contains("abacus") && said.contains("cpu"), "{said}");
    let said = disassemble(&bench, &["--task=0-2", "--backend=cpu:7"]);
    assert!(said.contains('7'), "{said}");
}
