//! Files that appear whole or not at all.

mod place;
mod unfinished;

pub(crate) use place::Place;
pub(crate) use unfinished::Unfinished;
pub use unfinished::{abandon, abandon_if_free, create_folders};

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What begins the name of everything that is not whole yet.
pub(crate) const PREFIX: &str = ".mda-unfinished-";

/// Writes `path` through a temporary file in the same folder, which takes its name once everything is on the disk. On
/// failure the temporary file is gone and what stood at `path` is as it was.
///
/// Of a symbolic link the file that it points at is replaced, and the link stays. What is no regular file, such as a FIFO or
/// `/dev/null`, is written through: it takes the bytes as they come and is not replaced. Folders, sockets and disks are
/// refused.
///
/// # Errors
/// From `content` and from the file system.
pub fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    match Place::of(path)? {
        Place::Through(path) => {
            let mut out = BufWriter::new(File::options().write(true).open(path)?);
            content(&mut out)?;
            out.flush()
        }
        Place::Replace(path) => {
            let folder = folder_of(&path);
            let temporary = Unfinished::create(|| builder(0o666).tempfile_in(folder), |file| file.path())?;
            let file = temporary.as_file();
            let mut out = BufWriter::new(file);
            content(&mut out)?;
            out.flush()?;
            drop(out);
            if let Ok(old) = fs::metadata(&path) {
                file.set_permissions(old.permissions())?;
            }
            file.sync_all()?;
            temporary.finish(|file| file.persist(&path).map(drop).map_err(|error| error.error))?;
            sync_folder(folder)
        }
    }
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name is safe from a power cut only once the folder is on the disk too.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Temporary files are private by default; a model is an ordinary file under the user's umask.
#[cfg(unix)]
pub(crate) fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).permissions(fs::Permissions::from_mode(mode));
    builder
}

#[cfg(not(unix))]
pub(crate) fn builder(_mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write(&path, |out| {
            out.write_all(b"half of the new")?;
            Err(io::Error::other("no space"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no space");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::create_dir(&path).unwrap();
        let error = write(&path, |out| out.write_all(b"new")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_points_at_is_replaced() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("far")).unwrap();
        fs::write(path("far/model"), "old").unwrap();
        fs::set_permissions(path("far/model"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("far/model", path("link")).unwrap();
        symlink("far/none-yet", path("dangling")).unwrap();
        for (link, real) in [("link", "far/model"), ("dangling", "far/none-yet")] {
            write(&path(link), |out| out.write_all(b"new")).unwrap();
            assert!(path(link).is_symlink(), "{link}");
            assert_eq!(fs::read(path(real)).unwrap(), b"new");
        }
        let mode = fs::metadata(path("far/model")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "a private file stays private");
        symlink("circle", path("circle")).unwrap();
        assert!(write(&path("circle"), |_| Ok(())).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_take_the_bytes_and_stay() {
        use std::os::unix::fs::FileTypeExt;
        let device = |path: &str| fs::symlink_metadata(path).unwrap().file_type().is_char_device();
        write(Path::new("/dev/null"), |out| out.write_all(b"new")).unwrap();
        let full = write(Path::new("/dev/full"), |out| out.write_all(b"new")).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert!(device("/dev/null") && device("/dev/full"));
    }
}
