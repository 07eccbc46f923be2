//! What exported files hold.

use super::super::proto;
use super::*;
use crate::test_models::{every_operation, fill, tiny};
use mda_core::graph::Graph;
use mda_core::model::provenance::Provenance;
use mda_core::op::{AvgPool, Clamp, Flatten, Input, MaxPool, Padding, Window};
use std::collections::HashSet;

fn decoded(model: &Model) -> proto::Model {
    proto::Model::decode(to_bytes(model).unwrap().as_slice()).unwrap()
}

fn node<'a>(graph: &'a proto::Graph, name: &str) -> &'a proto::Node {
    graph.node.iter().find(|node| node.name == name).unwrap()
}

fn ints<'a>(node: &'a proto::Node, name: &str) -> &'a [i64] {
    &node.attribute.iter().find(|attribute| attribute.name == name).unwrap().ints
}

fn int(node: &proto::Node, name: &str) -> i64 {
    node.attribute.iter().find(|attribute| attribute.name == name).unwrap().i.unwrap()
}

#[test]
fn the_file_says_what_it_takes_and_gives() {
    let model = every_operation();
    let file = decoded(&model);
    assert_eq!((file.ir_version, file.opset_import[0].version), (8, 17));
    let graph = file.graph.unwrap();
    assert_eq!((graph.name.as_str(), graph.input.len(), graph.output.len()), ("every operation", 1, 1));
    let extents = |value: &proto::ValueInfo| -> Vec<Extent> {
        let tensor = value.kind.clone().unwrap().tensor.unwrap();
        tensor.shape.unwrap().dim.into_iter().map(|dim| dim.extent.unwrap()).collect()
    };
    let batch = || Extent::Parameter("N".into());
    assert_eq!(graph.input[0].name, "images");
    assert_eq!(extents(&graph.input[0]), [batch(), Extent::Value(3), Extent::Value(13), Extent::Value(11)]);
    assert_eq!(graph.output[0].name, "logits");
    assert_eq!(extents(&graph.output[0]), [batch(), Extent::Value(4)]);
}

#[test]
fn nodes_and_parameters_keep_their_names() {
    let model = every_operation();
    let graph = decoded(&model).graph.unwrap();
    for expected in &model.graph().nodes()[1..] {
        assert_eq!(graph.node.iter().filter(|node| node.name == expected.name).count(), 1, "{}", expected.name);
    }
    for (name, tensor) in model.parameters().iter() {
        let initializer = graph.initializer.iter().find(|initializer| initializer.name == name).unwrap();
        assert_eq!(initializer.raw_data.as_ref().unwrap().len(), tensor.len() * 4);
    }
    assert_eq!(node(&graph, "features.0").input, ["normalize", "features.0.weight"]);
}

#[test]
fn values_are_named_once_even_where_the_model_uses_the_names_of_the_file() {
    let mut graph = Graph::new();
    graph.push("x", Input { channels: 1, height: 2, width: 1 }, &[]);
    graph.push("images", Clamp::relu(), &["x"]);
    graph.push("logits", Clamp::relu6(), &["images"]);
    graph.push("logits.max", Flatten {}, &["logits"]);
    let graph = decoded(&fill("names", &graph)).graph.unwrap();
    let mut names = HashSet::from(["images"]);
    assert!(graph.initializer.iter().all(|initializer| names.insert(&initializer.name)));
    for node in &graph.node {
        assert!(node.input.iter().all(|input| names.contains(input.as_str())), "{node:?}");
        assert!(node.output.iter().all(|output| names.insert(output)), "{node:?}");
    }
    assert!(names.contains("logits"));
}

#[test]
fn categories_and_origin_are_metadata() {
    let categories = vec!["cat \"a\"".to_owned(), "ä".into(), "c".into()];
    let origin = Provenance::Assembled {
        form: "parallel".into(),
        rescaling: "none".into(),
        fitted_on: None,
        tuning: None,
        components: Vec::new(),
    };
    let model = tiny().with_categories(categories.clone()).unwrap().with_provenance(origin.clone());
    let entries = decoded(&model).metadata_props;
    let value = |key: &str| &entries.iter().find(|entry| entry.key == key).unwrap().value;
    assert_eq!(serde_json::from_str::<Vec<String>>(value("categories")).unwrap(), categories);
    assert_eq!(serde_json::from_str::<Provenance>(value("mda.provenance")).unwrap(), origin);
}

#[test]
fn partial_windows_become_padding_where_that_means_the_same() {
    let window = Window { kernel: [3, 2], stride: [2, 2], padding: Padding::same(0), dilation: [1, 1] };
    let dilated = Window { dilation: [3, 3], ..window };
    let mut graph = Graph::new();
    graph.push("images", Input { channels: 1, height: 8, width: 8 }, &[]);
    graph.push("free", MaxPool { window, ceil_mode: true }, &["images"]);
    graph.push("dilated", MaxPool { window: dilated, ceil_mode: true }, &["images"]);
    graph.push("exact", AvgPool { window, ceil_mode: true, count_include_pad: false }, &["images"]);
    let padded = Window { padding: Padding::same(1), ..window };
    graph.push("counted", AvgPool { window: padded, ceil_mode: true, count_include_pad: true }, &["images"]);
    graph.push("flatten", Flatten {}, &["counted"]);
    let graph = decoded(&fill("pools", &graph)).graph.unwrap();
    let written = |name| (ints(node(&graph, name), "pads"), int(node(&graph, name), "ceil_mode"));
    assert_eq!(written("free"), (&[0, 0, 1, 0][..], 0));
    assert_eq!(written("dilated"), (&[0, 0, 1, 0][..], 0));
    assert_eq!(written("exact"), (&[0, 0, 1, 0][..], 0));
    assert_eq!(written("counted"), (&[0, 0, 1, 0][..], 0));
    assert_eq!(int(node(&graph, "counted"), "count_include_pad"), 0);
    assert_eq!(node(&graph, "counted/pad").op_type, "Pad");
}

#[test]
fn clamps_become_the_operators_that_others_know() {
    let mut graph = Graph::new();
    graph.push("images", Input { channels: 1, height: 1, width: 2 }, &[]);
    graph.push("relu", Clamp::relu(), &["images"]);
    graph.push("relu6", Clamp::relu6(), &["relu"]);
    graph.push("ceiling", Clamp { min: None, max: Some(3.0) }, &["relu6"]);
    graph.push("nothing", Clamp { min: None, max: None }, &["ceiling"]);
    graph.push("flatten", Flatten {}, &["nothing"]);
    let graph = decoded(&fill("clamps", &graph)).graph.unwrap();
    let written = |name| (node(&graph, name).op_type.as_str(), &node(&graph, name).input[1..]);
    assert_eq!(written("relu"), ("Relu", &[][..]));
    assert_eq!(written("relu6"), ("Clip", &["relu6.min".to_owned(), "relu6.max".into()][..]));
    assert_eq!(written("ceiling"), ("Clip", &[String::new(), "ceiling.max".into()][..]));
    assert_eq!(written("nothing"), ("Identity", &[][..]));
}
