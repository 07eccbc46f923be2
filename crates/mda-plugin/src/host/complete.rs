//! Whether a library's file holds all that it says. The system's loader maps a truncated one all the same, and the process
//! dies of a bus error as soon as it touches what is missing.

use super::error::LoadProblem;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The header of an ELF file of 64 bits, and what describes a segment there.
const HEADER: usize = 64;
const SEGMENT: usize = 56;
/// What is loaded into memory, among its segments.
const LOAD: u32 = 1;

/// Checks that every segment of the library at `path` lies within the file. Other formats than the ELF of this kind of
/// machine are left to the system, which refuses them.
///
/// # Errors
/// [`LoadProblem::Read`], and [`LoadProblem::Truncated`] where a part is missing.
pub(super) fn check(path: &Path) -> Result<(), LoadProblem> {
    let mut file = File::open(path).map_err(LoadProblem::Read)?;
    let metadata = file.metadata().map_err(LoadProblem::Read)?;
    if !metadata.is_file() {
        return Err(LoadProblem::NotAFile);
    }
    let mut header = [0; HEADER];
    let own_order = if cfg!(target_endian = "little") { 1 } else { 2 };
    if file.read_exact(&mut header).is_err() || header[..6] != [0x7F, b'E', b'L', b'F', 2, own_order] {
        return Ok(());
    }
    let start = long(&header, 0x20);
    let mut segments = vec![0; SEGMENT * usize::from(short(&header, 0x38))];
    let table = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut segments));
    let needed = match table {
        Ok(()) => segments.chunks_exact(SEGMENT).filter_map(end_of_segment).max().unwrap_or(0),
        Err(_) => start.saturating_add(segments.len() as u64),
    };
    let found = metadata.len();
    if needed > found { Err(LoadProblem::Truncated { needed, found }) } else { Ok(()) }
}

/// Where a segment that is loaded ends in the file.
fn end_of_segment(segment: &[u8]) -> Option<u64> {
    let kind = u32::from_ne_bytes([segment[0], segment[1], segment[2], segment[3]]);
    (kind == LOAD).then(|| long(segment, 0x08).saturating_add(long(segment, 0x20)))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_ne_bytes(number)
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}
