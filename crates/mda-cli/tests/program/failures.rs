//! Bad input: a clear error, its exit status, nothing left behind, nothing overwritten.
//!
//! Every case is a line of a table: the command, the status, and the words that what is said must have. All cases of a
//! table share one folder, which has to be the same afterwards, file by file.

mod assembling;
mod data;
mod importing;
mod methods;
mod models;
mod outputs;
mod studies;
mod tasks;
mod usage;

use super::{Bench, asset};
use mda_core::graph::Graph;
use mda_core::op::{Conv2d, Flatten, GlobalAvgPool, Input};
use mda_core::tensor::Parameters;
use mda_core::{Model, Tensor};
use mda_formats::native;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A command, the status that it ends with, and what it says on stderr.
type Case<'a> = (&'a str, i32, &'a [&'a str]);

/// `mda` could not do it.
const FAILED: i32 = 1;
/// The command line was not understood.
const USAGE: i32 = 2;

/// Runs every case, with `before` in front of its arguments.
fn refused(bench: &Bench, before: &str, cases: &[Case<'_>]) {
    let files = snapshot(bench.folder.path());
    for (arguments, status, says) in cases {
        let command = format!("{before} {arguments}");
        let arguments = words(&command);
        let output = bench.mda(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(*status), "mda {command}: {said}");
        assert!(output.stdout.is_empty(), "mda {command} printed results before it failed");
        assert!(said.starts_with("error: ") || said.contains("\nerror: "), "mda {command}: {said}");
        for word in ["panicked", "RUST_BACKTRACE", ".mda-unfinished"] {
            assert!(!said.contains(word), "mda {command}: {said}");
        }
        for word in *says {
            assert!(said.contains(word), "mda {command}: expected `{word}` in: {said}");
        }
        let now = snapshot(bench.folder.path());
        let changed: Vec<_> = files.iter().filter(|file| now.get(file.0) != Some(file.1)).map(|file| file.0).collect();
        assert!(changed.is_empty(), "mda {command} changed {changed:?}");
        let left: Vec<_> = now.keys().filter(|path| !files.contains_key(*path)).collect();
        assert!(left.is_empty(), "mda {command} left {left:?}");
    }
}

/// The arguments of a command line; single quotes keep what is between them together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// What a path holds.
#[derive(Debug, PartialEq)]
enum Held {
    Folder,
    Link(PathBuf),
    File(Vec<u8>),
    /// A FIFO or a socket.
    Special,
}

/// All that is in a folder.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Held> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        let held = if kind.is_dir() {
            all.extend(snapshot(&path));
            Held::Folder
        } else if kind.is_symlink() {
            Held::Link(fs::read_link(&path).unwrap())
        } else if kind.is_file() {
            Held::File(fs::read(&path).unwrap())
        } else {
            Held::Special
        };
        all.insert(path, held);
    }
    all
}

/// A bench with the embedded MNIST network as `m.safetensors` and its images in `mnist`.
fn with_mnist() -> Bench {
    let bench = Bench::new();
    fs::copy(asset("lenet5-mnist.safetensors"), bench.path("m.safetensors")).unwrap();
    fs::create_dir(bench.path("mnist")).unwrap();
    for file in fs::read_dir(asset("mnist")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), bench.path("mnist").join(file.file_name())).unwrap();
    }
    bench
}

/// Writes a small network with these categories, for images of `channels` by 8 by 8.
fn small_network(path: &Path, name: &str, channels: usize, categories: &[&str]) {
    let count = categories.len();
    let mut graph = Graph::new();
    let input = graph.push("input", Input { channels, height: 8, width: 8 }, &[]);
    let conv = graph.push("conv", Conv2d::dense(count, 3, 1, 1, false), &[&input]);
    let pool = graph.push("pool", GlobalAvgPool {}, &[&conv]);
    graph.push("flatten", Flatten {}, &[&pool]);
    let weight = Tensor::new([count, channels, 3, 3], vec![0.5; count * channels * 9]).unwrap();
    let parameters: Parameters = [("conv.weight", weight)].into_iter().collect();
    let categories = categories.iter().map(|&name| name.to_owned()).collect();
    let model = Model::new(name, graph.validate().unwrap(), parameters, categories).unwrap();
    native::write(&model, path).unwrap();
}
