//! Zip archives, whole and damaged.

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

/// An archive of the `zip` crate.
fn archive(entries: &[(&str, &[u8])], method: CompressionMethod, comment: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.set_comment(comment).unwrap();
    writer.finish().unwrap().into_inner()
}

fn stored(entries: &[(&str, &[u8])]) -> Vec<u8> {
    archive(entries, CompressionMethod::Stored, "")
}

fn position(file: &[u8], signature: u32) -> usize {
    file.windows(4).rposition(|window| window == signature.to_le_bytes()).unwrap()
}

#[test]
fn stored_entries_are_found_by_name() {
    for comment in ["", "a comment, PK\u{5}\u{6} and all"] {
        let file = archive(&[("a/b", b"one"), ("empty", b"")], CompressionMethod::Stored, comment);
        let archive = Archive::open(&file).unwrap();
        assert_eq!(archive.entry("a/b").unwrap(), Some(&b"one"[..]), "{comment}");
        assert_eq!(archive.entry("empty").unwrap(), Some(&b""[..]), "{comment}");
        assert_eq!(archive.entry("a").unwrap(), None, "{comment}");
    }
}

#[test]
fn a_compressed_entry_is_an_error_where_it_is_asked_for() {
    let file = archive(&[("a", &[7; 100])], CompressionMethod::Deflated, "");
    let archive = Archive::open(&file).unwrap();
    assert_eq!(archive.names().collect::<Vec<_>>(), ["a"]);
    assert!(matches!(archive.entry("a"), Err(ArchiveError::Packed { method: 8, .. })));
}

#[test]
fn a_wrong_checksum_names_the_entry() {
    let mut file = stored(&[("a", b"one")]);
    let at = file.windows(3).position(|window| window == b"one").unwrap();
    file[at] ^= 4;
    assert!(matches!(Archive::open(&file), Err(ArchiveError::Checksum { entry, .. }) if entry == "a"));
}

#[test]
fn entries_that_overlap_are_an_error() {
    let mut file = stored(&[("a", &[1; 300]), ("b", &[1; 300])]);
    let directory = file.windows(4).position(|window| window == CENTRAL_HEADER.to_le_bytes()).unwrap();
    // Many lines of the directory for one and the same entry.
    let line = file[directory..directory + 47].to_vec();
    let end = position(&file, END);
    let mut tail = file.split_off(end);
    for _ in 0..8 {
        file.extend_from_slice(&line);
    }
    tail[10] = 10;
    file.extend_from_slice(&tail);
    assert!(matches!(Archive::open(&file), Err(ArchiveError::Overlap { .. } | ArchiveError::Duplicate { .. })));
    for copy in 0..8 {
        file[end + copy * 47 + 46] = b'c' + copy as u8;
    }
    assert!(matches!(Archive::open(&file), Err(ArchiveError::Overlap { .. })));
}

#[test]
fn a_second_entry_of_one_name_is_an_error() {
    let mut file = stored(&[("a", b"one"), ("b", b"two")]);
    let last = position(&file, CENTRAL_HEADER);
    file[last + 46] = b'a';
    assert!(matches!(Archive::open(&file), Err(ArchiveError::Duplicate { entry }) if entry == "a"));
}

#[test]
fn numbers_of_64_bits_are_read_from_the_extra_field() {
    let mut header = [0; 46];
    header[..4].copy_from_slice(&CENTRAL_HEADER.to_le_bytes());
    header[20..28].fill(0xff);
    header[28] = 1;
    header[30] = 4 + 3 + 4 + 16;
    header[42] = 99;
    let other_field = [9, 0, 3, 0, 1, 2, 3];
    let wide_field = [&[1, 0, 16, 0][..], &7u64.to_le_bytes(), &7u64.to_le_bytes()].concat();
    let file = [&header[..], b"a", &other_field, &wide_field].concat();
    let entry = File(&file).central_header(0).unwrap();
    assert_eq!((entry.size, entry.local_header, entry.packed, entry.next), (7, 99, false, file.len()));

    header[42..46].fill(0xff);
    let file = [&header[..], b"a", &other_field, &wide_field].concat();
    assert!(matches!(File(&file).central_header(0), Err(ArchiveError::Record { .. })));
}

#[test]
fn every_cut_is_an_error() {
    let file = stored(&[("a", b"one"), ("b", b"two")]);
    for length in 0..file.len() {
        assert!(Archive::open(&file[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn no_change_of_a_few_bytes_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut file = stored(&[("a", b"one"), ("b", b"two")]);
        for (index, byte) in changes {
            let at = index.index(file.len());
            file[at] = byte;
        }
        if let Ok(archive) = Archive::open(&file) {
            for name in archive.names() {
                prop_assert!(!matches!(archive.entry(name), Ok(None)));
            }
        }
    }
}
