//! The released Model-LEGO code is one value of the formulation: its masks on trained LeNets come out bit for bit, and
//! another value gives others.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mda_core::Model;
use mda_core::attribute::{Selection, attribute};
use mda_core::method::Formulation;
use mda_core::op::Normalize;
use mda_core::run::Runner;
use mda_core::run::reference::Reference;
use mda_formats::StateDict;
use mda_models::{guess, load};
use mda_testkit::golden::{FIXTURES, Golden, SelectedImages, fixture_dir};

/// The trained model of a fixture, with the normalisation that it was trained with.
fn source(name: &str) -> Model {
    let state = StateDict::read(fixture_dir(name).join(format!("{name}.pth"))).unwrap();
    let shapes: Vec<_> = state.entries.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect();
    let guess = guess(&shapes).unwrap();
    let mut config = guess.config;
    config.normalization = Some(Normalize { mean: vec![0.5; 3], std: vec![0.5; 3] });
    let graph = guess.architecture.build(&config).unwrap();
    let parameters = load(&graph, state.entries).unwrap().parameters;
    Model::new(name, graph, parameters, (0..10).map(|k| k.to_string()).collect()).unwrap()
}

/// How many of the official decisions `formulation` shares, and how many there are.
fn agreement(model: &Model, golden: &Golden, images: &SelectedImages, formulation: &Formulation) -> (usize, usize) {
    let runner = Runner { backend: &Reference, device: None, batch_size: 50 };
    let selection = Selection::new((0..10).map(|category| (category, images.of_category(category))).collect());
    let attribution = attribute(&runner, model, images, &selection, formulation).unwrap();
    let graph = model.graph();
    let (mut equal, mut all) = (0, 0);
    for (layer, official) in &golden.input_mask {
        let input = graph.node(graph.find(layer).unwrap()).inputs[0];
        for (category, relevance) in &attribution.categories {
            let pairs = relevance.relevant[input].iter().zip(&official[*category]);
            equal += pairs.filter(|(ours, theirs)| ours == theirs).count();
            all += official[*category].len();
        }
    }
    (equal, all)
}

#[test]
fn the_official_method_is_one_value_of_the_formulation() {
    let written = "soft,accumulation=hard,propagation=reset,conv.alpha=0.3,linear.alpha=0.4";
    let official: Formulation = written.parse().unwrap();
    assert_eq!(official, Formulation::model_lego());
    for name in FIXTURES {
        let golden = Golden::open(&fixture_dir(name), name).unwrap();
        let images = golden.selected.as_ref().unwrap();
        let model = source(name);
        let (equal, all) = agreement(&model, &golden, images, &official);
        assert_eq!(equal, all, "{name}");
        let (equal, all) = agreement(&model, &golden, images, &Formulation::soft());
        assert!(equal < all, "{name}: soft accumulation decides otherwise somewhere");
    }
}
