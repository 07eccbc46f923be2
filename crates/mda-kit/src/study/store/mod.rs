//! The folder of a study: one line of JSON a run, so that a study that was interrupted goes on where it stopped, and a lock, so
//! that no two studies write there at once.

use super::record::{Record, Run};
use crate::output::Output;
use anyhow::{Context as _, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file of the runs.
const RUNS: &str = "runs.jsonl";
/// The file that a study holds a lock on while it runs. It stays; the lock goes with the process.
const LOCK: &str = "lock";

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Row {
    /// What the run was computed from, as [`super::identity`] tells; of nothing that is known in lines of older versions.
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(flatten)]
    record: Record,
}

/// The file of records, appended to by several threads.
pub(super) struct Store {
    path: PathBuf,
    book: Mutex<Book>,
    /// Locked as long as it is open.
    _lock: File,
}

struct Book {
    file: File,
    /// Of all whole lines, in bytes.
    length: u64,
    records: Vec<Record>,
    done: HashSet<Run>,
}

/// A result that could not be written: there is no point in going on.
#[derive(Debug)]
pub(super) struct Unwritten {
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writing {}", self.path.display())
    }
}

impl std::error::Error for Unwritten {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Store {
    /// Opens or begins the records in `folder`. Those that were computed from anything but `current` inputs stay in the file
    /// and are passed over, equal ones are taken once, and what an interruption left of a line is cut off.
    pub(super) fn open(folder: &Path, current: &HashSet<&str>, output: Output) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("creating the folder {}", folder.display()))?;
        let lock = lock(folder)?;
        let path = folder.join(RUNS);
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let mut file = file.with_context(|| format!("opening {}", path.display()))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("reading {}", path.display()))?;
        let (rows, whole) = rows(&bytes).with_context(|| path.display().to_string())?;
        if whole < bytes.len() {
            output.note(format!("{} ends in the middle of a line, which is cut off", path.display()));
            file.set_len(whole as u64).with_context(|| format!("cutting off the end of {}", path.display()))?;
        }
        let mut book = Book { file, length: whole as u64, records: Vec::new(), done: HashSet::new() };
        let mut others = 0;
        for Row { inputs, record } in rows {
            if inputs.is_empty() || !inputs.iter().all(|input| current.contains(input.as_str())) {
                others += 1;
            } else if book.done.insert(record.run()) {
                book.records.push(record);
            }
        }
        if others > 0 {
            output.note(format!(
                "{others} of the runs in {} are of other models, images, image counts or another version of mda; they \
                 are left out",
                path.display()
            ));
        }
        Ok(Self { path, book: Mutex::new(book), _lock: lock })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a run is done, by this call or an earlier one.
    pub(super) fn has(&self, run: &Run) -> bool {
        self.book().done.contains(run)
    }

    /// Adds a run that was computed from `inputs`; what is there already stays as it is.
    ///
    /// # Errors
    /// [`Unwritten`]; the file then ends with the line before.
    pub(super) fn add(&self, record: Record, inputs: Vec<String>) -> anyhow::Result<()> {
        let row = Row { inputs, record };
        let line = serde_json::to_string(&row)? + "\n";
        let mut book = self.book();
        if book.done.contains(&row.record.run()) {
            return Ok(());
        }
        if let Err(source) = book.file.write_all(line.as_bytes()).and_then(|()| book.file.sync_data()) {
            // Where this fails too, the next call finds half a line and cuts it off.
            let _ = book.file.set_len(book.length);
            return Err(Unwritten { path: self.path.clone(), source }.into());
        }
        book.length += line.len() as u64;
        book.done.insert(row.record.run());
        book.records.push(row.record);
        Ok(())
    }

    /// All runs so far, this call's and earlier ones'.
    pub(super) fn records(&self) -> Vec<Record> {
        self.book().records.clone()
    }
}

fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(anyhow!(
            "another study is writing to {} (it holds {}); wait for it, or give another --output",
            folder.display(),
            path.display()
        )),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
    }
}

/// The rows in a file's bytes, and up to where they are whole: what follows is no JSON, as an interruption or a full disk
/// leaves it.
fn rows(bytes: &[u8]) -> anyhow::Result<(Vec<Row>, usize)> {
    let (mut rows, mut end, mut whole) = (Vec::new(), 0, 0);
    let mut damaged = None;
    for (line, text) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        end += text.len();
        if !text.ends_with(b"\n") || serde_json::from_slice::<serde_json::Value>(text).is_err() {
            damaged.get_or_insert(line);
            continue;
        }
        if let Some(damaged) = damaged {
            bail!("line {damaged} is damaged: expected JSON; take the line out, and its run is done again");
        }
        rows.push(
            serde_json::from_slice(text).with_context(|| format!("line {line} is no run that this version knows"))?,
        );
        whole = end;
    }
    Ok((rows, whole))
}

#[cfg(test)]
mod tests;
