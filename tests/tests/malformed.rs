//! Damaged files of every kind that is read: cut, flipped, with giant numbers in them, or as fuzzing found them. The reader
//! answers, without a panic, and takes no memory that the file does not account for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use mda_formats::native;
use mda_models::{Widths, find, random_model};
use mda_testkit::Random;
use mda_testkit::allocation::{Counting, alone, peak};
use mda_tests::parsers::{PARSERS, Parser};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Damaged versions of each valid file, as long as no reader of gzip, which needs files on disk.
const DAMAGED: usize = 2500;

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar archive of two images in two categories.
fn tar() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, fixture) in [("train/cat/1.png", "grey-28x28.png"), ("train/dog/2.jpg", "grey.jpg")] {
        let content = read(&format!("crates/mda-data/fixtures/{fixture}"));
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn small_model() -> Vec<u8> {
    let architecture = find("resnet20").unwrap();
    let mut config = architecture.published();
    (config.categories, config.widths, config.input) = (2, Widths::Scaled(0.07), [3, 8, 8]);
    let graph = architecture.build(&config).unwrap();
    native::to_bytes(&random_model(&graph, vec!["cat".into(), "dog".into()], 1).unwrap()).unwrap()
}

/// Valid files for a parser, which it must accept.
fn valid(parser: &Parser) -> Vec<Vec<u8>> {
    let formats = |name: &str| read(&format!("crates/mda-formats/tests/fixtures/{name}"));
    let images = ["grey.jpg", "progressive.jpg", "colour-32x32.png", "grey-28x28.png"];
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 40][..], &[3; 40]].concat();
    match parser.name {
        "native" => vec![small_model()],
        "pth_zip" => vec![formats("state_dict.pth"), formats("views.pth")],
        "pth_pickle" => vec![read("fuzz/corpus/pth_pickle/valid")],
        "pth_legacy" => vec![formats("views_legacy.pth"), formats("state_dict_protocol5_legacy.pth")],
        "safetensors" => vec![formats("dtypes.safetensors")],
        "onnx" => vec![formats("onnx/mobile.script.onnx"), formats("onnx/plain.dynamo.onnx")],
        "idx" => vec![labels, [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4][..], &[7; 24]].concat()],
        "gzip" => vec![gzip(&labels), gzip(&tar())],
        "tar" => vec![tar()],
        "image" => images.map(|name| read(&format!("crates/mda-data/fixtures/{name}"))).to_vec(),
        other => panic!("{other} has no valid file here"),
    }
}

/// Feeds `bytes` to a parser and answers whether it accepted them.
fn feed(parser: &Parser, bytes: &[u8], what: &str) -> bool {
    let name = parser.name;
    let (accepted, taken) = peak(|| (parser.accepts)(bytes));
    let most = (parser.most_memory)(bytes.len());
    assert!(taken <= most, "{name}, {what}: {taken} bytes of memory for a file of {}, expected {most}", bytes.len());
    accepted
}

/// One to three changes of a kind that damaged and hostile files have.
fn damaged(file: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len().max(1)).min(bytes.len());
        let rest = bytes.len() - at;
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            2 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.bits() as u8),
            3 => {
                let giant = [0xffff_ffff_ffff_ffff, 0x7fff_ffff_ffff_ffff, 0x7fff_ffff, 0xffff_ffff, 1 << 40, 1 << 62];
                let giant: u64 = giant[random.below(giant.len())];
                let number = if random.below(2) == 0 { giant.to_le_bytes() } else { giant.to_be_bytes() };
                let length = rest.min([2, 4, 8][random.below(3)]);
                bytes[at..at + length].copy_from_slice(&number[..length]);
            }
            4 => drop(bytes.drain(at..at + random.below(rest + 1).min(64))),
            _ => {
                let again = bytes[at..at + random.below(rest + 1).min(256)].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

#[test]
fn damaged_files_are_survived() {
    let _alone = alone();
    for parser in &PARSERS {
        let mut random = Random::new(11);
        let (mut accepted, mut refused) = (0, 0);
        for (number, file) in valid(parser).iter().enumerate() {
            assert!(feed(parser, file, "a valid file"), "{} refuses valid file {number}", parser.name);
            let count = if parser.name == "gzip" { DAMAGED / 5 } else { DAMAGED };
            for round in 0..count {
                let bytes = damaged(file, &mut random);
                let answer = feed(parser, &bytes, &format!("file {number}, round {round}"));
                *(if answer { &mut accepted } else { &mut refused }) += 1;
            }
        }
        assert!(refused > accepted / 10, "{}: {refused} refused, {accepted} accepted", parser.name);
    }
}

/// Every cut of a valid file is refused: no format here may end early without a word.
#[test]
fn cut_files_are_refused() {
    let _alone = alone();
    // A JPEG's decoder makes up what is missing at the end, a tar archive may end without its two empty blocks, and the
    // end of a pickle is its last byte.
    for parser in PARSERS.iter().filter(|parser| !["image", "tar", "gzip"].contains(&parser.name)) {
        for file in valid(parser) {
            for length in (0..file.len()).step_by(1 + file.len() / 400) {
                assert!(!feed(parser, &file[..length], "cut"), "{}: accepted {length} bytes", parser.name);
            }
        }
    }
}

/// The inputs that fuzzing kept, findings among them.
#[test]
fn the_corpus_of_fuzzing_is_survived() {
    let _alone = alone();
    for parser in &PARSERS {
        let folder = in_repository(&format!("fuzz/corpus/{}", parser.name));
        let mut inputs = 0;
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            feed(parser, &std::fs::read(&path).unwrap(), &path.display().to_string());
            inputs += 1;
        }
        assert!(inputs > 0, "{} has no inputs", folder.display());
        assert!(in_repository(&format!("fuzz/fuzz_targets/{}.rs", parser.name)).is_file());
    }
}
