//! Finds out what kind of data set lies at a path.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::data_set::DataSet;
use crate::error::DataError;
use crate::store::Store;
use crate::{Split, archive, idx_folder, image_folder, names};

/// The optional file of category descriptions beside an archive or a split's folder: `<folder>\t<description>` a line.
const DESCRIPTION_FILE: &str = "classes.tsv";

/// The endings of archives, in the order in which they are tried.
const ARCHIVE_ENDINGS: [&str; 3] = ["tar.gz", "tgz", "tar"];

impl DataSet {
    /// Opens a split of the data set at `path`, whatever kind it is of. In this order it is
    ///
    /// 1. an archive, a file that ends in `.tar.gz`, `.tgz` or `.tar`: see [`archive`](crate::archive);
    /// 2. a folder with the official IDX files of MNIST: see [`idx_folder`](crate::idx_folder);
    /// 3. a folder with `<split>.tar.gz`, `<split>.tgz` or `<split>.tar`;
    /// 4. a folder with a folder `<split>`: see [`image_folder`](crate::image_folder).
    ///
    /// The split's folder name is `train` or `test`; where there is no `test`, `val` stands in, as sets whose test
    /// labels are secret are used. Every category must hold an image.
    ///
    /// Images of an archive keep its order within their category, those of a folder are sorted by file name: after
    /// unpacking an archive, indices may mean other images.
    ///
    /// # Errors
    /// [`DataError`] where nothing of these is there (it lists what was looked for), or what is there is malformed.
    pub fn open(path: &Path, split: Split) -> Result<Self, DataError> {
        if path.is_file() {
            let name = path.to_string_lossy();
            if !ARCHIVE_ENDINGS.iter().any(|ending| name.ends_with(&format!(".{ending}"))) {
                return Err(DataError::NoArchive { path: path.to_path_buf() });
            }
            return open_archive(path, split.folder_names());
        }
        if let Some(found) = idx_folder::read(path, split)? {
            let idx_folder::IdxFolder { path, images, height, width, labels, categories } = found;
            let from = path.display().to_string();
            let store = Store::Raw { path, data: images, height, width };
            return Self::new(store, labels, categories, vec![], vec![], &from);
        }
        let [image_file, label_file] = idx_folder::file_names(split);
        let mut looked_for = vec![format!("{image_file}[.gz] and {label_file}[.gz]")];
        for name in split.folder_names() {
            for ending in ARCHIVE_ENDINGS {
                let archive = format!("{name}.{ending}");
                if path.join(&archive).is_file() {
                    return open_archive(&path.join(&archive), &[name]);
                }
                looked_for.push(archive);
            }
            let folder = path.join(name);
            if folder.is_dir() {
                let image_folder::ImageFolder { categories, files, labels, left_out } = image_folder::read(&folder)?;
                let descriptions = read_descriptions(path, &categories)?;
                return Self::new(Store::Files(files), labels, categories, descriptions, left_out, name);
            }
            looked_for.push(format!("{name}/<category>/"));
        }
        Err(DataError::NotFound { path: path.to_path_buf(), split, looked_for })
    }
}

impl DataSet {
    /// Images that nobody has labelled, all of one category, `image`: the train images of the data set at `path`, or, where it is a
    /// folder that is none, every image file in it and in the folders below, sorted by path.
    ///
    /// # Errors
    /// [`DataError`] where there is no image, and where a data set is malformed.
    pub fn unlabelled(path: &Path) -> Result<Self, DataError> {
        let set = match Self::open(path, Split::Train) {
            Err(DataError::NotFound { .. }) if path.is_dir() => {
                let (files, left_out) = image_folder::all(path)?;
                let labels = vec![0; files.len()];
                Self::new(
                    Store::Files(files),
                    labels,
                    vec!["image".into()],
                    vec![],
                    left_out,
                    &path.display().to_string(),
                )?
            }
            other => other?,
        };
        Ok(set.without_labels())
    }
}

fn open_archive(path: &Path, splits: &[&str]) -> Result<DataSet, DataError> {
    let mut archive = archive::read(path, splits)?;
    let categories = std::mem::take(&mut archive.categories);
    let left_out = std::mem::take(&mut archive.left_out);
    let labels = archive.images.iter().map(|image| image.label).collect();
    let descriptions = read_descriptions(path.parent().unwrap_or(Path::new("")), &categories)?;
    DataSet::new(Store::Archive(archive), labels, categories, descriptions, left_out, &path.display().to_string())
}

/// The description of every category, `None` where the file has none; empty where there is no file.
fn read_descriptions(folder: &Path, categories: &[String]) -> Result<Vec<Option<String>>, DataError> {
    let path = folder.join(DESCRIPTION_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(source) => return Err(DataError::Io { path, source }),
    };
    let mut by_category = HashMap::new();
    for (line, text) in names::lines(&text).filter(|(_, text)| !text.is_empty()) {
        let Some((category, description)) = text.split_once('\t') else {
            return Err(DataError::Description { path, line, text: text.to_string() });
        };
        by_category.insert(category.trim(), description.trim().to_string());
    }
    Ok(categories.iter().map(|category| by_category.remove(category.as_str())).collect())
}
