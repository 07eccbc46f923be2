//! Layers that end in a sum are fitted to the sum.

use super::*;
use crate::graph::NodeId;
use crate::repair::joint::Joint;

/// stem - ReLU - widen, whose outputs are a stream; onto it inner - ReLU - outer - BatchNorm is added; global mean - linear. The
/// first filter of the stem sees what the second sees one pixel further left: `widen`, which looks at one pixel, cannot tell it
/// from that, but the branch can.
fn block() -> Model {
    let mut stem_weight = tensor(&[4, 2, 3, 3], 1);
    let column: Vec<f32> = numbers(6, 2);
    for (row, &number) in column.iter().enumerate() {
        stem_weight.data_mut()[3 * row..3 * row + 3].copy_from_slice(&[number, 0.0, 0.0]);
        stem_weight.data_mut()[18 + 3 * row..18 + 3 * row + 3].copy_from_slice(&[0.0, number, 0.0]);
    }
    let mut g = Graph::new();
    let image = g.push("image", Input { channels: 2, height: 6, width: 6 }, &[]);
    let stem = g.push("stem", Conv2d::dense(4, 3, 1, 1, true), &[&image]);
    let relu = g.push("relu", Clamp::relu(), &[&stem]);
    let widen = g.push("widen", Conv2d::dense(3, 1, 1, 0, true), &[&relu]);
    let inner = g.push("inner", Conv2d::dense(5, 3, 1, 1, true), &[&widen]);
    let active = g.push("active", Clamp::relu(), &[&inner]);
    let outer = g.push("outer", Conv2d::dense(3, 3, 1, 1, false), &[&active]);
    let norm = g.push("norm", BatchNorm { eps: 1e-5 }, &[&outer]);
    let sum = g.push("sum", Add {}, &[&widen, &norm]);
    let mean = g.push("mean", GlobalAvgPool {}, &[&sum]);
    let flat = g.push("flat", Flatten {}, &[&mean]);
    g.push("fc", Linear { out_features: 2, bias: true }, &[&flat]);
    model(
        g,
        vec![
            ("stem.weight", stem_weight),
            ("stem.bias", Tensor::vector(vec![0.3, 0.3, 0.1, 0.2])),
            ("widen.weight", tensor(&[3, 4, 1, 1], 3)),
            ("widen.bias", tensor(&[3], 4)),
            ("inner.weight", tensor(&[5, 3, 3, 3], 5)),
            ("inner.bias", tensor(&[5], 6)),
            ("outer.weight", tensor(&[3, 5, 3, 3], 7)),
            ("norm.weight", Tensor::vector(vec![1.0, -0.8, 1.2])),
            ("norm.bias", Tensor::vector(vec![0.1, 0.3, 0.2])),
            ("norm.running_mean", Tensor::vector(vec![0.0, 0.1, -0.1])),
            ("norm.running_var", Tensor::vector(vec![1.0, 0.9, 1.1])),
            ("fc.weight", tensor(&[2, 3], 8)),
            ("fc.bias", tensor(&[2], 9)),
        ],
    )
}

fn at(model: &Model, name: &str) -> NodeId {
    model.graph().find(name).unwrap()
}

#[test]
fn a_branch_makes_up_for_what_its_stream_gets_wrong() {
    let (source, images) = (block(), images(40, 2, 6));
    let component = cut(&source, &[("stem", 0), ("inner", 2)]);
    let errors = [false, true].map(|residual| {
        let options = RidgeOptions { lambdas: vec![1e-6], observations: 10_000, residual };
        let Repaired { model, layers } = run(&source, &component, &images, &Repair::Ridge(options));
        let value = |model: &Model| evaluate(model, &images.pixels, |_, _| {})[at(model, "sum")].clone();
        let (wanted, got) = (value(&source), value(&model));
        let squares = wanted.data().iter().zip(got.data()).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let outer = layers.into_iter().find(|layer| layer.layer == "outer").unwrap();
        (squares, outer.after)
    });
    let [(apart, _), (together, told)] = errors;
    assert!(together < 0.97 * apart, "{together} against {apart}");
    // What is told is the error behind the sum.
    assert!(told > 0.0 && told < 1.0, "{told}");
}

#[test]
fn a_layer_answers_to_a_sum_that_nothing_after_it_changes() {
    let model = block();
    let joint = Joint::of(&model, at(&model, "outer")).unwrap();
    assert_eq!((joint.sum, joint.others), (at(&model, "sum"), vec![at(&model, "widen")]));
    for other in ["stem", "widen", "inner", "fc"] {
        assert!(Joint::of(&model, at(&model, other)).is_none(), "{other}");
    }
    // Of two branches the one that is refitted last.
    let mut g = Graph::new();
    let image = g.push("image", Input { channels: 2, height: 4, width: 4 }, &[]);
    let [first, last] = ["first", "last"].map(|name| g.push(name, Conv2d::dense(2, 1, 1, 0, false), &[&image]));
    let sum = g.push("sum", Add {}, &[&last, &first]);
    let flat = g.push("flat", Flatten {}, &[&sum]);
    g.push("fc", Linear { out_features: 2, bias: false }, &[&flat]);
    let weights = ["first.weight", "last.weight"].map(|name| (name, tensor(&[2, 2, 1, 1], 1)));
    let model = super::model(g, weights.into_iter().chain([("fc.weight", tensor(&[2, 32], 2))]).collect());
    assert!(Joint::of(&model, at(&model, "first")).is_none());
    assert_eq!(Joint::of(&model, at(&model, "last")).unwrap().others, vec![at(&model, "first")]);
}

#[test]
fn sums_become_answers() {
    let joint = Joint { sum: 0, others: vec![1], affine: vec![(9.0, 9.0), (2.0, 1.0), (-0.5, 0.0)] };
    let mut sums = [5.0, 1.0, 7.0, 2.0];
    joint.answers(&mut sums, &[vec![2.0, 0.0, 0.0, 1.0]], 1, 2);
    assert_eq!(sums, [1.0, -2.0, 3.0, -2.0]);
}
