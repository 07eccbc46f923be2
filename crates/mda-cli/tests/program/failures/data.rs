//! Data sets that are none, are damaged, or do not fit the model.

use super::super::asset;
use super::{Bench, FAILED, refused, small_network, with_mnist};
use mda_data::{Split, write_categories, write_idx};
use std::fs;

#[test]
fn folders_that_are_no_data_sets() {
    let bench = with_mnist();
    let path = |name: &str| bench.path(name);
    fs::create_dir(path("nothing")).unwrap();
    for folder in ["unfilled/test/cat", "unfilled/test/dog", "broken/test/cat", "broken/test/dog"] {
        fs::create_dir_all(path(folder)).unwrap();
    }
    fs::write(path("unfilled/test/cat/1.png"), "x").unwrap();
    for file in ["broken/test/cat/1.png", "broken/test/dog/1.png"] {
        fs::write(path(file), "no pixels").unwrap();
    }
    fs::write(path("text.tar"), "no archive").unwrap();
    fs::write(path("text.tar.gz"), "no archive").unwrap();
    small_network(&path("pets.safetensors"), "pets", 3, &["cat", "dog"]);
    let cases = [
        ("--data=none", FAILED, &["opening the test images of none"][..]),
        ("--data=nothing", FAILED, &["no test split at nothing", "looked for"]),
        ("--data=m.safetensors", FAILED, &["a data set is a folder"]),
        ("--data=mnist/t10k-images-idx3-ubyte.gz", FAILED, &["for IDX files give their folder"]),
        ("--data=text.tar", FAILED, &["text.tar"]),
        ("--data=text.tar.gz", FAILED, &["text.tar.gz"]),
        ("--data=none.tar", FAILED, &["none.tar"]),
        ("--data=unfilled", FAILED, &["category \"dog\" has no"]),
    ];
    refused(&bench, "evaluate m.safetensors", &cases);
    let cases = [("--data=broken", FAILED, &["1.png", "neither a JPEG nor a PNG"][..])];
    refused(&bench, "evaluate pets.safetensors", &cases);
}

/// The IDX files of a split, with their header and content.
fn idx(bench: &Bench, folder: &str, images: &[u8], labels: &[u8]) {
    fs::create_dir_all(bench.path(folder)).unwrap();
    fs::write(bench.path(folder).join("t10k-images-idx3-ubyte"), images).unwrap();
    fs::write(bench.path(folder).join("t10k-labels-idx1-ubyte"), labels).unwrap();
}

#[test]
fn idx_files_that_are_damaged() {
    let bench = with_mnist();
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2][..], &[9; 8]].concat();
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 0, 1];
    let changed = |bytes: &[u8], at: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = byte;
        bytes
    };
    idx(&bench, "cut", &images[..images.len() - 3], &labels);
    idx(&bench, "headless", &images[..5], &labels);
    idx(&bench, "long", &[&images[..], b"more"].concat(), &labels);
    idx(&bench, "swapped", &labels, &images);
    idx(&bench, "words", &changed(&images, 2, 0x0d), &labels);
    idx(&bench, "text", b"these are no pixels at all", &labels);
    idx(&bench, "hostile", &changed(&images, 4, 0xff), &labels);
    idx(&bench, "flat", &changed(&images, 11, 0), &labels);
    idx(&bench, "fewer", &images, &changed(&labels, 7, 1)[..9]);
    idx(&bench, "zipped", &images, &labels);
    fs::write(bench.path("zipped/t10k-images-idx3-ubyte.gz"), &images).unwrap();
    idx(&bench, "unlabelled", &images, &labels);
    fs::remove_file(bench.path("unlabelled/t10k-labels-idx1-ubyte")).unwrap();
    idx(&bench, "unnamed", &images, &labels);
    bench.write("unnamed/categories.txt", "0\n");
    idx(&bench, "twice", &images, &labels);
    bench.write("twice/categories.txt", "0\n0\n");
    let cases = [
        ("--data=cut", FAILED, &["need 8 bytes, found 5"][..]),
        ("--data=headless", FAILED, &["header of 16 bytes", "ends after 5"]),
        ("--data=long", FAILED, &["need 8 bytes, but more follow"]),
        ("--data=swapped", FAILED, &["are images and labels swapped?"]),
        ("--data=words", FAILED, &["unsigned bytes", "0x0d"]),
        ("--data=text", FAILED, &["begins with bytes 00 00"]),
        ("--data=hostile", FAILED, &["promise more than"]),
        ("--data=flat", FAILED, &["hold nothing"]),
        ("--data=fewer", FAILED, &["2 images", "1 labels"]),
        ("--data=zipped", FAILED, &["t10k-images-idx3-ubyte.gz"]),
        ("--data=unlabelled", FAILED, &["neither t10k-labels-idx1-ubyte.gz nor"]),
        ("--data=unnamed", FAILED, &["categories.txt"]),
        ("--data=twice", FAILED, &["line 2", "was there before"]),
        ("--data=cut --split=train", FAILED, &["no train split at cut"]),
    ];
    refused(&bench, "evaluate m.safetensors", &cases);
}

#[test]
fn data_that_does_not_fit_the_model() {
    let bench = with_mnist();
    for (folder, own) in [("few", [0, 1, 2, 3]), ("gap", [0, 1, 3, 3])] {
        let labels: Vec<u8> = (0..40).map(|n| own[n % 4]).collect();
        for split in [Split::Train, Split::Test] {
            write_idx(&bench.path(folder), split, &[7; 40 * 16], 4, 4, &labels).unwrap();
        }
        write_categories(&bench.path(folder), &["0", "1", "2", "3"]).unwrap();
    }
    small_network(&bench.path("four.safetensors"), "four", 4, &["0", "1", "2", "3"]);
    let fashion = asset("fashion-mnist");
    let cases = [
        (format!("evaluate m.safetensors --data={fashion}"), ["none of the model's categories", "hint:"]),
        ("evaluate m.safetensors --data=few --task=7".into(), ["the data has no image", "the task's categories"]),
        ("evaluate four.safetensors --data=mnist".into(), ["[4, 8, 8]", "1 or 3"]),
        ("disassemble m.safetensors --data=gap --task=0-3 -o=out".into(), ["category 2 (\"2\")", "no image"]),
        ("disassemble m.safetensors --data=few --task=5 -o=out".into(), ["no category", "5"]),
        (format!("disassemble m.safetensors --data={fashion} --task=5 -o=out"), ["none of the model's", "hint:"]),
    ];
    let cases: Vec<_> = cases.iter().map(|(command, says)| (command.as_str(), FAILED, &says[..])).collect();
    refused(&bench, "", &cases);
}
