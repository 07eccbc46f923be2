//! Convolutions, linear layers, pools and activations.

use super::*;
use mda_core::op::{AvgPool, BatchNorm, Clamp, Conv2d, Flatten, GlobalAvgPool, Linear, MaxPool, Padding, Window};

fn padding(top: usize, left: usize, bottom: usize, right: usize) -> Padding {
    Padding { top, left, bottom, right }
}

#[test]
fn a_convolution_takes_its_attributes_and_the_name_of_its_weight() {
    let attributes = [
        int("group", 2),
        ints("strides", &[2, 1]),
        ints("dilations", &[1, 2]),
        ints("pads", &[0, 1, 2, 3]),
        ints("kernel_shape", &[3, 2]),
    ];
    let file = File::new(17, [4, 8, 8]).counted("features.0.weight", &[6, 2, 3, 2]).counted("b", &[6]);
    let file = file.node("Conv", "/conv/Conv", &["x", "features.0.weight", "b"], &attributes);
    let imported = file.node("Flatten", "flat", &["/conv/Conv"], &[]).import();
    let node = imported.model.graph().node(1);
    let window = Window { kernel: [3, 2], stride: [2, 1], padding: padding(0, 1, 2, 3), dilation: [1, 2] };
    assert_eq!(node.op, Conv2d { out_channels: 6, window, groups: 2, bias: true }.into());
    assert_eq!(node.name, "features.0");
    assert_eq!(imported.model.parameters().get("features.0.bias").unwrap().data()[5], 0.6);
    assert_eq!(imported.model.parameters().get("features.0.weight").unwrap().shape(), [6, 2, 3, 2]);
}

#[test]
fn automatic_padding_is_worked_out() {
    let padded = |auto_pad: &str| {
        let file = File::new(17, [1, 7, 8]).counted("w", &[1, 1, 4, 3]);
        let attributes = [string("auto_pad", auto_pad), ints("strides", &[2, 2])];
        let file = file.node("Conv", "conv", &["x", "w"], &attributes).node("Flatten", "flat", &["conv"], &[]);
        match &file.ops()[0].1 {
            Op::Conv2d(conv) => conv.window.padding,
            op => panic!("{op}"),
        }
    };
    // Four rows of output need 6 + 4 rows of input, four columns 6 + 3.
    assert_eq!(padded("SAME_UPPER"), padding(1, 0, 2, 1));
    assert_eq!(padded("SAME_LOWER"), padding(2, 1, 1, 0));
    assert_eq!(padded("VALID"), padding(0, 0, 0, 0));
    assert_eq!(padded("NOTSET"), padding(0, 0, 0, 0));
}

#[test]
fn layers_that_share_a_weight_have_names_of_their_own() {
    let file = File::new(17, [1, 2, 2]).counted("a.weight", &[1, 1, 1, 1]);
    let file = file.node("Conv", "one", &["x", "a.weight"], &[]).node("Conv", "two", &["one", "a.weight"], &[]);
    let names: Vec<String> = file.node("Flatten", "a", &["two"], &[]).ops().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "a_2", "a_3"]);
}

#[test]
fn a_node_without_a_name_is_called_like_its_value() {
    let mut file = File::new(17, [1, 1, 2]).node("Relu", "relu", &["x"], &[]).node("Flatten", "flat", &["relu"], &[]);
    file.graph.node[0].name.clear();
    file.graph.node[0].output[0] = "value".into();
    file.graph.node[1].input[0] = "value".into();
    assert_eq!(file.ops()[0].0, "value");
}

