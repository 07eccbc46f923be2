//! Checkpoints built in memory.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

/// `{"w": tensor}`, the tensor being the two f32 of storage 0.
const WEIGHTS: &[u8] = b"\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x02tQK\x00K\x02\x85K\x01\x85\x89NtRs.";

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_checkpoint_packed_by_another_program_is_read() {
    let contents = read_zip(&archive(&[("x/data.pkl", WEIGHTS), ("x/data/0", &[0; 8])])).unwrap();
    let (name, tensor) = &contents.entries[0];
    assert_eq!((name.as_str(), tensor.as_ref().unwrap().shape()), ("w", &[2][..]));
}

#[test]
fn a_missing_or_short_storage_names_the_tensor() {
    let error = read_zip(&archive(&[("x/data.pkl", WEIGHTS)])).unwrap_err();
    let missing = LayoutError::MissingStorage { key: "0".to_owned() };
    assert!(
        matches!(&error, PytorchError::Tensor { tensor, source } if tensor == "w" && source.to_string() == missing.to_string())
    );
    let short = read_zip(&archive(&[("x/data.pkl", WEIGHTS), ("x/data/0", &[0; 7])]));
    assert!(matches!(short, Err(PytorchError::Tensor { source: LayoutError::StorageSize { .. }, .. })));
}

#[test]
fn other_archives_are_told_apart() {
    let big = archive(&[("x/data.pkl", WEIGHTS), ("x/byteorder", b"big")]);
    assert!(matches!(read_zip(&big), Err(PytorchError::BigEndian)));
    let script = archive(&[("x/data.pkl", WEIGHTS), ("x/constants.pkl", b"")]);
    assert!(matches!(read_zip(&script), Err(PytorchError::TorchScript)));
    let arrays = archive(&[("weight.npy", b"")]);
    assert!(matches!(read_zip(&arrays), Err(PytorchError::NoPickle { entries }) if entries == ["weight.npy"]));
}

/// A checkpoint of the older format: its five pickles and the bytes after them.
fn legacy(version: &[u8], machine: &[u8], object: &[u8], keys: &[u8], storages: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    [&magic[..], version, machine, object, keys, storages].concat()
}

#[test]
fn the_older_format_is_checked_part_by_part() {
    let (version, machine, keys) = (b"M\xe9\x03.", b"}U\x0dlittle_endian\x88s.", b"]U\x010a.");
    let storage = [&2u64.to_le_bytes()[..], &[0; 8]].concat();
    let good = legacy(version, machine, WEIGHTS, keys, &storage);
    assert!(is_legacy(&good));
    assert_eq!(read_legacy(&good).unwrap().entries.len(), 1);

    let big = legacy(version, b"}U\x0dlittle_endian\x89s.", WEIGHTS, keys, &storage);
    assert!(matches!(read_legacy(&big), Err(PytorchError::BigEndian)));
    let newer = legacy(b"M\xea\x03.", machine, WEIGHTS, keys, &storage);
    assert!(matches!(read_legacy(&newer), Err(PytorchError::Protocol { found: 1002, .. })));
    let odd = legacy(b"N.", machine, WEIGHTS, keys, &storage);
    assert!(matches!(read_legacy(&odd), Err(PytorchError::Header { part: "protocol version", .. })));
    let unknown = legacy(version, machine, WEIGHTS, b"]U\x017a.", &storage);
    assert!(matches!(read_legacy(&unknown), Err(PytorchError::UnknownStorage { key }) if key == "7"));
    let cut = legacy(version, machine, WEIGHTS, keys, &storage[..15]);
    assert!(matches!(read_legacy(&cut), Err(PytorchError::StorageCut { key, .. }) if key == "0"));
    let giant = legacy(version, machine, WEIGHTS, keys, &u64::MAX.to_le_bytes());
    assert!(matches!(read_legacy(&giant), Err(PytorchError::StorageCut { .. })));
    let missing = legacy(version, machine, WEIGHTS, b"].", &storage);
    assert!(matches!(read_legacy(&missing), Err(PytorchError::Tensor { .. })));
}
