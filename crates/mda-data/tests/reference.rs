//! The real data sets against what the reference saw. Needs `MDA_SHARED`, a folder with `data/` and `reference/`.

#![allow(clippy::unwrap_used, reason = "clippy only sees the test functions themselves as tests")]

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use mda_core::run::ImageSource;
use mda_data::{DataSet, Preparation, Split};
use safetensors::SafeTensors;

/// The folder in `MDA_SHARED`, or `None` with a reason on the standard output stream.
fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("MDA_SHARED").map(PathBuf::from);
    if path.is_none() {
        println!("skipped: MDA_SHARED is not set");
    }
    path
}

/// Test images as the reference's network saw them.
struct Reference {
    /// u8, `[100, 3, 32, 32]`.
    images: Vec<u8>,
    labels: Vec<usize>,
    indices: Vec<usize>,
}

fn reference(model: &str) -> Option<Reference> {
    let bytes = fs::read(shared()?.join(format!("reference/{model}.io.safetensors"))).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let data = |name| tensors.tensor(name).unwrap().data().to_vec();
    let numbers = |name| {
        data(name).chunks_exact(8).map(|n| i64::from_le_bytes(n.try_into().unwrap()) as usize).collect::<Vec<_>>()
    };
    Some(Reference { images: data("images"), labels: numbers("labels"), indices: numbers("test_index") })
}

fn open(name: &str, split: Split) -> Option<DataSet> {
    Some(DataSet::open(&shared()?.join("data").join(name), split).unwrap())
}

/// The prepared images at the reference's indices, back in u8, after their labels were compared.
fn prepared(name: &str, reference: &Reference) -> Vec<u8> {
    let set = open(name, Split::Test).unwrap().prepare(Preparation::new(3, 32, 32).unwrap());
    let mut bytes = Vec::new();
    let mut labels = Vec::new();
    for batch in set.batches(&reference.indices, 32).map(Result::unwrap) {
        bytes.extend(batch.images.data().iter().map(|value| (value * 255.0).round() as u8));
        labels.extend(batch.labels);
    }
    assert_eq!(labels, reference.labels);
    bytes
}

#[test]
fn mnist_and_fashion_mnist_equal_the_reference_in_every_bit() {
    for (model, name) in [
        ("lenet5-mnist", "mnist"),
        ("lenet5-fashion-mnist", "fashion-mnist"),
        ("vgg16-w0.375-fashion-mnist", "fashion-mnist"),
    ] {
        let Some(reference) = reference(model) else { return };
        let ours = prepared(name, &reference);
        let different = ours.iter().zip(&reference.images).filter(|(a, b)| a != b).count();
        assert_eq!((ours.len(), different), (reference.images.len(), 0), "{model}");
    }
}

#[test]
fn jpeg_sets_are_close_to_the_reference_and_in_its_order() {
    for (model, name) in [("vgg16-w0.375-cifar10", "cifar10"), ("vgg16-w0.375-tiny-imagenet-32", "tiny-imagenet-32")] {
        let Some(reference) = reference(model) else { return };
        let ours = prepared(name, &reference);
        assert_eq!(ours.len(), reference.images.len());
        let differences: Vec<u8> = ours.iter().zip(&reference.images).map(|(a, b)| a.abs_diff(*b)).collect();
        let unequal = differences.iter().filter(|&&d| d > 0).count();
        let largest = differences.iter().max().unwrap();
        println!("{model}: {unequal} of {} values differ, by at most {largest}", ours.len());
        // `decode` lists the decoder's figures over all test images: 6.3 % differ, by at most 4.
        assert!(unequal * 100 <= ours.len() * 8 && *largest <= 4, "{model}: {unequal}, {largest}");
    }
}

#[test]
fn selected_train_indices_count_as_the_reference_does() {
    for (model, name, per_category) in
        [("vgg16-w0.375-cifar10", "cifar10", 50), ("vgg16-w0.375-tiny-imagenet-32", "tiny-imagenet-32", 20)]
    {
        let Some(set) = open(name, Split::Train) else { return };
        let path = shared().unwrap().join(format!("reference/{model}.json"));
        let json: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let selected = json["selected_train_indices"].as_array().unwrap();
        assert_eq!(selected.len(), per_category * set.categories().len());
        for (position, index) in selected.iter().enumerate() {
            assert_eq!(set.labels()[index.as_u64().unwrap() as usize], position / per_category, "{model}, {position}");
        }
    }
}

#[test]
fn splits_have_their_published_sizes_and_names() {
    let sizes = [("mnist", 60_000, 10_000), ("fashion-mnist", 60_000, 10_000), ("cifar10", 50_000, 10_000)];
    for (name, train, test) in sizes {
        let (Some(a), Some(b)) = (open(name, Split::Train), open(name, Split::Test)) else { return };
        assert_eq!((a.len(), b.len(), a.categories()), (train, test, b.categories()));
    }
    let Some(tiny) = open("tiny-imagenet-32", Split::Test) else { return };
    assert_eq!((tiny.len(), tiny.categories().len()), (10_000, 200));
    assert_eq!((tiny.categories()[0].as_str(), tiny.display_name(0)), ("n01443537", Some("goldfish")));
}

#[test]
fn a_walk_over_a_test_split_is_timed() {
    for name in ["mnist", "cifar10", "tiny-imagenet-32"] {
        let start = Instant::now();
        let Some(set) = open(name, Split::Test) else { return };
        let opened = start.elapsed();
        let set = set.prepare(Preparation::new(3, 32, 32).unwrap());
        let indices: Vec<usize> = (0..set.labels().len()).collect();
        let images: usize = set.batches(&indices, 100).map(|batch| batch.unwrap().labels.len()).sum();
        println!("{name}: opened in {opened:.2?}, {images} images in {:.2?}", start.elapsed() - opened);
        assert_eq!(images, 10_000);
    }
}
