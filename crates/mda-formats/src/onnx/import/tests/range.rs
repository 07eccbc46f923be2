//! Files that take pixel values of 0 to 255.

use super::*;
use mda_core::op::Normalize;

const BYTES: [f32; 4] = [0.0, 51.0, 102.0, 255.0];

fn bytes() -> ImportOptions {
    ImportOptions { range: PixelRange::Bytes, ..ImportOptions::default() }
}

/// A file over two channels of one row and two columns.
fn file() -> File {
    File::new(13, [2, 1, 2]).floats("white", &[], &[255.0]).floats("mean", &[2, 1, 1], &[104.0, 117.0])
}

fn flat(file: File, value: &str) -> File {
    file.node("Flatten", "flat", &[value], &[])
}

/// The first operations of `file` as it is imported for 0 to 255, and how far its logits are from those that the file gives.
fn imported(file: &File) -> (Vec<Op>, f32) {
    let model = import_bytes(&file.clone().bytes(), &bytes()).unwrap().model;
    let unit = BYTES.iter().map(|byte| byte / 255.0).collect();
    let image = mda_core::Tensor::new(model.input_shape().batched(1), unit).unwrap();
    let expected = file.clone().logits(&BYTES);
    let distance = |(a, b): (&f32, &f32)| (a - b).abs();
    let far = logits(&model, &image).data().iter().zip(&expected).map(distance).fold(0.0, f32::max);
    (model.graph().nodes()[1..].iter().map(|node| node.op.clone()).collect(), far)
}

#[test]
fn the_range_joins_the_normalisation_at_the_head() {
    let scaled = flat(file().node("Div", "scaled", &["x", "white"], &[]), "scaled");
    let (ops, far) = imported(&scaled);
    assert_eq!(ops[0], Normalize { mean: vec![0.0; 2], std: vec![1.0; 2] }.into());
    assert_eq!((ops.len(), far), (2, 0.0));
    let centred = flat(file().node("Sub", "centred", &["x", "mean"], &[]), "centred");
    let (ops, far) = imported(&centred);
    // Numbers of up to 255 have a last place of 2^-16.
    assert!(ops.len() == 2 && far < 1e-4, "{ops:?} {far}");
}

#[test]
fn where_there_is_none_a_node_stretches_the_images() {
    let weighted = file().floats("w", &[1, 2, 1, 1], &[0.5, -0.25]).node("Conv", "normalize", &["x", "w"], &[]);
    let (ops, far) = imported(&flat(weighted, "normalize"));
    assert_eq!((ops[0].name(), ops[1].name()), ("Normalize", "Conv2d"));
    assert!(far < 1e-4, "{far}");
    let twice = file().node("Div", "scaled", &["x", "white"], &[]).node("Add", "sum", &["x", "scaled"], &[]);
    let (ops, far) = imported(&flat(twice, "sum"));
    assert_eq!(ops.iter().filter(|op| matches!(op, Op::Normalize(_))).count(), 2);
    assert!(far < 1e-4, "{far}");
}

#[test]
fn means_and_deviations_are_in_the_range_that_is_asked_for() {
    let normalize = Some(Normalize { mean: vec![51.0], std: vec![102.0] });
    let options = ImportOptions { normalize, ..bytes() };
    let model = import_bytes(&flat(file(), "x").bytes(), &options).unwrap().model;
    assert_eq!(model.graph().node(1).op, Normalize { mean: vec![0.2; 2], std: vec![0.4; 2] }.into());
}

#[test]
fn first_operations_for_bytes_are_told() {
    let notes = |file: File, options: &ImportOptions| import_bytes(&file.bytes(), options).unwrap().notes.join("\n");
    let told = |file: File| notes(file, &ImportOptions::default());
    let divided = flat(file().node("Div", "scaled", &["x", "white"], &[]), "scaled");
    let said = told(divided.clone());
    assert!(said.contains("assumed") && said.contains("range 0-1"), "{said}");
    assert!(said.contains("subtract 0.0000 and divide by 255.0000") && said.contains("range 0-255"), "{said}");
    let said = notes(divided, &bytes());
    assert!(said.contains("0-255, as asked for") && !said.contains("subtract"), "{said}");
    let multiplied = file().floats("small", &[], &[1.0 / 255.0]).node("Mul", "scaled", &["x", "small"], &[]);
    assert!(told(flat(multiplied, "scaled")).contains("divide by 255"));
    let centred = file().node("Sub", "centred", &["x", "mean"], &[]);
    assert!(told(flat(centred, "centred")).contains("subtract 117.0000"));
    // TensorFlow's own: x / 127.5 - 1, in two operations.
    let two =
        file().floats("half", &[], &[127.5]).floats("one", &[], &[1.0]).node("Div", "halved", &["x", "half"], &[]);
    assert!(told(flat(two.node("Sub", "both", &["halved", "one"], &[]), "both")).contains("subtract 127.5000"));
    let statistics = file().floats("var", &[2], &[3000.0, 3000.0]).floats("m", &[2], &[110.0; 2]).counted("w", &[2]);
    let normed = statistics.node("BatchNormalization", "bn", &["x", "w", "w", "m", "var"], &[]);
    assert!(told(flat(normed, "bn")).contains("subtract 110"));
}

#[test]
fn first_operations_for_zero_to_one_are_not() {
    let told = |file: File| file.import().notes.join("\n");
    let usual = file().floats("m", &[2, 1, 1], &[0.485, 0.406]).floats("s", &[2, 1, 1], &[0.229, 0.225]);
    let usual = usual.node("Sub", "centred", &["x", "m"], &[]).node("Div", "scaled", &["centred", "s"], &[]);
    assert!(!told(flat(usual, "scaled")).contains("subtract"));
    // A file that stretches 0 to 1 itself before it subtracts the means of bytes.
    let own = file().node("Mul", "bytes", &["x", "white"], &[]).node("Sub", "centred", &["bytes", "mean"], &[]);
    assert!(!told(flat(own, "centred")).contains("subtract"));
}
