//! A file of what a source saw of images: a safetensors file whose tensors are what measures keep of every image.
//!
//! The metadata has three entries: `mda.statistics.format` is the version, [`FORMAT`]; `mda.statistics` is JSON that tells of which
//! source, of which images and how; `mda.tensors_sha256` as in a model file. A tensor is called after its measure and its layer,
//! with a slash between them.

use super::container::{self, Check, Guard, Named};
use super::shared::Shared;
use super::{NativeError, NativeError as Error};
use crate::atomic;
use mda_core::attribute::{Seen, Speaking};
use mda_core::graph::NodeId;
use mda_core::model::provenance::PartsRecord;
use mda_core::{Model, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

/// The version of the file format that this crate reads and writes.
pub const FORMAT: &str = "1";
const FORMAT_KEY: &str = "mda.statistics.format";
const KEY: &str = "mda.statistics";

/// Where statistics come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The source's name.
    pub source: String,
    /// SHA-256 of the source's file, where it was read from one.
    pub source_sha256: Option<String>,
    /// How to find out again which train images were candidates.
    pub images: PartsRecord,
    /// The categories that were looked for.
    pub categories: Vec<usize>,
    /// How many images speak for a category.
    pub top_k: usize,
    /// Up to how many output positions of an image are kept.
    pub positions: usize,
    /// Which shards of the candidates are in it, ascending.
    pub shards: Vec<usize>,
    /// Of how many.
    pub of: usize,
}

#[derive(Serialize, Deserialize)]
struct Description {
    #[serde(flatten)]
    origin: Origin,
    /// Category, position, sureness.
    speaking: Vec<(usize, usize, f64)>,
}

/// Writes statistics to `path`, which holds either the whole new file afterwards or what it held before.
///
/// # Errors
/// [`NativeError::Write`] where the folder cannot be written to, [`NativeError::HeaderTooLarge`] for more images than [`read`]
/// takes.
pub fn write(model: &Model, origin: &Origin, seen: &Seen, path: &Path) -> Result<(), NativeError> {
    let speaking = seen.images().iter().map(|one| (one.category, one.image, one.sureness)).collect();
    let description = Description { origin: origin.clone(), speaking };
    let text = serde_json::to_string(&description).map_err(NativeError::Undescribable)?;
    let name = |measure: &str, layer: NodeId| format!("{measure}/{}", model.graph().node(layer).name);
    let of_measure = |(measure, looks): (&String, &'_ BTreeMap<NodeId, Tensor>)| -> Vec<String> {
        looks.keys().map(|&layer| name(measure, layer)).collect()
    };
    let names: Vec<String> = seen.looks().iter().flat_map(of_measure).collect();
    let numbers = seen.looks().values().flat_map(BTreeMap::values);
    let tensors: Vec<Named<'_>> = names.iter().map(String::as_str).zip(numbers).collect();
    let header = container::header(json!({ FORMAT_KEY: FORMAT, KEY: text }), &tensors, Guard::Digest)?;
    let written = atomic::write(path, |mut out| container::write(&tensors, &header, &mut out));
    written.map_err(|source| NativeError::Write { path: path.to_owned(), source })
}

/// Reads the statistics in the file at `path`, which are of `model`, and checks them against their digest.
///
/// # Errors
/// [`NativeError::File`] with the path and what is wrong with the file, or where it is of another model.
pub fn read(path: &Path, model: &Model) -> Result<(Origin, Seen), NativeError> {
    let open = || -> Result<(Origin, Seen), NativeError> {
        let file = Shared::read(path).map_err(NativeError::Read)?;
        let (metadata, start) = container::read_header(file.bytes())?;
        let needed = |key| container::entry(&metadata, key).ok_or(Error::NoStatistics);
        let found = needed(FORMAT_KEY)?;
        if found != FORMAT {
            return Err(Error::Version { found: found.clone() });
        }
        let damaged = |what: String| Error::Statistics(what);
        let Description { origin, speaking } =
            serde_json::from_str(needed(KEY)?).map_err(|error| damaged(error.to_string()))?;
        let tensors = container::tensors(file.bytes(), &metadata, start, Check::Digest, |shape, range| {
            file.tensor(shape, range)
        })?;
        let mut looks: BTreeMap<String, BTreeMap<NodeId, Tensor>> = BTreeMap::new();
        for (name, numbers) in tensors {
            let found = name.split_once('/').and_then(|(measure, layer)| Some((measure, model.graph().find(layer)?)));
            let Some((measure, layer)) = found else {
                return Err(damaged(format!(
                    "{:?} has no layer for `{name}`: they are of another model",
                    model.name()
                )));
            };
            looks.entry(measure.to_owned()).or_default().insert(layer, numbers);
        }
        let speaking = speaking.into_iter();
        let images = speaking.map(|(category, image, sureness)| Speaking { category, image, sureness }).collect();
        Ok((origin, Seen::of_parts(model, images, looks).map_err(damaged)?))
    };
    open().map_err(|problem| problem.in_file(path))
}