#[test]
fn gemm_takes_its_weight_either_way_and_scaled() {
    let gemm = |weight: &[f32], bias: &[f32], attributes: &[Attribute]| {
        let file = File::new(17, [2, 1, 1]).floats("w", &[2, 2], weight).floats("b", &[bias.len() as i64], bias);
        let file = file.node("Flatten", "flat", &["x"], &[]).node("Gemm", "fc", &["flat", "w", "b"], attributes);
        file.logits(&[1.0, 10.0])
    };
    assert_eq!(gemm(&[1.0, 2.0, 3.0, 4.0], &[0.5, 0.25], &[int("transB", 1)]), [21.5, 43.25]);
    assert_eq!(gemm(&[1.0, 2.0, 3.0, 4.0], &[0.5, 0.25], &[]), [31.5, 42.25]);
    let scaled = [float("alpha", 2.0), float("beta", 4.0), int("transB", 1)];
    assert_eq!(gemm(&[1.0, 2.0, 3.0, 4.0], &[0.5], &scaled), [44.0, 88.0]);
}

#[test]
fn a_product_and_a_sum_are_one_linear_layer() {
    let file = File::new(13, [2, 1, 1]).floats("fc.weight", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let file = file.floats("b", &[3], &[0.5, 0.0, -0.5]).node("Flatten", "flat", &["x"], &[]);
    let file = file.node("MatMul", "product", &["flat", "fc.weight"], &[]).node("Add", "sum", &["b", "product"], &[]);
    assert_eq!(file.clone().logits(&[1.0, 10.0]), [41.5, 52.0, 62.5]);
    let ops = file.ops();
    assert_eq!(ops.len(), 2);
    assert_eq!(ops[1], ("fc".into(), Linear { out_features: 3, bias: true }.into()));
}

#[test]
fn a_sum_behind_a_convolution_is_its_bias_unless_others_see_the_product() {
    let file = File::new(13, [1, 1, 2]).floats("w", &[1, 1, 1, 1], &[2.0]).floats("c", &[1, 1, 1], &[0.5]);
    let file = file.node("Conv", "conv", &["x", "w"], &[]).node("Add", "sum", &["conv", "c"], &[]);
    let alone = file.clone().node("Flatten", "flat", &["sum"], &[]);
    assert_eq!(alone.clone().ops().len(), 2);
    assert_eq!(alone.logits(&[1.0, 3.0]), [2.5, 6.5]);
    let seen = file.node("Add", "both", &["sum", "conv"], &[]).node("Flatten", "flat", &["both"], &[]);
    assert_eq!(seen.logits(&[1.0, 3.0]), [4.5, 12.5]);
}

#[test]
fn batch_normalisation_is_kept_for_maps_and_features() {
    let numbers =
        |file: File| ["a.weight", "a.bias", "mean", "var"].iter().fold(file, |file, name| file.counted(name, &[2]));
    let inputs = |value| [value, "a.weight", "a.bias", "mean", "var"];
    let file = numbers(File::new(15, [2, 1, 1]));
    let file = file.node("BatchNormalization", "bn", &inputs("x"), &[float("epsilon", 0.25)]);
    let file = file.node("Flatten", "flat", &["bn"], &[]).node("BatchNormalization", "again", &inputs("flat"), &[]);
    let ops = file.ops();
    assert_eq!(ops[0], ("a".into(), BatchNorm { eps: 0.25 }.into()));
    assert_eq!(ops[1], ("flat".into(), Flatten {}.into()));
    assert_eq!(ops[2], ("a_2".into(), BatchNorm { eps: 1e-5 }.into()));
}

#[test]
fn clips_have_their_bounds_where_the_operator_set_puts_them() {
    let old = File::new(10, [1, 1, 1]).node("Clip", "clip", &["x"], &[float("min", 0.0), float("max", 6.0)]);
    let new = File::new(11, [1, 1, 1]).floats("min", &[], &[0.0]).floats("max", &[1], &[6.0]);
    let new = new.node("Clip", "clip", &["x", "min", "max"], &[]);
    for file in [old, new] {
        assert_eq!(file.node("Flatten", "flat", &["clip"], &[]).ops()[0].1, Clamp::relu6().into());
    }
    let above = File::new(13, [1, 1, 1]).floats("max", &[], &[1.0]).floats("least", &[], &[f32::MIN]);
    let above = above.node("Clip", "clip", &["x", "", "max"], &[]).node("Clip", "all", &["clip", "least"], &[]);
    let ops = above.node("Flatten", "flat", &["all"], &[]).ops();
    assert_eq!(ops[0].1, Clamp { min: None, max: Some(1.0) }.into());
    assert_eq!(ops[1].1, Flatten {}.into());
}

#[test]
fn pools_take_their_attributes() {
    let shape = [ints("kernel_shape", &[3, 2]), ints("strides", &[2, 2]), ints("pads", &[1, 0, 1, 1])];
    let max = [&shape[..], &[int("ceil_mode", 1), ints("dilations", &[2, 1])]].concat();
    let average = [&shape[..], &[int("count_include_pad", 1)]].concat();
    let file = File::new(12, [2, 9, 9]).node("MaxPool", "max", &["x"], &max);
    let file = file.node("AveragePool", "average", &["max"], &average).node("Flatten", "flat", &["average"], &[]);
    let ops = file.ops();
    let window = Window { kernel: [3, 2], stride: [2, 2], padding: padding(1, 0, 1, 1), dilation: [1, 1] };
    let dilated = Window { dilation: [2, 1], ..window };
    assert_eq!(ops[0].1, MaxPool { window: dilated, ceil_mode: true }.into());
    assert_eq!(ops[1].1, AvgPool { window, ceil_mode: false, count_include_pad: true }.into());
}

#[test]
fn whole_maps_are_reduced() {
    let reduced = |opset: i64, op: &str, axes: Option<&[i64]>, keepdims: i64| {
        let mut file = File::new(opset, [3, 2, 2]);
        file = match axes {
            Some(axes) if opset >= 18 => {
                file.ints("axes", axes).node(op, "reduce", &["x", "axes"], &[int("keepdims", keepdims)])
            }
            Some(axes) => file.node(op, "reduce", &["x"], &[ints("axes", axes), int("keepdims", keepdims)]),
            None => file.node(op, "reduce", &["x"], &[]),
        };
        let ops = file.clone().ops();
        let numbers = [1.0, 2.0, 3.0, 6.0, 0.0, 0.0, 0.0, 0.0, -1.0, -2.0, -3.0, -4.0];
        (ops[0].1.clone(), ops.len(), file.logits(&numbers))
    };
    let mean = vec![3.0, 0.0, -2.5];
    for (opset, axes, keepdims) in [(13, [2, 3], 1), (18, [2, 3], 0), (18, [-1, -2], 1), (11, [3, 2], 0)] {
        let expected = (GlobalAvgPool {}.into(), 2, mean.clone());
        assert_eq!(reduced(opset, "ReduceMean", Some(&axes), keepdims), expected);
    }
    assert_eq!(reduced(13, "GlobalAveragePool", None, 0), (GlobalAvgPool {}.into(), 2, mean));
    let max = MaxPool { window: Window { kernel: [2, 2], ..Window::square(1, 1, 0) }, ceil_mode: false };
    assert_eq!(reduced(13, "GlobalMaxPool", None, 0), (max.clone().into(), 2, vec![6.0, 0.0, -1.0]));
    assert_eq!(reduced(13, "ReduceMax", Some(&[2, 3]), 0), (max.into(), 2, vec![6.0, 0.0, -1.0]));
}

#[test]
fn two_means_over_one_axis_each_are_two_pools() {
    let file = File::new(13, [1, 2, 2]).node("ReduceMean", "w", &["x"], &[ints("axes", &[3]), int("keepdims", 0)]);
    let file = file.node("ReduceMean", "h", &["w"], &[ints("axes", &[2]), int("keepdims", 0)]);
    assert_eq!(file.logits(&[1.0, 3.0, 5.0, 11.0]), [5.0]);
}

#[test]
fn what_does_nothing_after_training_leaves_no_node() {
    let file = File::new(13, [1, 1, 2]).node("Dropout", "drop", &["x"], &[]).node("Identity", "same", &["drop"], &[]);
    let file = file.node("Cast", "cast", &["same"], &[int("to", 1)]).node("Flatten", "flat", &["cast"], &[]);
    assert_eq!(file.ops(), [("flat".into(), Flatten {}.into())]);
}
