//! The folder of a study: one line of JSON a run, so that a study that was interrupted goes on where it stopped, and a lock, so
//! that no two studies write there at once.

use super::error::StudyError;
use super::record::{Record, Run};
use crate::progress::Progress;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
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
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    path: PathBuf,
    book: Mutex<Book>,
    /// Locked as long as it is open.
    _lock: File,
}

#[derive(Debug)]
struct Book {
    file: File,
    /// Of all whole lines, in bytes.
    length: u64,
    records: Vec<Record>,
    done: HashSet<Run>,
}

impl Store {
    /// Opens or begins the records in `folder`. Those that were computed from anything but `current` inputs stay in the file
    /// and are passed over, equal ones are taken once, and what an interruption left of a line is cut off.
    ///
    /// # Errors
    /// [`StudyError::Io`], [`StudyError::Locked`], [`StudyError::Damaged`] and [`StudyError::UnknownRun`].
    pub(super) fn open(folder: &Path, current: &HashSet<&str>, progress: &dyn Progress) -> Result<Self, StudyError> {
        std::fs::create_dir_all(folder).map_err(failed("creating the folder", folder))?;
        let lock = lock(folder)?;
        let path = folder.join(RUNS);
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let mut file = file.map_err(failed("opening", &path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed("reading", &path))?;
        let (rows, whole) = rows(&path, &bytes)?;
        if whole < bytes.len() {
            progress.note(format!("{} ends in the middle of a line, which is cut off", path.display()));
            file.set_len(whole as u64).map_err(failed("cutting off the end of", &path))?;
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
            progress.note(format!(
                "{others} of the runs in {} are of other models, images, image counts or another version of mda; they \
                 are left out",
                path.display()
            ));
        }
        Ok(Self { folder: folder.to_owned(), path, book: Mutex::new(book), _lock: lock })
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
    /// [`StudyError::Unwritten`]; the file then ends with the line before.
    pub(super) fn add(&self, record: Record, inputs: Vec<String>) -> Result<(), StudyError> {
        let row = Row { inputs, record };
        let unwritten = |source| StudyError::Unwritten { path: self.path.clone(), source };
        let line = serde_json::to_string(&row).map_err(|error| unwritten(error.into()))? + "\n";
        let mut book = self.book();
        if book.done.contains(&row.record.run()) {
            return Ok(());
        }
        if let Err(source) = book.file.write_all(line.as_bytes()).and_then(|()| book.file.sync_data()) {
            // Where this fails too, the next call finds half a line and cuts it off.
            let _ = book.file.set_len(book.length);
            return Err(unwritten(source));
        }
        book.length += line.len() as u64;
        book.done.insert(row.record.run());
        book.records.push(row.record);
        Ok(())
    }

    /// Adds the runs in another folder that were computed from `current` inputs; what is here already stays as it is.
    ///
    /// # Errors
    /// [`StudyError::Io`], [`StudyError::Damaged`] and [`StudyError::UnknownRun`] of the other folder, and as [`Store::add`].
    pub(super) fn take_over(&self, folder: &Path, current: &HashSet<&str>) -> Result<(), StudyError> {
        let path = folder.join(RUNS);
        let bytes = std::fs::read(&path).map_err(failed("reading", &path))?;
        for Row { inputs, record } in rows(&path, &bytes)?.0 {
            if !inputs.is_empty() && inputs.iter().all(|input| current.contains(input.as_str())) {
                self.add(record, inputs)?;
            }
        }
        Ok(())
    }

    /// Where the study writes.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// All runs so far, this call's and earlier ones'.
    pub(super) fn records(&self) -> Vec<Record> {
        self.book().records.clone()
    }
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StudyError + 'a {
    move |source| StudyError::Io { doing, path: path.to_owned(), source }
}

fn lock(folder: &Path) -> Result<File, StudyError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.map_err(failed("opening", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StudyError::Locked { folder: folder.to_owned(), lock: path }),
        Err(TryLockError::Error(error)) => Err(failed("locking", &path)(error)),
    }
}

/// The rows in the bytes of the file at `path`, and up to where they are whole: what follows is no JSON, as an interruption or
/// a full disk leaves it.
fn rows(path: &Path, bytes: &[u8]) -> Result<(Vec<Row>, usize), StudyError> {
    let (mut rows, mut end, mut whole) = (Vec::new(), 0, 0);
    let mut damaged = None;
    for (line, text) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        end += text.len();
        if !text.ends_with(b"\n") || serde_json::from_slice::<serde_json::Value>(text).is_err() {
            damaged.get_or_insert(line);
            continue;
        }
        if let Some(line) = damaged {
            return Err(StudyError::Damaged { path: path.to_owned(), line });
        }
        let unknown = |source| StudyError::UnknownRun { path: path.to_owned(), line, source };
        rows.push(serde_json::from_slice(text).map_err(unknown)?);
        whole = end;
    }
    Ok((rows, whole))
}

#[cfg(test)]
mod tests;
