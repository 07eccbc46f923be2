//! What comes in from other programs, and what a model file keeps on its way.

use super::{Bench, asset};
use mda_core::graph::Graph;
use mda_core::op::{Conv2d, Flatten, GlobalAvgPool, Input, Normalize};
use mda_core::tensor::Parameters;
use mda_core::{Model, Tensor};
use mda_formats::{native, onnx};
use serde_json::{Value, json};
use std::fs;

fn inspected(bench: &Bench, model: &str) -> Value {
    serde_json::from_str(&bench.succeeds(&["inspect", model, "--json"])).unwrap()
}

/// A network of ten categories over images of `channels` channels.
fn network(channels: usize, normalize: Option<Normalize>) -> Model {
    let mut graph = Graph::new();
    let mut value = graph.push("input", Input { channels, height: 8, width: 8 }, &[]);
    if let Some(normalize) = normalize {
        value = graph.push("head", normalize, &[&value]);
    }
    let conv = graph.push("conv", Conv2d::dense(10, 3, 1, 1, false), &[&value]);
    let pool = graph.push("pool", GlobalAvgPool {}, &[&conv]);
    graph.push("flatten", Flatten {}, &[&pool]);
    let numbers = (0..90 * channels).map(|n| (n % 7) as f32 / 7.0 - 0.5).collect();
    let weight = Tensor::new([10, channels, 3, 3], numbers).unwrap();
    let parameters: Parameters = [("conv.weight", weight)].into_iter().collect();
    let names = (0..10).map(|k| format!("category {k}")).collect();
    Model::new("network", graph.validate().unwrap(), parameters, names).unwrap()
}

fn exported(bench: &Bench, name: &str, model: &Model) {
    onnx::export(model, &bench.path(name)).unwrap();
}

#[test]
fn a_model_file_stays_what_it_is() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let cut = ["disassemble", &model, &data, "--task=0-2", "--keep-params=30%", "--output=c.safetensors"];
    bench.succeeds(&[&cut[..], &["--formulation=l1", "--no-evaluate"]].concat());
    bench.succeeds(&["import", "c.safetensors", "-o", "again.safetensors"]);
    assert_eq!(fs::read(bench.path("c.safetensors")).unwrap(), fs::read(bench.path("again.safetensors")).unwrap());

    bench.write("names.txt", "\u{feff}zero\r\none\r\ntwo\r\n");
    let told = ["import", "c.safetensors", "--name=digits", "--preset=mnist", "--categories=names.txt", "-o=named"];
    let said = bench.succeeds(&told);
    assert!(said.contains("--preset mnist changes nothing") && said.contains("--categories takes the place"), "{said}");
    let (before, after) = (inspected(&bench, "c.safetensors"), inspected(&bench, "named"));
    assert_eq!((&after["name"], &after["categories"]), (&json!("digits"), &json!(["zero", "one", "two"])));
    assert!(after["provenance"].is_object());
    for kept in ["provenance", "layers", "input"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    for flags in [&["--mean=0.5", "--std=0.5"][..], &["--range=0-255"], &["--arch=lenet5"], &["--input=32x32"]] {
        let said = bench.fails(&[&["import", "c.safetensors", "-o", "out"][..], flags].concat());
        assert!(said.contains("leave out --arch"), "{said}");
    }
}

