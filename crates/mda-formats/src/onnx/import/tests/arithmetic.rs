//! Additions, multiplications and normalisations.

use super::*;
use mda_core::op::{BatchNorm, Normalize};

const IMAGE: [f32; 4] = [0.5, 1.0, 0.25, 0.75];

/// A file over two channels of one row and two columns.
fn two_channels() -> File {
    File::new(13, [2, 1, 2]).floats("one", &[], &[2.0]).floats("each", &[2, 1, 1], &[0.5, 4.0])
}

fn result(op: &str, inputs: &[&str]) -> (Op, Vec<f32>) {
    let file = two_channels().node(op, "changed", inputs, &[]).node("Flatten", "flat", &["changed"], &[]);
    (file.clone().ops()[0].1.clone(), file.logits(&IMAGE))
}

fn normalize(mean: [f32; 2], std: [f32; 2]) -> Op {
    Normalize { mean: mean.into(), std: std.into() }.into()
}

#[test]
fn constants_become_normalisations() {
    assert_eq!(result("Add", &["x", "each"]), (normalize([-0.5, -4.0], [1.0, 1.0]), vec![1.0, 1.5, 4.25, 4.75]));
    assert_eq!(result("Add", &["one", "x"]), (normalize([-2.0, -2.0], [1.0, 1.0]), vec![2.5, 3.0, 2.25, 2.75]));
    assert_eq!(result("Sub", &["x", "each"]), (normalize([0.5, 4.0], [1.0, 1.0]), vec![0.0, 0.5, -3.75, -3.25]));
    assert_eq!(result("Sub", &["each", "x"]), (normalize([0.5, 4.0], [-1.0, -1.0]), vec![0.0, -0.5, 3.75, 3.25]));
    assert_eq!(result("Div", &["x", "each"]), (normalize([0.0, 0.0], [0.5, 4.0]), vec![1.0, 2.0, 0.0625, 0.1875]));
    assert_eq!(result("Mul", &["each", "x"]), (normalize([0.0, 0.0], [2.0, 0.25]), vec![0.25, 0.5, 1.0, 3.0]));
}

#[test]
fn a_mean_and_a_deviation_become_one_node_unless_others_see_the_difference() {
    let file =
        two_channels().node("Sub", "centred", &["x", "each"], &[]).node("Div", "scaled", &["centred", "one"], &[]);
    let ops = file.clone().node("Flatten", "flat", &["scaled"], &[]).ops();
    assert_eq!(ops.len(), 2);
    assert_eq!(ops[0], ("scaled".into(), normalize([0.5, 4.0], [2.0, 2.0])));
    let seen = file.node("Add", "both", &["centred", "scaled"], &[]).node("Flatten", "flat", &["both"], &[]);
    assert_eq!(seen.clone().ops().len(), 4);
    assert_eq!(seen.logits(&IMAGE), [0.0, 0.75, -5.625, -4.875]);
}

#[test]
fn factors_behind_a_layer_are_its_own_unless_others_see_the_product() {
    let file =
        two_channels().floats("conv.weight", &[2, 2, 1, 1], &[1.0, 2.0, 0.5, -1.0]).floats("b", &[2], &[0.25, 1.0]);
    let file = file.node("Conv", "conv", &["x", "conv.weight", "b"], &[]).node("Mul", "scaled", &["each", "conv"], &[]);
    let alone = file.clone().node("Flatten", "flat", &["scaled"], &[]);
    assert_eq!(alone.clone().ops().len(), 2);
    let expected = [0.625, 1.375, 4.0, 3.0];
    assert_eq!(alone.logits(&IMAGE), expected);
    let seen =
        file.node("Concat", "both", &["conv", "scaled"], &[int("axis", 1)]).node("Flatten", "flat", &["both"], &[]);
    assert_eq!(seen.clone().ops().len(), 4);
    assert_eq!(seen.logits(&IMAGE)[4..], expected);
    let linear = File::new(13, [2, 1, 1]).floats("w", &[1, 2], &[1.0, 2.0]).node("Flatten", "flat", &["x"], &[]);
    let linear = linear.floats("half", &[], &[0.5]).node("Gemm", "fc", &["flat", "w"], &[int("transB", 1)]);
    assert_eq!(linear.node("Mul", "scaled", &["fc", "half"], &[]).ops().len(), 2);
}

#[test]
fn factors_without_a_reciprocal_become_a_batch_norm() {
    let file = two_channels().floats("mask", &[1, 2, 1, 1], &[0.0, 3.0]).node("Mul", "masked", &["x", "mask"], &[]);
    let file = file.node("Flatten", "flat", &["masked"], &[]);
    assert_eq!(file.clone().ops()[0].1, BatchNorm { eps: 0.0 }.into());
    assert_eq!(file.logits(&IMAGE), [0.0, 0.0, 0.75, 2.25]);
}

#[test]
fn features_are_changed_one_by_one() {
    let file = File::new(13, [2, 1, 2]).floats("each", &[1, 4], &[1.0, 2.0, 3.0, 4.0]);
    let file = file.node("Flatten", "flat", &["x"], &[]).node("Add", "sum", &["flat", "each"], &[]);
    assert_eq!(file.logits(&IMAGE), [1.5, 3.0, 3.25, 4.75]);
}

#[test]
fn constants_that_differ_along_rows_are_refused() {
    let file = |shape: &[i64]| {
        let file = File::new(13, [2, 2, 2]).counted("c", shape).node("Add", "sum", &["x", "c"], &[]);
        file.node("Flatten", "flat", &["sum"], &[]).refused()
    };
    let told = file(&[2]);
    assert!(told.contains("node `sum` (Add)") && told.contains("each of 2 channels of [N, 2, 2, 2]"), "{told}");
    assert!(file(&[2, 1]).contains("got [2, 1]"));
    assert!(file(&[2, 2, 1, 1]).contains("got [2, 2, 1, 1]"));
    assert!(file(&[3, 1, 1]).contains("got [3, 1, 1]"));
}

#[test]
fn values_are_added_and_multiplied() {
    let file = File::new(13, [1, 1, 2]).node("Relu", "relu", &["x"], &[]);
    let sum = file.clone().node("Sum", "sum", &["x", "relu", "x"], &[]).node("Flatten", "flat", &["sum"], &[]);
    assert_eq!(sum.logits(&[1.0, -2.0]), [3.0, -4.0]);
    let product = file.clone().node("Mul", "product", &["x", "relu"], &[]).node("Flatten", "flat", &["product"], &[]);
    assert_eq!(product.logits(&[3.0, -2.0]), [9.0, 0.0]);
    let quotient =
        file.clone().node("Div", "quotient", &["x", "relu"], &[]).node("Flatten", "flat", &["quotient"], &[]);
    assert!(quotient.refused().contains("a sum or product of two computed values"));
    let flat = file.node("Flatten", "flat", &["relu"], &[]);
    let mixed = flat.node("Add", "sum", &["x", "flat"], &[]).node("Flatten", "end", &["sum"], &[]);
    assert!(mixed.refused().contains("expected values of one shape, got [N, 1, 1, 2] and [N, 2]"));
}
