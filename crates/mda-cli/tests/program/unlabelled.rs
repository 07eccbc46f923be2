//! Components from images that nobody has labelled.

use super::{Bench, asset, predict};
use serde_json::Value;

#[test]
fn a_folder_of_images_is_enough() {
    let bench = Bench::new();
    let positions: Vec<usize> = (0..2000).step_by(4).collect();
    let (first, second) = positions.split_at(250);
    predict::images(&bench, "frames/monday", first);
    predict::images(&bench, "frames/tuesday", second);
    bench.write("frames/notes.txt", "not an image");
    let model = asset("lenet5-fashion-mnist.safetensors");
    let arguments = ["disassemble", &model, "--data=frames", "--unlabelled", "--keep-params=40%", "--task=0-3"];
    let said = bench.succeeds(&[&arguments[..], &["-o=c.safetensors"]].concat());
    assert!(said.contains("labelled images tell: mda evaluate c.safetensors --data"), "{said}");
    assert!(!said.contains("accuracy"), "nothing is measured: {said}");
    let data = format!("--data={}", asset("fashion-mnist"));
    let measured: Value = bench.succeeds(&["evaluate", "c.safetensors", &data, "--json"]).parse().unwrap();
    let accuracy = measured["accuracy"].as_f64().unwrap();
    assert!(accuracy > 85.0, "{accuracy}");
}

#[test]
fn what_cannot_be_done_without_labels_is_told() {
    let bench = Bench::new();
    let model = asset("lenet5-mnist.safetensors");
    std::fs::create_dir(bench.path("empty")).unwrap();
    let arguments = ["disassemble", &model, "--unlabelled", "--task=0-2", "-o=c.safetensors"];
    let said = bench.fails(&[&arguments[..], &["--data=empty"]].concat());
    assert!(said.contains("no .jpg, .jpeg or .png file in it or in the folders below"), "{said}");
    // The source takes each of a few for something, but none for some category.
    predict::images(&bench, "few", &[0, 1, 2]);
    let said = bench.fails(&[&arguments[..], &["--data=few"]].concat());
    assert!(said.contains("error: the data has no image of category"), "{said}");
    let said = bench.fails(&[&arguments[..], &["--data=few", "--report=r.html"]].concat());
    assert!(said.contains("cannot be used with"), "{said}");
    assert!(!bench.path("c.safetensors").exists());
}
