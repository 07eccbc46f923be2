//! Image folders on disk: `<split>/<category>/NAME.{jpg,jpeg,png}`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::left_out::{self, LeftOut, Reason};

/// The image files of one split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFolder {
    /// The folder name of every category, sorted.
    pub categories: Vec<String>,
    /// The images, category by category, sorted by file name.
    pub files: Vec<PathBuf>,
    /// The category of every image.
    pub labels: Vec<usize>,
    /// What lies there and is not used, by reason.
    pub left_out: Vec<LeftOut>,
}

/// Why a folder is no image folder.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageFolderError {
    /// A folder cannot be listed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no category.
    #[error("{}: no folder of a category in it; expected <category>/<name>.jpg, .jpeg or .png", path.display())]
    NoCategory {
        /// The split's folder.
        path: PathBuf,
    },
    /// A folder without an image.
    #[error("{}: no .jpg, .jpeg or .png file in it or in the folders below", path.display())]
    NoImage {
        /// The folder.
        path: PathBuf,
    },
    /// A category's folder without an image.
    #[error("{}: category {category:?} has no .jpg, .jpeg or .png file", path.display())]
    EmptyCategory {
        /// The split's folder.
        path: PathBuf,
        /// The category's folder name.
        category: String,
    },
    /// A category's folder name is not UTF-8.
    #[error("{}: the name is not UTF-8", path.display())]
    Name {
        /// The category's folder.
        path: PathBuf,
    },
}

/// Lists the image files of `folder`, the folder of a split.
///
/// Files that are no images are left out and counted. What begins with a dot is passed over in silence: systems put it there.
///
/// # Errors
/// [`ImageFolderError`] where a folder cannot be listed, or a category is empty.
pub fn read(folder: &Path) -> Result<ImageFolder, ImageFolderError> {
    let mut found = ImageFolder { categories: vec![], files: vec![], labels: vec![], left_out: vec![] };
    for path in sorted(folder)?.into_iter().filter(|path| !is_hidden(path)) {
        if !path.is_dir() {
            left_out::count(&mut found.left_out, Reason::Beside, || path.display().to_string());
            continue;
        }
        let Some(category) = path.file_name().and_then(|name| name.to_str()).map(str::to_string) else {
            return Err(ImageFolderError::Name { path });
        };
        let before = found.files.len();
        for path in sorted(&path)?.into_iter().filter(|path| !is_hidden(path)) {
            if is_image(&path) {
                found.files.push(path);
            } else {
                let reason = if path.is_dir() { Reason::Nested } else { Reason::Format };
                left_out::count(&mut found.left_out, reason, || path.display().to_string());
            }
        }
        if found.files.len() == before {
            return Err(ImageFolderError::EmptyCategory { path: folder.to_path_buf(), category });
        }
        found.labels.resize(found.files.len(), found.categories.len());
        found.categories.push(category);
    }
    if found.categories.is_empty() {
        return Err(ImageFolderError::NoCategory { path: folder.to_path_buf() });
    }
    Ok(found)
}

/// Lists the image files of `folder` and of the folders in it, however deep, sorted by path; what else lies there is counted.
///
/// # Errors
/// [`ImageFolderError::Io`] where a folder cannot be listed, and [`ImageFolderError::NoImage`] where there is none.
pub fn all(folder: &Path) -> Result<(Vec<PathBuf>, Vec<LeftOut>), ImageFolderError> {
    let (mut files, mut left_out, mut folders) = (vec![], vec![], vec![folder.to_path_buf()]);
    while let Some(own) = folders.pop() {
        for path in sorted(&own)?.into_iter().filter(|path| !is_hidden(path)) {
            if is_image(&path) {
                files.push(path);
            } else if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                left_out::count(&mut left_out, Reason::Format, || path.display().to_string());
            }
        }
    }
    if files.is_empty() {
        return Err(ImageFolderError::NoImage { path: folder.to_path_buf() });
    }
    files.sort();
    Ok((files, left_out))
}

/// Whether a file of this name is taken for an image. Hidden files are not: `._1.jpg` is what macOS adds to archives.
pub(crate) fn is_image_name(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    !name.starts_with('.') && matches!(extension.as_deref(), Some("jpg" | "jpeg" | "png"))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_image(path: &Path) -> bool {
    path.file_name().is_some_and(|name| is_image_name(&name.to_string_lossy())) && path.is_file()
}

/// What lies in `folder`, by name (bytewise).
fn sorted(folder: &Path) -> Result<Vec<PathBuf>, ImageFolderError> {
    let list = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>();
    let mut paths = list().map_err(|source| ImageFolderError::Io { path: folder.to_path_buf(), source })?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(folder: &Path, names: &[&str]) {
        for name in names {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
    }

    #[test]
    fn categories_and_files_are_sorted() {
        let dir = tempfile::tempdir().unwrap();
        touch(
            dir.path(),
            &["dog/2.JPEG", "dog/10.jpg", "dog/._2.JPEG", ".cache/1.jpg", "cat/z.png", "cat/notes.txt", "readme.md"],
        );
        let folder = read(dir.path()).unwrap();
        assert_eq!(folder.categories, ["cat", "dog"]);
        let names: Vec<_> = folder.files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["z.png", "10.jpg", "2.JPEG"]);
        assert_eq!(folder.labels, [0, 1, 1]);
    }

    #[test]
    fn what_is_left_out_is_counted_by_reason() {
        let dir = tempfile::tempdir().unwrap();
        let images = ["cat/1.jpg", "dog/1.jpg", "dog/.DS_Store"];
        touch(dir.path(), &images);
        assert_eq!(read(dir.path()).unwrap().left_out, []);
        touch(dir.path(), &["cat/2.webp", "dog/3.webp", "dog/4.bmp", "dog/more/5.jpg", "labels.csv"]);
        let told: Vec<_> = read(dir.path())
            .unwrap()
            .left_out
            .into_iter()
            .map(|LeftOut { reason, count, example }| (reason, count, example.rsplit('/').next().unwrap().to_owned()))
            .collect();
        let expected = [(Reason::Format, 3, "2.webp"), (Reason::Nested, 1, "more"), (Reason::Beside, 1, "labels.csv")];
        assert_eq!(told, expected.map(|(reason, count, example)| (reason, count, example.to_owned())));
    }

    #[test]
    fn an_empty_category_is_named() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), &["cat/1.jpg", "emu/notes.txt"]);
        let error = read(dir.path()).unwrap_err();
        assert!(matches!(&error, ImageFolderError::EmptyCategory { category, .. } if category == "emu"), "{error}");
    }

    #[test]
    fn a_folder_without_categories_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), &["1.jpg"]);
        assert!(matches!(read(dir.path()), Err(ImageFolderError::NoCategory { .. })));
        assert!(matches!(read(&dir.path().join("nowhere")), Err(ImageFolderError::Io { .. })));
    }

    #[test]
    fn images_without_labels_lie_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(all(folder.path()), Err(ImageFolderError::NoImage { .. })));
        fs::create_dir_all(folder.path().join("b/deep")).unwrap();
        for name in ["z.JPG", "b/deep/1.png", "b/2.jpeg", "b/notes.txt", ".hidden.png"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let (files, left_out) = all(folder.path()).unwrap();
        let names: Vec<_> =
            files.iter().map(|file| file.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["b/2.jpeg", "b/deep/1.png", "z.JPG"]);
        assert_eq!(left_out.iter().map(|left| left.count).sum::<usize>(), 1);
    }
}
