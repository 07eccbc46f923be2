//! Temporary files and folders that have to go if the program is stopped.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Everything that is being written right now.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every temporary file and folder of this process. Whoever begins or finishes one afterwards waits for ever, so this
/// is for a program that ends: what a handler of signals calls.
pub fn abandon() {
    remove_all(unfinished());
}

/// The same where no other thread, and not this one itself, is beginning or finishing a file at this moment; otherwise nothing.
pub fn abandon_if_free() {
    if let Ok(paths) = UNFINISHED.try_lock() {
        remove_all(paths);
    }
}

/// Creates a folder and those above it; never while what is temporary is being removed, which would bring it back.
///
/// # Errors
/// From the file system.
pub fn create_folders(path: &Path) -> io::Result<()> {
    let _paths = unfinished();
    fs::create_dir_all(path)
}

fn remove_all(paths: MutexGuard<'_, BTreeSet<PathBuf>>) {
    for path in paths.iter() {
        if path.is_dir() {
            // Another thread may be adding a file: its folder is emptied again.
            let _ = (0..3).find(|_| fs::remove_dir_all(path).is_ok());
        } else {
            let _ = fs::remove_file(path);
        }
    }
    std::mem::forget(paths);
}

/// A temporary file or folder, known by its path for as long as it is one.
pub(crate) struct Unfinished<T> {
    /// Absent only while it is dropped. It removes itself, before its path is forgotten.
    temporary: Option<T>,
    path: PathBuf,
}

impl<T> Unfinished<T> {
    /// Creates and registers in one step, between which no signal is handled.
    pub(crate) fn create(create: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> &Path) -> io::Result<Self> {
        let mut paths = unfinished();
        let temporary = create()?;
        let path = path(&temporary).to_owned();
        paths.insert(path.clone());
        Ok(Self { temporary: Some(temporary), path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it where it belongs, in one step as well.
    pub(crate) fn finish<R>(mut self, finish: impl FnOnce(T) -> io::Result<R>) -> io::Result<R> {
        let mut paths = unfinished();
        let result = self.temporary.take().map(finish);
        paths.remove(&self.path);
        result.unwrap_or_else(|| unreachable!("it is taken once, here"))
    }
}

impl<T> Deref for Unfinished<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.temporary.as_ref().unwrap_or_else(|| unreachable!("only `finish` and `drop` take it"))
    }
}

impl<T> Drop for Unfinished<T> {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            drop(temporary);
            unfinished().remove(&self.path);
        }
    }
}
