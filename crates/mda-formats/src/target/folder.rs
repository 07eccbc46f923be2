//! A whole folder of results.

use super::{Kind, Target, TargetError};
use crate::atomic::{self, Place, Unfinished};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that is filled beside its place and takes it once it is whole. Until then, and after a failure, nothing of it is
/// to be seen.
///
/// Where the folder is there already it is filled inside it, under a temporary name, and then its files take their places one
/// by one; what else is in the folder stays.
pub struct Folder {
    target: PathBuf,
    filling: Unfinished<TempDir>,
}

impl Folder {
    /// Checks that the folder can be made, and that none of the files that it will get replaces one of another kind, unless
    /// `force` is given. `contents` are their paths within the folder.
    ///
    /// # Errors
    /// [`TargetError`] with the path that is in the way or cannot be written.
    pub fn new(path: &Path, contents: &[(PathBuf, Kind<'_>)], force: bool) -> Result<Self, TargetError> {
        let failed = |path: &Path, source| TargetError::Io { path: path.to_owned(), source };
        if path.exists() && !path.is_dir() {
            let problem = "it is there and is no folder";
            return Err(failed(path, io::Error::new(io::ErrorKind::NotADirectory, problem)));
        }
        for (name, kind) in contents {
            let own = path.join(name);
            match Place::of(&own).map_err(|source| failed(&own, source))? {
                Place::Replace(_) => kind.check_content(&own, force)?,
                Place::Through(_) => {
                    let problem = "it is no regular file, as those of the folder are";
                    return Err(failed(&own, io::Error::new(io::ErrorKind::InvalidInput, problem)));
                }
            }
        }
        let beside = existing(path);
        let filling = Unfinished::create(|| atomic::builder(0o777).tempdir_in(beside), |folder| folder.path())
            .map_err(|source| failed(path, source))?;
        Ok(Self { target: path.to_owned(), filling })
    }

    /// Where the files are written to.
    pub fn path(&self) -> &Path {
        self.filling.path()
    }

    /// The file that will be called `name` within the folder.
    pub fn file(&self, name: impl AsRef<Path>) -> Target {
        Target(self.path().join(name))
    }

    /// Where they will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Puts the folder, or its files, where they belong.
    ///
    /// # Errors
    /// From the file system. The folder is not there then; of one that was there, some files may have been replaced, whole.
    pub fn finish(self) -> io::Result<()> {
        let Self { target, filling } = self;
        if target.is_dir() {
            // What is left of it, empty folders, is removed.
            return fill(filling.path(), &target);
        }
        atomic::create_folders(atomic::folder_of(&target))?;
        filling.finish(|filling| {
            fs::rename(filling.path(), &target)?;
            // It is not temporary any more.
            let _ = filling.keep();
            Ok(())
        })
    }
}

/// The nearest folder above or at `path` that is there.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."))
}

/// Moves all files below `from` to the same places below `to`.
fn fill(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (own, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            atomic::create_folders(&target)?;
            fill(&own, &target)?;
        } else if target.is_symlink() {
            // The file that the link points at may lie on another disk.
            atomic::write(&target, |out| io::copy(&mut File::open(&own)?, out).map(drop))?;
        } else {
            fs::rename(&own, &target)?;
        }
    }
    Ok(())
}
