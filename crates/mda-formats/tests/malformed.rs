//! Damaged files: whatever is cut, flipped or blown up, the reader answers, and takes no memory that the file does not
//! account for.

use std::path::PathBuf;

use mda_formats::StateDict;
use mda_testkit::allocation::{Counting, alone, peak};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What reading may take at most: a small multiple of the file, and half a mebibyte for the smallest.
fn most_memory(file: &[u8]) -> usize {
    (1 << 19) + 16 * file.len()
}

/// Reads `file` and checks what every answer must be, an error included.
fn read(file: &[u8], what: &str) -> bool {
    let (read, taken) = peak(|| StateDict::from_bytes(file));
    assert!(taken <= most_memory(file), "{what}: {taken} bytes of memory for a file of {}", file.len());
    match read {
        Ok(state_dict) => {
            assert!(!state_dict.entries.is_empty(), "{what}");
            assert_eq!(state_dict.names.len(), state_dict.entries.len(), "{what}");
            assert!(state_dict.entries.values().all(|tensor| tensor.first_non_finite().is_none()), "{what}");
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty(), "{what}");
            false
        }
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(path).expect("the fixture is in the repository")
}

const FILES: [&str; 6] = [
    "state_dict_protocol5_legacy.pth",
    "state_dict_protocol1_legacy.pth",
    "views_legacy.pth",
    "training_legacy.pth",
    "views.pth",
    "dtypes.safetensors",
];

#[test]
fn every_cut_is_an_error() {
    let _alone = alone();
    for name in FILES {
        let file = fixture(name);
        assert!(read(&file, name));
        for length in 0..file.len() {
            assert!(!read(&file[..length], name), "{name}: cut to {length} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_is_survived() {
    let _alone = alone();
    for name in FILES {
        let mut file = fixture(name);
        for at in 0..file.len() {
            for bit in 0..8 {
                file[at] ^= 1 << bit;
                read(&file, &format!("{name}: bit {bit} of byte {at}"));
                file[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn giant_numbers_at_every_place_are_survived() {
    let _alone = alone();
    for name in FILES {
        let file = fixture(name);
        for giant in [&[0xff; 4][..], &[0xff; 8], &[0xff, 0xff, 0xff, 0x7f], &[0, 0, 0, 0x40, 0, 0, 0, 0]] {
            for at in 0..file.len().saturating_sub(giant.len()) {
                let mut file = file.clone();
                file[at..at + giant.len()].copy_from_slice(giant);
                read(&file, &format!("{name}: {giant:x?} at byte {at}"));
            }
        }
    }
}

/// The checksum of an entry hides its content from the flips above, so here it is made right again.
#[test]
fn every_flipped_bit_of_a_zipped_pickle_is_survived() {
    let _alone = alone();
    let file = fixture("training.pth");
    let name = b"training/data.pkl";
    let directory = file.windows(name.len()).rposition(|window| window == name).unwrap() - 46;
    assert_eq!(&file[directory..directory + 4], b"PK\x01\x02");
    let size = usize::from(u16::from_le_bytes([file[directory + 24], file[directory + 25]]));
    let start = file.windows(3).position(|window| window == b"\x80\x02}").unwrap();
    let mut readable = 0;
    for at in start..start + size {
        for bit in 0..8 {
            let mut file = file.clone();
            file[at] ^= 1 << bit;
            let checksum = crc32fast::hash(&file[start..start + size]);
            file[directory + 16..directory + 20].copy_from_slice(&checksum.to_le_bytes());
            readable += usize::from(read(&file, &format!("bit {bit} of byte {at}")));
        }
    }
    // Flips in names and unused values leave a readable file, which shows that the checksums were right.
    assert!(readable > size, "{readable} of {} files", 8 * size);
}

/// A few bytes that ask for far more: every one of these must be stopped by a limit, not by the machine's memory.
#[test]
fn small_files_cannot_ask_for_much() {
    let _alone = alone();
    let file = fixture("views_legacy.pth");
    // The shape (2, 3) of `expanded`, whose second stride is 0, as (2, 2^31 - 1).
    let shape = file.windows(4).rposition(|window| window == b"K\x02K\x03").unwrap();
    let shape = [&file[..shape], b"K\x02J\xff\xff\xff\x7f", &file[shape + 4..]].concat();
    assert!(!read(&shape, "a tensor of 2^32 numbers"));

    let header = br#"{"w":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#;
    let tensor = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    assert!(!read(&tensor, "a safetensors file of 4 TB"));
    assert!(!read(&[&99_999_999u64.to_le_bytes()[..], b"{}"].concat(), "a header of 100 MB"));
}
