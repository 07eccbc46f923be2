//! What the results of a source depend on besides a run's settings, as one hash: two runs of equal settings and equal hashes
//! are the same run.

use super::error::StudyError;
use super::recipe::{ImageCounts, MeasuredOn};
use mda_core::Model;
use mda_core::run::ImageSource;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Raised by every change that moves the numbers of a study.
const NUMERICS: u32 = 4;

/// Data sets nest `SPLIT/CATEGORY/IMAGE`.
const DEPTH: usize = 3;

/// The hash of a source called `name`: its whole model, its images, which lie at `path` where they are files, and who looks at
/// how many of them, and this version's numerics.
pub(super) fn of_source(
    name: &str,
    model: &Model,
    path: Option<&Path>,
    parts: [&dyn ImageSource; 2],
    (counts, measured_on): (&ImageCounts, MeasuredOn),
) -> Result<String, StudyError> {
    let mut hash = Hash(Sha256::new());
    let ImageCounts { top_k, candidates, calibration, rescaling: _ } = counts;
    // As it is written in the folders of earlier versions.
    let measured_on = match measured_on {
        MeasuredOn::Test => "Test",
        MeasuredOn::Validation => "HeldOut",
    };
    hash.text(env!("CARGO_PKG_VERSION"));
    hash.text(&format!("{NUMERICS} {top_k} {candidates} {calibration} {measured_on} {name}"));
    hash.model(model);
    match path {
        Some(path) => hash.files(path)?,
        None => parts.into_iter().for_each(|images| hash.text(&mda_data::identity(images))),
    }
    for part in parts {
        part.categories().iter().for_each(|category| hash.text(category));
        hash.numbers(part.labels().iter().map(|&label| (label as u64).to_le_bytes()));
    }
    Ok(hash.finish())
}

struct Hash(Sha256);

impl Hash {
    /// With its length, so that no two lists of texts are alike.
    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    fn numbers<const N: usize>(&mut self, numbers: impl ExactSizeIterator<Item = [u8; N]>) {
        self.0.update((numbers.len() as u64).to_le_bytes());
        numbers.for_each(|number| self.0.update(number));
    }

    /// Graph, categories and numbers.
    fn model(&mut self, model: &Model) {
        self.text(&serde_json::to_string(&model.graph().to_graph()).expect("a graph is written as JSON"));
        model.categories().iter().for_each(|category| self.text(category));
        for (name, tensor) in model.parameters().iter() {
            self.text(name);
            self.numbers(tensor.data().iter().map(|number| number.to_le_bytes()));
        }
    }

    /// The names and sizes of the files that a data set consists of.
    fn files(&mut self, path: &Path) -> Result<(), StudyError> {
        let mut found = Vec::new();
        let failed = |source| StudyError::Io { doing: "listing the files of", path: path.to_owned(), source };
        list(path, "", DEPTH, &mut found).map_err(failed)?;
        found.sort();
        for (name, size) in found {
            self.text(&name);
            self.0.update(size.to_le_bytes());
        }
        Ok(())
    }

    fn finish(self) -> String {
        self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Adds the files at and below `path`, whose name within the data set is `name`; hidden ones are no part of it.
fn list(path: &Path, name: &str, depth: usize, found: &mut Vec<(String, u64)>) -> std::io::Result<()> {
    let about = match std::fs::metadata(path) {
        // A link to nothing is no image.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        about => about?,
    };
    if !about.is_dir() {
        found.push((name.to_owned(), about.len()));
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let own = entry.file_name().to_string_lossy().into_owned();
        if !own.starts_with('.') {
            list(&entry.path(), &format!("{name}/{own}"), depth - 1, found)?;
        }
    }
    Ok(())
}
