//! Predictions for image files.

use super::{Bench, asset};
use mda_data::{DataSet, Preparation, Split};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes the test images at `positions` as PNG files and answers their labels.
pub(super) fn images(bench: &Bench, folder: &str, positions: &[usize]) -> Vec<usize> {
    let test = DataSet::open(Path::new(&asset("fashion-mnist")), Split::Test).unwrap();
    let prepared = test.prepare(Preparation::new(1, 28, 28).unwrap());
    std::fs::create_dir_all(bench.path(folder)).unwrap();
    for position in positions {
        let pixels = prepared.pixels(*position).unwrap();
        let file = std::fs::File::create(bench.path(folder).join(format!("{position:04}.png"))).unwrap();
        let mut encoder = png::Encoder::new(file, 28, 28);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&pixels.data).unwrap();
    }
    positions.iter().map(|&position| prepared.set().labels()[position]).collect()
}

#[test]
fn images_are_told_with_probabilities() {
    let bench = Bench::new();
    let positions: Vec<usize> = (0..2000).step_by(200).collect();
    let labels = images(&bench, "images", &positions);
    let model = asset("lenet5-fashion-mnist.safetensors");
    let told: Value = serde_json::from_str(&bench.succeeds(&["predict", &model, "images", "--json", "-q"])).unwrap();
    let rows = told["images"].as_array().unwrap();
    let names: Vec<String> = bench.succeeds(&["inspect", &model, "--json"]).parse::<Value>().unwrap()["categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    let right =
        rows.iter().zip(&labels).filter(|(row, label)| row["categories"][0]["category"] == names[**label].as_str());
    assert!(right.count() >= 8, "{told}");
    for row in rows {
        let of = |rank: usize| row["categories"][rank]["probability"].as_f64().unwrap();
        assert!(of(0) >= of(1) && of(1) >= of(2) && of(0) <= 1.0, "{row}");
    }
    let table = bench.succeeds(&["predict", &model, "images/0000.png", "images/0200.png", "--top=1"]);
    assert!(table.contains("images/0000.png") && table.contains("category"), "{table}");
}

#[test]
fn lists_come_from_stdin_and_what_is_no_image_is_told() {
    let bench = Bench::new();
    images(&bench, "images", &[0, 1]);
    bench.write("images/not.png", "no image");
    let mut child = Command::new(env!("CARGO_BIN_EXE_mda"))
        .args(["predict", &asset("lenet5-fashion-mnist.safetensors"), "-"])
        .current_dir(bench.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"images/0000.png\n\nimages/not.png\nimages/0001.png\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(out.contains("0000.png") && out.contains("0001.png") && !out.contains("not.png"), "{out}");
    assert!(
        said.contains("not.png") && said.contains("1 of 3 files could not be read") && said.contains("a second"),
        "{said}"
    );
    assert!(!output.status.success());
    let said = bench.fails(&["predict", &asset("lenet5-fashion-mnist.safetensors"), "none"]);
    assert!(said.contains("none"), "{said}");
}