#[test]
fn a_flipped_weight_is_an_error() {
    let bench = Bench::new();
    let flip = |name: &str| {
        let path = bench.path(name);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    native::write(&network(1, None), &bench.path("m")).unwrap();
    bench.succeeds(&["inspect", "m"]);
    flip("m");
    for command in [&["inspect", "m"][..], &["import", "m", "-o", "out"]] {
        let said = bench.fails(command);
        assert!(said.contains("m: the tensors have the SHA-256") && said.contains("hint:"), "{said}");
    }
    assert!(!bench.path("out").exists());
}

#[test]
fn a_preset_fits_the_channels_or_says_why_not() {
    let bench = Bench::new();
    exported(&bench, "grey.onnx", &network(1, None));
    exported(&bench, "colour.onnx", &network(3, None));
    let head = |file: &str, flags: &[&str]| {
        bench.succeeds(&[&["import", file, "-o", "m"][..], flags].concat());
        let layer = inspected(&bench, "m")["layers"][1].clone();
        (layer["mean"].clone(), layer["std"].clone())
    };
    assert_eq!(head("grey.onnx", &["--preset=mnist"]), (json!([0.5]), json!([0.5])));
    assert_eq!(head("colour.onnx", &["--preset=mnist"]), (json!([0.5, 0.5, 0.5]), json!([0.5, 0.5, 0.5])));
    assert_eq!(head("colour.onnx", &["--mean=0.25", "--std=0.5"]).0, json!([0.25, 0.25, 0.25]));
    assert_eq!(head("colour.onnx", &["--preset=cifar10"]).0.as_array().unwrap().len(), 3);
    let said = bench.fails(&["import", "grey.onnx", "--preset=cifar10", "-o=out"]);
    assert!(said.contains("1 means and stds, got (3, 3)") && said.contains("colour images has three"), "{said}");
    assert!(!bench.path("out").exists());
}

#[test]
fn weights_of_one_channel_take_a_grey_preset() {
    let bench = Bench::new();
    // A LeNet-5 over grey images, as `torch.save` would have its entries.
    let shapes: [(&str, &[usize]); 10] = [
        ("conv1.weight", &[6, 1, 5, 5]),
        ("conv1.bias", &[6]),
        ("conv2.weight", &[16, 6, 5, 5]),
        ("conv2.bias", &[16]),
        ("fc1.weight", &[120, 400]),
        ("fc1.bias", &[120]),
        ("fc2.weight", &[84, 120]),
        ("fc2.bias", &[84]),
        ("fc.weight", &[10, 84]),
        ("fc.bias", &[10]),
    ];
    let (mut header, mut data) = (serde_json::Map::new(), Vec::<u8>::new());
    for (name, shape) in shapes {
        let start = data.len();
        data.extend((0..shape.iter().product::<usize>()).flat_map(|n| ((n % 5) as f32 / 50.0).to_le_bytes()));
        header.insert(name.into(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] }));
    }
    let header = Value::Object(header).to_string();
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat();
    fs::write(bench.path("grey.safetensors"), file).unwrap();
    fn import<'a>(flags: &[&'a str]) -> Vec<&'a str> {
        [&["import", "grey.safetensors", "-o", "m"][..], flags].concat()
    }
    bench.succeeds(&import(&["--preset=fashion-mnist"]));
    let report = inspected(&bench, "m");
    assert_eq!((&report["layers"][1]["mean"], &report["categories"][9]), (&json!([0.5]), &json!("Ankle boot")));
    let shown = bench.succeeds(&["inspect", "m"]);
    assert!(shown.contains("normalize: mean 0.5, standard deviation 0.5"), "{shown}");
    let said = bench.fails(&import(&["--preset=cifar10"]));
    assert!(said.contains("--preset cifar10 give 3 means") && said.contains("1 channel"), "{said}");
    let said = bench.succeeds(&import(&["--range=0-255", "--preset=mnist"]));
    assert!(said.contains("0-255, as asked for") && said.contains("left out"), "{said}");
    let first = |of: &str| inspected(&bench, "m")["layers"][1][of][0].as_f64().unwrap();
    // The report has the shortest digits that give the f32 back.
    assert!((first("std") - 1.0 / 255.0).abs() < 1e-9);
    bench.succeeds(&import(&["--range=0-255", "--mean=51", "--std=102"]));
    assert_eq!((first("mean"), first("std")), (0.2, 0.4));
    bench.succeeds(&import(&[]));
    assert!(bench.succeeds(&["inspect", "m"]).contains("not normalised"));
}

#[test]
fn the_range_that_is_assumed_is_told_and_can_be_another() {
    let bench = Bench::new();
    let foreign = concat!(env!("CARGO_MANIFEST_DIR"), "/../mda-formats/tests/fixtures/onnx/plain.script.onnx");
    let said = bench.succeeds(&["import", foreign, "-o", "m"]);
    assert!(said.contains("assumed to go into the file's graph in the range 0-1"), "{said}");
    exported(&bench, "m.onnx", &network(3, Some(Normalize { mean: vec![0.0; 3], std: vec![255.0; 3] })));
    bench.succeeds(&["import", "m.onnx", "--range=0-255", "-o", "m"]);
    assert_eq!(inspected(&bench, "m")["layers"][1]["std"], json!([1.0, 1.0, 1.0]));
    let said = bench.mda(&["import", "m.onnx", "--range=0-100", "-o", "m"]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("0-255"));
}

#[test]
fn tiny_imagenet_has_names() {
    let bench = Bench::new();
    let said = bench.succeeds(&["import", &asset("lenet5-mnist.safetensors"), "-o", "m"]);
    assert!(said.contains("categories: 0, 1, 2"), "{said}");
    exported(&bench, "ten.onnx", &network(3, None));
    let said = bench.succeeds(&["import", "ten.onnx", "--preset=tiny-imagenet-32", "-o", "m"]);
    assert!(said.contains("names 200 categories, the model has 10") && said.contains("category 0"), "{said}");
}
