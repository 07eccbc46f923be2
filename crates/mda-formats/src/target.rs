//! Where results go: checked before the work begins, written whole when it is done.

mod error;
mod folder;
mod kind;

pub use error::TargetError;
pub use folder::Folder;
pub use kind::{CARD, Kind, REPORT};

use crate::atomic::{self, Place, Unfinished};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What must not be lost by writing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guard<'a> {
    /// Files and folders that are read. None of these files is ever written to.
    pub inputs: &'a [&'a Path],
    /// Whether a file of another kind than what is written may be replaced.
    pub force: bool,
}

/// A file that may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(PathBuf);

impl Target {
    /// Checks that a file of `kind` can be written at `path` and that nothing is lost by it: that its folder takes files, that
    /// it is none of the inputs, that its name does not promise another format, and that a file which is there is empty, of
    /// the same kind, or may be replaced.
    ///
    /// # Errors
    /// [`TargetError`] says which of these it is.
    pub fn new(path: &Path, kind: Kind<'_>, guard: Guard<'_>) -> Result<Self, TargetError> {
        kind.check_name(path)?;
        let place = Place::of(path).map_err(|source| TargetError::Io { path: path.to_owned(), source })?;
        for &input in guard.inputs {
            if is_input(path, input, kind) {
                return Err(TargetError::Input { path: path.to_owned(), input: input.to_owned() });
            }
        }
        if let Place::Replace(real) = place {
            kind.check_content(path, guard.force)?;
            takes_files(atomic::folder_of(&real))
                .map_err(|source| TargetError::Io { path: path.to_owned(), source })?;
        }
        Ok(Self(path.to_owned()))
    }

    /// Where it is, as it was named.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes it as [`atomic::write`] does.
    ///
    /// # Errors
    /// From `content` and from the file system.
    pub fn write(&self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        atomic::write(&self.0, content)
    }
}

/// Whether writing a file of `kind` to `path` would change `input`, a file, or a folder of images, in which nothing but files
/// of this kind may be replaced.
fn is_input(path: &Path, input: &Path, kind: Kind<'_>) -> bool {
    if same(path, input) {
        return true;
    }
    let (Ok(path), Ok(input)) = (fs::canonicalize(path), fs::canonicalize(input)) else { return false };
    input.is_dir() && path.starts_with(input) && !kind.is_kind_of(&path)
}

/// Whether both lead to one file, by whatever names.
#[cfg(unix)]
fn same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
fn same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether files can be created in `folder`: one is, and is gone again.
fn takes_files(folder: &Path) -> io::Result<()> {
    if !folder.try_exists()? {
        let problem = format!("there is no folder {}", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, problem));
    }
    Unfinished::create(|| atomic::builder(0o666).tempfile_in(folder), |file| file.path()).map(drop)
}

#[cfg(test)]
mod tests;
