//! What stands where a file is to be written.

use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

/// As many links behind one another as Linux follows.
const MAX_LINKS: usize = 40;

/// How a path is written to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A regular file, or nothing yet, which a new file takes the place of. Not a link.
    Replace(PathBuf),
    /// Something that takes bytes and stays what it is: a terminal, `/dev/null`, a FIFO.
    Through(PathBuf),
}

impl Place {
    /// The place that `path` leads to.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
            Ok(found) if found.is_file() => match path.is_symlink() {
                true => fs::canonicalize(path).map(Self::Replace),
                false => Ok(Self::Replace(path.to_owned())),
            },
            Ok(found) => match refused(found.file_type()) {
                Some(what) => Err(io::Error::new(io::ErrorKind::InvalidInput, what)),
                None => Ok(Self::Through(path.to_owned())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => followed(path).map(Self::Replace),
            Err(error) => Err(error),
        }
    }
}

/// The name at the end of a chain of links that leads to nothing.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if !path.is_symlink() {
            return Ok(path);
        }
        let next = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    Err(io::Error::other("too many symbolic links behind one another"))
}

/// Why nothing is written through a special file of this type.
#[cfg(unix)]
fn refused(file: FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    if file.is_block_device() {
        Some("it is a disk (a block device), whose content would be lost")
    } else if file.is_socket() {
        Some("it is a socket")
    } else {
        None
    }
}

#[cfg(not(unix))]
fn refused(_file: FileType) -> Option<&'static str> {
    None
}
