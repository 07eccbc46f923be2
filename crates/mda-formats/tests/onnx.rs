//! Networks as PyTorch's exporters write them, against the logits that PyTorch computes.

use mda_core::op::Op;
use mda_core::{Model, Tensor};
use mda_formats::onnx::{self, ImportOptions, Imported};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx").join(name)
}

/// The images and logits of a network.
fn expected(network: &str) -> (Tensor, Vec<f32>) {
    #[derive(serde::Deserialize)]
    struct Expected {
        shape: Vec<usize>,
        images: Vec<f32>,
        logits: Vec<f32>,
    }
    let json = std::fs::read_to_string(fixture(&format!("{network}.json"))).expect("the logits lie beside the network");
    let expected: Expected = serde_json::from_str(&json).expect("JSON as make.py writes it");
    (Tensor::new(expected.shape, expected.images).expect("as many numbers as the shape tells"), expected.logits)
}

fn logits(model: &Model, images: &Tensor) -> Tensor {
    let mut values = mda_core::run::reference::evaluate(model, images, |_, _| {});
    values.swap_remove(model.graph().output())
}

/// The largest difference between the logits of `model` and those of `network`.
fn difference(model: &Model, network: &str) -> f32 {
    let (images, expected) = expected(network);
    let logits = logits(model, &images);
    assert_eq!(logits.len(), expected.len());
    logits.data().iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn import(file: &str) -> Imported {
    onnx::import(&fixture(file), &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The names of the nodes with parameters.
fn layers(model: &Model) -> Vec<&str> {
    let graph = model.graph();
    let trained = (0..graph.nodes().len()).filter(|&id| !graph.parameter_specs(id).is_empty());
    trained.map(|id| graph.node(id).name.as_str()).collect()
}

#[test]
fn networks_of_all_exporters_compute_the_logits_of_pytorch() {
    for network in ["plain", "branches", "mobile"] {
        for exporter in ["script", "opset10", "dynamo"] {
            let imported = import(&format!("{network}.{exporter}.onnx"));
            let difference = difference(&imported.model, network);
            // f32 sums in another order.
            assert!(difference < 1e-5, "{network}.{exporter}: {difference}");
            assert_eq!(imported.model.name(), format!("{network}.{exporter}"));
        }
    }
}

#[test]
fn a_final_softmax_is_left_out_with_a_note() {
    let (images, expected) = expected("residual");
    for exporter in ["script", "opset10", "dynamo"] {
        let imported = import(&format!("residual.{exporter}.onnx"));
        assert!(imported.notes.iter().any(|note| note.contains("Softmax is left out")), "{:?}", imported.notes);
        let logits = logits(&imported.model, &images);
        // The file's probabilities fix the logits but for one number for each image.
        for (logits, expected) in logits.data().chunks(4).zip(expected.chunks(4)) {
            let shift = logits[0] - expected[0];
            let close = logits.iter().zip(expected).all(|(a, b)| (a - b - shift).abs() < 1e-5);
            assert!(close, "{exporter}: {logits:?} {expected:?}");
        }
    }
}

#[test]
fn layers_keep_the_names_of_their_parameters() {
    let plain = import("plain.dynamo.onnx").model;
    assert_eq!(layers(&plain), ["features.0", "features.4", "features.6", "fc1", "fc2"]);
    // The TorchScript exporter folds the first BatchNorm and loses the name of its convolution.
    let script = import("plain.script.onnx").model;
    assert_eq!(layers(&script), ["/features/features.0/Conv", "features.4", "features.6", "fc1", "fc2"]);
}

#[test]
fn input_preparation_becomes_one_node() {
    for file in ["plain.script.onnx", "residual.dynamo.onnx"] {
        let model = import(file).model;
        let normalize = model.graph().nodes().iter().filter(|node| matches!(node.op, Op::Normalize(_)));
        assert_eq!(normalize.count(), 1, "{file}");
    }
}

#[test]
fn weights_beside_the_file_are_read() {
    assert!(difference(&import("external.onnx").model, "plain") < 1e-5);
    let alone = onnx::import_bytes(&std::fs::read(fixture("external.onnx")).unwrap(), &ImportOptions::default());
    assert!(alone.unwrap_err().to_string().contains("import the model by its path"));
}

#[test]
fn weights_of_half_precision_are_read() {
    // Half precision keeps three decimal digits of every weight.
    let difference = difference(&import("half.onnx").model, "plain");
    assert!(difference > 0.0 && difference < 5e-3, "{difference}");
}

#[test]
fn a_missing_file_is_named() {
    let error = onnx::import(&fixture("none.onnx"), &ImportOptions::default()).unwrap_err();
    assert!(error.to_string().contains("none.onnx: cannot be read"), "{error}");
}
