//! Squeeze-and-excitation as exporters write it, alone and in small networks of two families.

use super::*;
use crate::onnx::to_bytes;
use mda_core::op::{Activation, ActivationKind, Clamp, Conv2d, Flatten, GlobalAvgPool, Linear, Multiply};

/// Channels 1 3 and 2 6: means of 2 and 4.
const IMAGE: [f32; 4] = [1.0, 3.0, 2.0, 6.0];

/// A hard sigmoid of 2 and of 0 behind a squeeze to one channel that is 2.
const GATED: [f32; 4] = [5.0 / 6.0, 15.0 / 6.0, 1.0, 3.0];

/// A file with the weights of one squeeze and one excitation, in `axes` axes.
fn weights(axes: usize) -> File {
    let shape = |extents: [i64; 2]| [&extents[..], &[1, 1][..axes - 2]].concat();
    let file = File::new(13, [2, 1, 2]).floats("reduce.weight", &shape([1, 2]), &[0.5, 0.25]);
    file.floats("expand.weight", &shape([2, 1]), &[1.0, -1.0]).floats("expand.bias", &[2], &[0.0, 2.0])
}

fn kinds(file: File) -> Vec<&'static str> {
    file.import().model.graph().nodes().iter().map(|node| node.op.name()).collect()
}

fn close(found: &[f32], expected: &[f32]) {
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(near), "{found:?}, not {expected:?}");
}

#[test]
fn a_gate_of_convolutions_multiplies_its_map_on_either_side() {
    let alpha = [float("alpha", 1.0 / 6.0)];
    for inputs in [["x", "gate"], ["gate", "x"]] {
        let file = weights(4).node("GlobalAveragePool", "mean", &["x"], &[]);
        let file = file.node("Conv", "r", &["mean", "reduce.weight"], &[]).node("Relu", "relu", &["r"], &[]);
        let file = file.node("Conv", "e", &["relu", "expand.weight", "expand.bias"], &[]);
        let file = file.node("HardSigmoid", "gate", &["e"], &alpha).node("Mul", "y", &inputs, &[]);
        let file = file.node("Flatten", "flat", &["y"], &[]);
        close(&file.clone().logits(&IMAGE), &GATED);
        assert_eq!(
            kinds(file),
            ["Input", "GlobalAvgPool", "Conv2d", "Clamp", "Conv2d", "HardSigmoid", "Multiply", "Flatten"]
        );
    }
}

#[test]
fn a_gate_of_linear_layers_is_features_that_are_reshaped() {
    let alpha = [float("alpha", 1.0 / 6.0)];
    let squeeze = [ints("axes", &[2, 3]), int("keepdims", 0)];
    let transposed = [int("transB", 1)];
    let file = weights(2).node("ReduceMean", "mean", &["x"], &squeeze);
    let file = file.node("Gemm", "r", &["mean", "reduce.weight"], &transposed).node("Relu", "relu", &["r"], &[]);
    let file = file.node("Gemm", "e", &["relu", "expand.weight", "expand.bias"], &transposed);
    let file = file.node("HardSigmoid", "gate", &["e"], &alpha).ints("shape", &[-1, 2, 1, 1]);
    let file = file.node("Reshape", "tall", &["gate", "shape"], &[]).node("Mul", "y", &["x", "tall"], &[]);
    let file = file.node("Flatten", "flat", &["y"], &[]);
    close(&file.clone().logits(&IMAGE), &GATED);
    let kinds = kinds(file);
    assert_eq!(kinds[kinds.len() - 3..], ["HardSigmoid", "Multiply", "Flatten"]);
}

#[test]
fn a_gate_follows_the_order_of_its_maps_axes() {
    let file = File::new(13, [2, 1, 2]).node("Relu", "relu", &["x"], &[]);
    let file = file.node("Transpose", "last", &["relu"], &[ints("perm", &[0, 2, 3, 1])]);
    let file =
        file.node("ReduceMean", "mean", &["last"], &[ints("axes", &[1, 2])]).node("Mul", "y", &["mean", "last"], &[]);
    let file = file.node("Transpose", "first", &["y"], &[ints("perm", &[0, 3, 1, 2])]);
    let file = file.node("Flatten", "flat", &["first"], &[]);
    close(&file.clone().logits(&IMAGE), &[2.0, 6.0, 8.0, 24.0]);
    assert_eq!(kinds(file), ["Input", "Clamp", "GlobalAvgPool", "Multiply", "Flatten"]);
}

#[test]
fn what_is_no_gate_is_refused() {
    let spatial = File::new(13, [2, 2, 2]).floats("w", &[1, 2, 1, 1], &[1.0, 1.0]);
    let spatial = spatial.node("Conv", "one", &["x", "w"], &[]).node("Mul", "y", &["x", "one"], &[]);
    let told = spatial.node("Flatten", "flat", &["y"], &[]).refused();
    assert!(
        told.contains("a map and one number for each of its channels, got [N, 2, 2, 2] and [N, 1, 2, 2]"),
        "{told}"
    );
}

