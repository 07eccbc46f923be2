//! Files that are refused, and what is said.

use super::*;
use crate::onnx::UnsupportedOperator;

#[test]
fn every_unsupported_operator_is_told_at_once() {
    let mut file = File::new(13, [1, 2, 2]).node("Einsum", "up", &["x"], &[]).node("Relu", "relu", &["up"], &[]);
    file = file.node("Attention", "mix", &["relu"], &[]).node("Erf", "dead", &["x"], &[]);
    file.graph.node[2].domain = "com.microsoft".into();
    file.graph.node[0].name.clear();
    file.graph.output.push(value_info("mix", data_type::FLOAT, &[]));
    let error = import_bytes(&file.bytes(), &ImportOptions::default()).unwrap_err();
    let operator = |op: &str, node: &str| UnsupportedOperator { op: op.into(), node: node.into() };
    let OnnxError::Unsupported(operators) = &error else { panic!("{error}") };
    assert_eq!(operators, &[operator("Einsum", "up"), operator("com.microsoft.Attention", "mix")]);
    assert!(error.to_string().contains("2 operator(s)") && error.to_string().contains("\n  Einsum at node `up`"));
}

#[test]
fn the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    fs::write(&path, File::new(13, [1, 2, 2]).node("Softsign", "s", &["x"], &[]).bytes()).unwrap();
    let told = super::import(&path, &ImportOptions::default()).unwrap_err().to_string();
    assert!(told.contains("net.onnx: 1 operator(s)"), "{told}");
}

#[test]
fn unknown_operator_sets_are_refused() {
    let told = |opset| File::new(opset, [1, 1, 1]).node("Flatten", "flat", &["x"], &[]).refused();
    assert!(told(8).contains("operator set 8, but 9 to 21 are known"));
    assert!(told(22).contains("hint: export the model with opset 17"));
    let mut message = File::new(13, [1, 1, 1]).node("Flatten", "flat", &["x"], &[]).message();
    message.opset_import[0].domain = "com.microsoft".into();
    assert!(import_bytes(&message.encode_to_vec(), &ImportOptions::default()).is_err());
}

#[test]
fn a_softmax_ends_the_model_or_is_refused() {
    let file = File::new(13, [2, 1, 1]).node("Flatten", "flat", &["x"], &[]).node("LogSoftmax", "p", &["flat"], &[]);
    let notes = file.clone().node("Identity", "same", &["p"], &[]).import().notes;
    assert!(notes.contains(&"the final LogSoftmax is left out: models end in logits".to_owned()), "{notes:?}");
    assert!(file.node("Relu", "relu", &["p"], &[]).refused().contains("what a LogSoftmax makes of them"));
}

#[test]
fn what_is_no_classifier_is_refused() {
    let map = File::new(13, [2, 2, 2]).node("Relu", "relu", &["x"], &[]).refused();
    assert!(map.contains("node `relu` (output): expected features [N, F], got [N, 2, 2, 2]"), "{map}");
    let constant = File::new(13, [2, 2, 2]).node("Relu", "relu", &["x"], &[]);
    let mut constant = constant.node("Constant", "c", &[], &[value(tensor("", data_type::FLOAT, &[0]))]);
    constant.graph.output.push(value_info("c", data_type::FLOAT, &[]));
    assert!(constant.refused().contains("expected one input, the images, got 0"));
    assert!(File::new(13, [1, 1, 1]).refused().contains("expected one input"));
}

#[test]
fn forms_without_an_operation_are_refused_with_their_node() {
    let told = |op: &str, attributes: &[Attribute]| {
        let file = File::new(13, [2, 4, 4]).counted("w", &[2, 2, 3]).counted("v", &[2, 3, 1, 1]);
        let file = file.node(op, "n", &["x", if op == "ConvV" { "v" } else { "w" }], attributes);
        file.node("Flatten", "flat", &["n"], &[]).refused()
    };
    assert!(told("Conv", &[]).contains("node `n` (Conv): expected a two-dimensional convolution"));
    assert!(told("MaxPool", &[]).contains("expected `kernel_shape`, got none"));
    assert!(
        told("MaxPool", &[ints("kernel_shape", &[2])]).contains("2 extents of 0 to 65536 in `kernel_shape`, got 2")
    );
    assert!(told("MaxPool", &[int("kernel_shape", 2)]).contains("attribute `kernel_shape` to be a list of integers"));
    assert!(
        told("MaxPool", &[ints("kernel_shape", &[5, 5])]).contains("a padded input of at least 5 rows, got 4 rows")
    );
    assert!(told("BatchNormalization", &[int("training_mode", 1)]).contains("`training_mode`"));
    assert!(told("ReduceMean", &[ints("axes", &[1])]).contains("input 1 to be integers"));
    assert!(told("MatMul", &[]).contains("expected features [N, F], got [N, 2, 4, 4]"));
    let groups = File::new(13, [2, 4, 4]).counted("v", &[2, 3, 1, 1]).node("Conv", "n", &["x", "v"], &[]);
    assert!(groups.refused().contains("a weight for 2 input channels, got 1 groups of 3"));
    let features = File::new(13, [2, 1, 1]).counted("w", &[3, 2]).node("Flatten", "flat", &["x"], &[]);
    assert!(
        features.node("MatMul", "n", &["flat", "w"], &[]).refused().contains("a weight for 2 features, got one for 3")
    );
    let two_products = File::new(13, [1, 1, 1]).node("Flatten", "flat", &["x"], &[]);
    assert!(
        two_products.node("MatMul", "n", &["flat", "flat"], &[]).refused().contains("input 1 to be constant numbers")
    );
}

#[test]
fn values_that_nobody_computes_are_refused() {
    let missing =
        File::new(13, [1, 1, 1]).node("Relu", "relu", &["nowhere"], &[]).node("Sum", "sum", &["x", "relu"], &[]);
    assert!(
        missing.refused().contains("inputs that are computed before, by the first output of a node, got `nowhere`")
    );
    let mut later = File::new(13, [1, 1, 1]).node("Sum", "sum", &["x", "relu"], &[]).node("Relu", "relu", &["x"], &[]);
    later.graph.output.push(value_info("sum", data_type::FLOAT, &[]));
    assert!(later.refused().contains("got `relu`"));
    let mut circle = File::new(13, [1, 1, 1]).node("Sum", "a", &["x", "b"], &[]).node("Relu", "b", &["a"], &[]);
    circle.graph.output.push(value_info("b", data_type::FLOAT, &[]));
    assert!(circle.refused().contains("got `b`"));
}

#[test]
fn weights_that_are_not_finite_are_told() {
    let file = File::new(13, [1, 1, 1]).floats("w", &[1, 1], &[f32::NAN]).node("Flatten", "flat", &["x"], &[]);
    assert!(file.node("MatMul", "fc", &["flat", "w"], &[]).refused().contains("finite numbers in `fc.weight`"));
}
