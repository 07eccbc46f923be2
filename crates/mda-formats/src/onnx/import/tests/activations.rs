//! Activations: one operator each, or the nodes that exporters write for one.

use super::*;
use crate::onnx::to_bytes;
use crate::test_models::fill;
use mda_core::graph::Graph as CoreGraph;
use mda_core::op::{Activation, ActivationKind, Clamp, Flatten, Input, PRelu};

fn kind(kind: ActivationKind) -> Op {
    Activation { kind }.into()
}

/// A file over two channels, with the constants that the forms below need.
fn file() -> File {
    let root = std::f32::consts::SQRT_2;
    let numbers = [("one", 1.0), ("half", 0.5), ("three", 3.0), ("six", 6.0), ("zero", 0.0), ("root", root)];
    let file = File::new(13, [2, 1, 2]).floats("scale", &[1], &[0.797_884_6]).floats("cube", &[], &[0.044_715]);
    numbers.into_iter().fold(file, |file, (name, number)| file.floats(name, &[], &[number]))
}

/// The operations of `nodes`, each an operator, its value and its inputs, over what a ReLU makes of the images.
fn ops(nodes: &[(&str, &str, &[&str])]) -> Vec<Op> {
    let file = nodes
        .iter()
        .fold(file().node("Relu", "r", &["x"], &[]), |file, &(op, name, inputs)| file.node(op, name, inputs, &[]));
    let last = nodes[nodes.len() - 1].1;
    file.node("Flatten", "flat", &[last], &[]).ops().into_iter().map(|(_, op)| op).collect()
}

fn contracted(nodes: &[(&str, &str, &[&str])]) -> Op {
    let ops = ops(nodes);
    assert_eq!((&ops[0], &ops[2..]), (&Clamp::relu().into(), &[Flatten {}.into()][..]), "{nodes:?}");
    ops[1].clone()
}

#[test]
fn every_activation_is_read() {
    let read = |op: &str, attributes: &[Attribute]| {
        File::new(20, [2, 1, 1]).node(op, "y", &["x"], attributes).node("Flatten", "flat", &["y"], &[]).ops()[0]
            .1
            .clone()
    };
    assert_eq!(read("Sigmoid", &[]), kind(ActivationKind::Sigmoid));
    assert_eq!(read("HardSigmoid", &[]), kind(ActivationKind::HardSigmoid { slope: 0.2, offset: 0.5 }));
    let numbers = [float("alpha", 0.25), float("beta", 0.75)];
    assert_eq!(read("HardSigmoid", &numbers), kind(ActivationKind::HardSigmoid { slope: 0.25, offset: 0.75 }));
    assert_eq!(read("HardSwish", &[]), kind(ActivationKind::HardSwish));
    assert_eq!(read("LeakyRelu", &[]), kind(ActivationKind::LeakyRelu { slope: 0.01 }));
    assert_eq!(read("LeakyRelu", &[float("alpha", 0.3)]), kind(ActivationKind::LeakyRelu { slope: 0.3 }));
    assert_eq!(read("Elu", &[]), kind(ActivationKind::Elu { alpha: 1.0 }));
    assert_eq!(read("Tanh", &[]), kind(ActivationKind::Tanh));
    assert_eq!(read("Gelu", &[]), kind(ActivationKind::Gelu));
    assert_eq!(read("Gelu", &[string("approximate", "tanh")]), kind(ActivationKind::GeluTanh));
    let told = File::new(21, [1, 1, 1]).node("Gelu", "y", &["x"], &[string("approximate", "fast")]).refused();
    assert!(told.contains("expected `approximate` to be `none` or `tanh`, got `fast`"), "{told}");
}

#[test]
fn slopes_are_one_a_channel_however_they_are_written() {
    let file = File::new(13, [2, 1, 2]).floats("act.weight", &[2, 1, 1], &[0.5, -1.0]);
    let file = file.node("PRelu", "y", &["x", "act.weight"], &[]).node("Flatten", "flat", &["y"], &[]);
    assert_eq!(file.clone().ops()[0], ("act".into(), PRelu {}.into()));
    assert_eq!(file.logits(&[-2.0, 3.0, -4.0, 1.0]), [-1.0, 3.0, 4.0, 1.0]);
    let shared = File::new(13, [2, 1, 1]).floats("slope", &[1], &[0.25]).node("Flatten", "flat", &["x"], &[]);
    assert_eq!(shared.node("PRelu", "y", &["flat", "slope"], &[]).logits(&[-4.0, 8.0]), [-1.0, 8.0]);
}

#[test]
fn products_with_a_sigmoid_of_their_own_are_one_activation() {
    let sigmoid: (&str, &str, &[&str]) = ("Sigmoid", "s", &["r"]);
    assert_eq!(contracted(&[sigmoid, ("Mul", "y", &["r", "s"])]), kind(ActivationKind::Silu));
    assert_eq!(contracted(&[sigmoid, ("Mul", "y", &["s", "r"])]), kind(ActivationKind::Silu));
}