/// Weights that are the same on every run, named as PyTorch names them.
fn conv(file: File, name: &str, input: &str, shape: [i64; 4], attributes: &[Attribute]) -> File {
    let count = shape.iter().product::<i64>() as usize;
    let seed = name.bytes().map(u32::from).sum();
    let file = file.floats(&format!("{name}.weight"), &shape, &crate::test_models::numbers(count, seed));
    let bias = crate::test_models::numbers(shape[0] as usize, seed + 1);
    let file = file.floats(&format!("{name}.bias"), &[shape[0]], &bias);
    file.node("Conv", name, &[input, &format!("{name}.weight"), &format!("{name}.bias")], attributes)
}

/// An inverted residual: expanded, depthwise, squeezed and excited, projected, added to what came in.
fn inverted(mut file: File, name: &str, input: &str, act: impl Fn(File, &str, &str) -> File, gate: &str) -> File {
    let at = |part: &str| format!("{name}.{part}");
    let around = [int("group", 8), ints("pads", &[1, 1, 1, 1])];
    file = conv(file, &at("expand"), input, [8, 4, 1, 1], &[]);
    file = act(file, &at("expand"), &at("expand_act"));
    file = conv(file, &at("dw"), &at("expand_act"), [8, 1, 3, 3], &around);
    file = act(file, &at("dw"), &at("dw_act"));
    file = file.node("ReduceMean", &at("mean"), &[&at("dw_act")], &[ints("axes", &[2, 3]), int("keepdims", 1)]);
    file = conv(file, &at("fc1"), &at("mean"), [2, 8, 1, 1], &[]);
    file = file.node("Relu", &at("squeeze"), &[&at("fc1")], &[]);
    file = conv(file, &at("fc2"), &at("squeeze"), [8, 2, 1, 1], &[]);
    file = file.node(gate, &at("gate"), &[&at("fc2")], &[float("alpha", 1.0 / 6.0)]);
    file = file.node("Mul", &at("gated"), &[&at("gate"), &at("dw_act")], &[]);
    file = conv(file, &at("project"), &at("gated"), [4, 8, 1, 1], &[]);
    file.node("Add", name, &[input, &at("project")], &[])
}

fn network(act: impl Fn(File, &str, &str) -> File + Copy, gate: &str) -> Imported {
    let mut file = File::new(13, [3, 8, 8]);
    file = conv(file, "stem", "x", [4, 3, 3, 3], &[ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1])]);
    file = act(file, "stem", "stem_act");
    file = inverted(file, "block1", "stem_act", act, gate);
    file = inverted(file, "block2", "block1", act, gate);
    file = file.node("GlobalAveragePool", "pool", &["block2"], &[]).node("Flatten", "flat", &["pool"], &[]);
    file = file.floats("head.weight", &[5, 4], &crate::test_models::numbers(20, 3));
    file.node("Gemm", "head", &["flat", "head.weight"], &[int("transB", 1)]).import()
}

fn has(model: &Model, op: impl Into<Op>) -> usize {
    let op = op.into();
    model.graph().nodes().iter().filter(|node| node.op == op).count()
}

/// What MobileNetV3's exporters write, before and since operator set 14, and EfficientNet's.
#[test]
fn networks_with_squeeze_and_excitation_are_read_and_written() {
    let three = |file: File, input: &str, name: &str| {
        let [sum, clip, product] = ["sum", "clip", "product"].map(|part| format!("{name}.{part}"));
        let file = file.floats(&format!("{name}.3"), &[], &[3.0]).floats(&format!("{name}.6"), &[], &[6.0]);
        let file = file.floats(&format!("{name}.0"), &[], &[0.0]);
        let file = file.node("Add", &sum, &[input, &format!("{name}.3")], &[]);
        let file = file.node("Clip", &clip, &[&sum, &format!("{name}.0"), &format!("{name}.6")], &[]);
        file.node("Mul", &product, &[input, &clip], &[]).node("Div", name, &[&product, &format!("{name}.6")], &[])
    };
    let hard = |file: File, input: &str, name: &str| file.node("HardSwish", name, &[input], &[]);
    let swish = |file: File, input: &str, name: &str| {
        let sigmoid = format!("{name}.sigmoid");
        file.node("Sigmoid", &sigmoid, &[input], &[]).node("Mul", name, &[input, &sigmoid], &[])
    };
    let [old, new] = [network(three, "HardSigmoid").model, network(hard, "HardSigmoid").model];
    assert_eq!((old.graph(), old.parameters()), (new.graph(), new.parameters()));
    let efficient = network(swish, "Sigmoid").model;
    for (model, act, gate) in [
        (new, ActivationKind::HardSwish, ActivationKind::hard_sigmoid()),
        (efficient, ActivationKind::Silu, ActivationKind::Sigmoid),
    ] {
        assert_eq!([has(&model, Activation { kind: act }), has(&model, Activation { kind: gate })], [5, 2]);
        assert_eq!([has(&model, Multiply {}), has(&model, Clamp::relu()), has(&model, GlobalAvgPool {})], [2, 2, 3]);
        assert_eq!(has(&model, Linear { out_features: 5, bias: false }) + has(&model, Flatten {}), 2);
        assert_eq!(has(&model, Conv2d::dense(8, 1, 1, 0, true)), 4);
        let back = import_bytes(&to_bytes(&model).unwrap(), &ImportOptions::default()).unwrap().model;
        // Written files call their input `images`.
        assert_eq!(back.graph().nodes()[1..], model.graph().nodes()[1..]);
        assert_eq!(back.parameters(), model.parameters());
    }
}