/// Whether the file at `path` holds statistics, of whatever version; only its header is looked at.
pub(crate) fn is_statistics(path: &Path) -> bool {
    let look = || -> io::Result<bool> { container::has(File::open(path)?, FORMAT_KEY) };
    look().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_models::every_operation;
    use mda_core::attribute::Extent;
    use mda_core::method::Measure;
    use mda_core::run::reference::Reference;
    use mda_core::run::{Batch, Batches, ImageSource, Runner};

    struct Grey(Vec<usize>, Vec<String>, Vec<usize>);

    impl ImageSource for Grey {
        fn categories(&self) -> &[String] {
            &self.1
        }

        fn labels(&self) -> &[usize] {
            &self.0
        }

        fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
            Box::new(indices.chunks(batch_size).map(|indices| {
                let size: usize = self.2[1..].iter().product();
                let data =
                    indices.iter().flat_map(|&i| (0..size).map(move |at| ((i * 7 + at) % 11) as f32 / 11.0)).collect();
                let shape = [&[indices.len()], &self.2[1..]].concat();
                let labels = indices.iter().map(|&index| self.0[index]).collect();
                Ok(Batch { images: Tensor::new(shape, data)?, labels, indices: indices.to_vec() })
            }))
        }
    }

    fn statistics() -> (Model, Origin, Seen) {
        let model = every_operation();
        let images = Grey(vec![0, 0, 1, 1], model.categories().to_vec(), model.input_shape().batched(4));
        let runner = Runner { backend: &Reference, device: None, batch_size: 2 };
        let candidates = [(0, vec![0, 1]), (1, vec![2, 3])];
        let measures = [Measure::Obs, Measure::RelativeContribution];
        let seen = Seen::look(&runner, &model, &images, &candidates, &measures, Extent::new(2)).unwrap();
        let record = PartsRecord {
            data: "x".into(),
            seed: 3,
            attribution: Some(2),
            calibration: 1,
            tuned: None,
            listed: Vec::new(),
        };
        let origin = Origin {
            source: "every".into(),
            source_sha256: None,
            images: record,
            categories: vec![0, 1],
            top_k: 2,
            positions: 16,
            shards: vec![0],
            of: 1,
        };
        (model, origin, seen)
    }

    #[test]
    fn statistics_come_back_as_they_were() {
        let (model, origin, seen) = statistics();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.safetensors");
        write(&model, &origin, &seen, &path).unwrap();
        assert_eq!(read(&path, &model).unwrap(), (origin, seen));
        assert!(is_statistics(&path) && !crate::native::is_model(&path).unwrap());
        let error = crate::native::read(&path).unwrap_err().to_string();
        assert!(error.contains("not a model file of MDA"), "{error}");
    }

    #[test]
    fn damage_and_other_files_are_told() {
        let (model, origin, seen) = statistics();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.safetensors");
        write(&model, &origin, &seen, &path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&path, &model).unwrap_err().to_string()
        };
        let mut bent = whole.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert!(refused(&bent).contains("SHA-256"));
        assert!(refused(&whole[..whole.len() - 4]).contains("cut off"));
        assert!(refused(&whole[..20]).contains("not"));
        assert!(refused(b"").contains("0 bytes"));
        let text = String::from_utf8_lossy(&whole[8..400]).replace("\\\"top_k\\\"", "\\\"kop_t\\\"");
        let changed = [&whole[..8], text.as_bytes(), &whole[400..]].concat();
        assert!(refused(&changed).contains("top_k"), "{}", refused(&changed));
        crate::native::write(&model, &path).unwrap();
        assert!(read(&path, &model).unwrap_err().to_string().contains("no statistics"));
    }
}
