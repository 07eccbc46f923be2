//! Every architecture has the parameter names, shapes and numbers of its PyTorch original.
//!
//! `fixtures/state_dicts.txt.gz` lists the originals' state_dicts; `fixtures/make.py` wrote it.

#![allow(clippy::unwrap_used)]

use flate2::read::GzDecoder;
use mda_core::graph::ValidGraph;
use std::collections::BTreeMap;
use std::io::Read;

/// An original: its number of trained parameters, and its entries but for `num_batches_tracked`.
#[derive(Default)]
struct Original {
    parameters: u64,
    entries: BTreeMap<String, Vec<usize>>,
}

fn originals() -> BTreeMap<String, Original> {
    let mut text = String::new();
    GzDecoder::new(include_bytes!("fixtures/state_dicts.txt.gz").as_slice()).read_to_string(&mut text).unwrap();
    let mut originals = BTreeMap::new();
    let mut current = &mut Original::default();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix("# ") {
            let (name, parameters) = header.split_once(' ').unwrap();
            current = originals.entry(name.to_owned()).or_default();
            current.parameters = parameters.parse().unwrap();
        } else {
            let (name, shape) = line.split_once(' ').unwrap();
            current.entries.insert(name.into(), shape.split(',').map(|extent| extent.parse().unwrap()).collect());
        }
    }
    originals
}

fn published(name: &str) -> ValidGraph {
    let architecture = mda_models::find(name).unwrap();
    architecture.build(&architecture.published()).unwrap()
}

fn trained_parameters(graph: &ValidGraph) -> u64 {
    let specs = (0..graph.nodes().len()).flat_map(|id| graph.parameter_specs(id));
    specs.filter(|spec| spec.trained).map(|spec| spec.shape.iter().product::<usize>() as u64).sum()
}

#[test]
fn every_architecture_has_the_entries_of_its_original() {
    let originals = originals();
    assert_eq!(originals.len(), mda_models::all().count());
    for architecture in mda_models::all() {
        let graph = published(architecture.name);
        let mut entries = BTreeMap::new();
        for (id, node) in graph.nodes().iter().enumerate() {
            for spec in graph.parameter_specs(id) {
                entries.insert(format!("{}.{}", node.name, spec.suffix), spec.shape);
            }
        }
        let original = &originals[architecture.name];
        assert_eq!(entries, original.entries, "{}", architecture.name);
        assert_eq!(trained_parameters(&graph), original.parameters, "{}", architecture.name);
        assert_eq!(graph.category_count(), architecture.categories);
    }
}

#[test]
fn parameters_are_as_many_as_published() {
    let published_counts = [
        ("alexnet", 61_100_840),
        ("vgg11", 132_863_336),
        ("vgg16", 138_357_544),
        ("vgg16_bn", 138_365_992),
        ("vgg19", 143_667_240),
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("resnext50_32x4d", 25_028_904),
        ("wide_resnet50_2", 68_883_240),
        ("googlenet", 6_624_904),
        ("inception_v3", 23_834_568),
        ("squeezenet1_0", 1_248_424),
        ("squeezenet1_1", 1_235_496),
        ("densenet121", 7_978_856),
        ("mobilenet_v1", 4_231_976),
        ("mobilenet_v2", 3_504_872),
        ("efficientnet_lite0", 4_652_008),
        ("resnet20", 269_722),
        ("resnet56", 853_018),
        ("lenet5", 62_006),
    ];
    for (name, count) in published_counts {
        assert_eq!(trained_parameters(&published(name)), count, "{name}");
    }
}

#[test]
fn multiply_adds_are_as_many_as_published() {
    // torchvision's documentation, in billions, rounded to two digits.
    for (name, billions) in
        [("alexnet", 0.71), ("vgg16", 15.47), ("resnet18", 1.81), ("resnet50", 4.09), ("googlenet", 1.5)]
    {
        let graph = published(name);
        let macs: u64 = (0..graph.nodes().len()).map(|id| graph.macs(id)).sum();
        assert!((macs as f64 / 1e9 - billions).abs() < 0.01, "{name}: {macs}");
    }
}

/// What choosing takes beside running images, whose multiply-adds are bounded each by a constant of its own: at 1e10 a second and core,
/// which a processor of 2020 does, a minute.
#[test]
fn channels_of_large_networks_are_chosen_in_minutes() {
    for name in ["densenet121", "resnet50"] {
        let eliminated = mda_core::attribute::elimination(&published(name));
        assert!((1_000_000_000..600_000_000_000).contains(&eliminated), "{name}: {eliminated} multiply-adds");
    }
}