#[test]
fn hard_forms_are_recognised_by_their_clip() {
    let clip: [(&str, &str, &[&str]); 2] = [("Add", "a", &["r", "three"]), ("Clip", "c", &["a", "zero", "six"])];
    let divided = [&clip[..], &[("Div", "y", &["c", "six"])]].concat();
    assert_eq!(contracted(&divided), kind(ActivationKind::hard_sigmoid()));
    let outside = [&clip[..], &[("Mul", "m", &["r", "c"]), ("Div", "y", &["m", "six"])]].concat();
    assert_eq!(contracted(&outside), kind(ActivationKind::HardSwish));
    let inside = [&clip[..], &[("Div", "d", &["c", "six"]), ("Mul", "y", &["d", "r"])]].concat();
    assert_eq!(contracted(&inside), kind(ActivationKind::HardSwish));
    let alpha = [float("alpha", 1.0 / 6.0)];
    let operator = file().node("HardSigmoid", "h", &["x"], &alpha).node("Mul", "y", &["x", "h"], &[]);
    assert_eq!(operator.node("Flatten", "flat", &["y"], &[]).ops()[0].1, kind(ActivationKind::HardSwish));
}

#[test]
fn gelu_is_recognised_in_any_order() {
    let erf: [(&str, &str, &[&str]); 3] =
        [("Div", "d", &["r", "root"]), ("Erf", "e", &["d"]), ("Add", "a", &["e", "one"])];
    let forms: [&[(&str, &str, &[&str])]; 3] = [
        &[("Mul", "m", &["r", "a"]), ("Mul", "y", &["m", "half"])],
        &[("Mul", "m", &["half", "r"]), ("Mul", "y", &["a", "m"])],
        &[("Mul", "m", &["a", "half"]), ("Mul", "y", &["r", "m"])],
    ];
    for form in forms {
        assert_eq!(contracted(&[&erf[..], form].concat()), kind(ActivationKind::Gelu));
    }
    let cubes: [&[(&str, &str, &[&str])]; 2] =
        [&[("Mul", "q", &["r", "r"]), ("Mul", "p", &["r", "q"])], &[("Pow", "p", &["r", "three"])]];
    for cube in cubes {
        let rest: [(&str, &str, &[&str]); 7] = [
            ("Mul", "k", &["p", "cube"]),
            ("Add", "i", &["r", "k"]),
            ("Mul", "j", &["i", "scale"]),
            ("Tanh", "t", &["j"]),
            ("Add", "a", &["t", "one"]),
            ("Mul", "m", &["r", "a"]),
            ("Mul", "y", &["m", "half"]),
        ];
        assert_eq!(contracted(&[cube, &rest[..]].concat()), kind(ActivationKind::GeluTanh));
    }
}

#[test]
fn what_another_node_reads_is_not_contracted() {
    let file = file().node("Div", "d", &["x", "root"], &[]).node("Erf", "e", &["d"], &[]);
    let file = file.node("Add", "a", &["e", "one"], &[]).node("Mul", "m", &["x", "a"], &[]);
    let file = file.node("Mul", "y", &["m", "half"], &[]).node("Add", "both", &["y", "e"], &[]);
    assert!(file.node("Flatten", "flat", &["both"], &[]).refused().contains("Erf at node `e`"));
}

#[test]
fn other_constants_are_another_function() {
    let file = file().node("Div", "d", &["x", "three"], &[]).node("Erf", "e", &["d"], &[]);
    let file = file.node("Add", "a", &["e", "one"], &[]).node("Mul", "m", &["x", "a"], &[]);
    let file = file.node("Mul", "y", &["m", "half"], &[]).node("Flatten", "flat", &["y"], &[]);
    assert!(file.refused().contains("Erf at node `e`"));
}

#[test]
fn every_activation_comes_back_as_it_was() {
    let kinds = [
        ActivationKind::Sigmoid,
        ActivationKind::HardSigmoid { slope: 0.3, offset: 0.4 },
        ActivationKind::Silu,
        ActivationKind::HardSwish,
        ActivationKind::LeakyRelu { slope: 0.2 },
        ActivationKind::Elu { alpha: 0.7 },
        ActivationKind::Gelu,
        ActivationKind::GeluTanh,
        ActivationKind::Tanh,
    ];
    let mut graph = CoreGraph::new();
    let mut last = graph.push("images", Input { channels: 2, height: 2, width: 1 }, &[]);
    for kind in kinds {
        last = graph.push(format!("{kind:?}"), Activation { kind }, &[&last]);
    }
    graph.push("slopes", PRelu {}, &[&last]);
    graph.push("flat", Flatten {}, &["slopes"]);
    graph.push("features", PRelu {}, &["flat"]);
    let model = fill("activations", &graph);
    let back = import_bytes(&to_bytes(&model).unwrap(), &ImportOptions::default()).unwrap().model;
    assert_eq!((back.graph(), back.parameters()), (model.graph(), model.parameters()));
}
