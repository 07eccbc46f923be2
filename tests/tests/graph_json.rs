//! The JSON form of graphs: nothing is lost on the way, and nothing in a file makes the reader panic.

use mda_core::graph::{Graph, ValidGraph};
use mda_core::run::reference::evaluate;
use mda_testkit::Random;
use mda_testkit::generate::{models, random_images, with_random_parameters};
use proptest::prelude::*;
use serde_json::{Value, json};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn graphs_survive_json(model in models()) {
        let text = serde_json::to_string(&model.graph().to_graph()).unwrap();
        let read: Graph = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read.validate().unwrap(), model.graph());
    }

    #[test]
    fn edited_graphs_never_panic(model in models(), seed: u64, edits in 1usize..5) {
        let mut random = Random::new(seed);
        let mut value = serde_json::to_value(model.graph().to_graph()).unwrap();
        for _ in 0..edits {
            edit(&mut value, &mut random);
        }
        let Ok(graph) = serde_json::from_value::<Graph>(value) else { return Ok(()) };
        match graph.validate() {
            Err(errors) => prop_assert!(!errors.to_string().is_empty()),
            Ok(valid) if is_small(&valid) => {
                let model = with_random_parameters("edited", &graph, seed).unwrap();
                evaluate(&model, &random_images(&model, 1, seed), |_, _| {});
            }
            Ok(_) => {}
        }
    }

    #[test]
    fn damaged_text_never_panics(model in models(), seed: u64) {
        let mut random = Random::new(seed);
        let mut text = serde_json::to_vec(&model.graph().to_graph()).unwrap();
        for _ in 0..1 + random.below(4) {
            let position = random.below(text.len());
            text[position] = b"0123456789-.e\"{}[],:ntf\\\xff"[random.below(25)];
        }
        text.truncate(text.len() - random.below(2) * random.below(text.len()));
        if let Ok(graph) = serde_json::from_slice::<Graph>(&text) {
            let _ = graph.validate().map_err(|errors| errors.to_string());
        }
    }
}

/// Small enough to hold its weights and to run; a validated graph may ask for far more than a test should.
fn is_small(graph: &ValidGraph) -> bool {
    let ids = || 0..graph.nodes().len();
    let specs = ids().flat_map(|id| graph.parameter_specs(id));
    let weights: f64 = specs.map(|spec| spec.shape.iter().map(|&extent| extent as f64).product::<f64>()).sum();
    let work: f64 = ids().map(|id| graph.macs(id) as f64 + graph.node(id).shape.elements() as f64).sum();
    weights < 1e5 && work < 1e6
}

/// Changes one thing somewhere in `value`.
fn edit(value: &mut Value, random: &mut Random) {
    let strange = [json!(0), json!(1), json!(2), json!(65_537), json!(u64::MAX), json!(-1), json!(0.5), json!(1e39)];
    let others = [json!(null), json!("images"), json!(""), json!([]), json!({}), json!(true), json!([7, null])];
    match value {
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(random.below(map.len())).cloned().unwrap_or_default();
            match random.below(8) {
                0 => drop(map.remove(&key)),
                1 => {
                    let taken = map.remove(&key).unwrap_or_default();
                    map.insert(format!("{key}s"), taken);
                }
                _ => edit(&mut map[&key], random),
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let index = random.below(list.len());
            match random.below(8) {
                0 => drop(list.remove(index)),
                1 => list.push(list[index].clone()),
                2 => list.swap(index, 0),
                _ => edit(&mut list[index], random),
            }
        }
        leaf if random.below(4) > 0 => *leaf = strange[random.below(strange.len())].clone(),
        leaf => *leaf = others[random.below(others.len())].clone(),
    }
}
