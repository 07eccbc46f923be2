//! Golden data: what PyTorch and the official Model-LEGO code computed on real models.
//!
//! The full set lies where `MDA_SHARED` says ([`shared_dir`]), one set of files a model: `NAME.json`,
//! `NAME.io.safetensors`, `NAME.masks.safetensors` and `NAME.scores.safetensors`. A part of it for the two LeNets, together
//! with the checkpoints and the images that decided their masks, is committed ([`fixture_dir`]), so that the masks can be
//! reproduced everywhere; its files are the same, some of them compressed (`.gz`).

mod facts;
mod selected;
mod tensors;

pub use facts::{Facts, LayerFacts, TaskFacts};
pub use selected::SelectedImages;

use mda_core::Tensor;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tensors::TensorFile;
use thiserror::Error;

/// The environment variable that names the folder of models, data sets and golden data.
pub const SHARED: &str = "MDA_SHARED";

/// The models whose golden data are committed, [`fixture_dir`] each.
pub const FIXTURES: [&str; 2] = ["lenet5-mnist", "lenet5-fashion-mnist"];

/// The golden data of one model.
#[derive(Clone, Debug)]
pub struct Golden {
    /// Accuracies, counts, and the selection of training images.
    pub facts: Facts,
    /// `[N, C, H, W]`, pixel values in `0.0..=1.0`: test images as the network saw them before normalisation.
    pub images: Tensor,
    /// The label of every image.
    pub labels: Vec<usize>,
    /// The position of every image in the test split.
    pub test_index: Vec<usize>,
    /// PyTorch's logits of the images, `[N, K]`.
    pub logits: Tensor,
    /// By layer, for the first images: `[M, P, KH*KW]` window sums of a Conv2d, or `[M, P]` inputs of a Linear.
    pub window_sum: BTreeMap<String, Tensor>,
    /// By layer, `[category][input channel or feature]`: the official relevance.
    pub input_mask: BTreeMap<String, Vec<Vec<bool>>>,
    /// By layer, for some of them, `[K, Q, P]`: the sum of `max(s, 0)` over a category's selected images.
    pub score: BTreeMap<String, Tensor>,
    /// The selected training images themselves, in the committed fixtures.
    pub selected: Option<SelectedImages>,
}

/// Why golden data cannot be read.
#[derive(Debug, Error)]
pub enum GoldenError {
    /// A file is missing, unreadable or badly compressed.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file, without `.gz`.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The JSON does not say what is expected.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// No safetensors file.
    #[error("{}: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: safetensors::SafeTensorError,
    },
    /// A tensor is missing or of another kind.
    #[error("{}: tensor `{tensor}` should be {expected}, it is {found}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// What is needed.
        expected: &'static str,
        /// What is there.
        found: String,
    },
}

/// The folder that `MDA_SHARED` names. Where it is unset, prints that the calling test is skipped.
pub fn shared_dir() -> Option<PathBuf> {
    let dir = std::env::var_os(SHARED).map(PathBuf::from);
    if dir.is_none() {
        println!("skipped: {SHARED} is unset, so the trained models, data sets and golden data are not at hand");
    }
    dir
}

/// The folder of the committed fixture `name`, one of [`FIXTURES`]. Beside the golden data it holds `NAME.pth`.
pub fn fixture_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

impl Golden {
    /// Reads the golden data of model `name` in `dir`: `$MDA_SHARED/reference`, or a [`fixture_dir`].
    ///
    /// # Errors
    /// [`GoldenError`] with the file and the tensor.
    pub fn open(dir: &Path, name: &str) -> Result<Self, GoldenError> {
        let file = |part: &str| TensorFile::open(dir.join(format!("{name}.{part}.safetensors")));
        let (io, masks, scores) = (file("io")?, file("masks")?, file("scores")?);
        let selected = match file("selected") {
            Err(GoldenError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            selected => Some(SelectedImages::read(&selected?)?),
        };
        Ok(Self {
            facts: Facts::read(&dir.join(format!("{name}.json")))?,
            images: io.pixels("images")?,
            labels: io.indices("labels")?,
            test_index: io.indices("test_index")?,
            logits: io.floats("logits")?,
            window_sum: by_layer(&io, "window_sum.", TensorFile::floats)?,
            input_mask: by_layer(&masks, "input_mask.", TensorFile::flags)?,
            score: by_layer(&scores, "score.", TensorFile::floats)?,
            selected,
        })
    }
}

/// Reads every tensor whose name is `prefix` and a layer.
fn by_layer<T>(
    file: &TensorFile,
    prefix: &str,
    read: impl Fn(&TensorFile, &str) -> Result<T, GoldenError>,
) -> Result<BTreeMap<String, T>, GoldenError> {
    let layers = file.names().filter_map(|name| Some((name, name.strip_prefix(prefix)?.to_owned())));
    layers.map(|(name, layer)| Ok((layer, read(file, name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(golden: &Golden) {
        let (count, categories) = (golden.images.shape()[0], golden.facts.classes);
        assert_eq!(golden.images.shape()[1..], [3, 32, 32]);
        assert_eq!((golden.labels.len(), golden.test_index.len()), (count, count));
        assert_eq!(golden.logits.shape(), [count, categories]);
        let right = (0..count).filter(|&n| {
            let logits = golden.logits.row(n);
            logits.iter().all(|&logit| logit <= logits[golden.labels[n]])
        });
        assert!(right.count() * 10 > count || categories > 100, "logits and labels belong together");
        assert_eq!(golden.facts.selected_train_indices.len(), categories * golden.facts.top_k);
        for layer in &golden.facts.layers_from_output {
            let masks = &golden.input_mask[&layer.module];
            let kept: Vec<usize> = masks.iter().map(|mask| mask.iter().filter(|&&kept| kept).count()).collect();
            assert!(!layer.kept_per_class.is_empty() && kept.starts_with(&layer.kept_per_class), "{}", layer.module);
            assert_eq!(golden.window_sum[&layer.module].shape()[1], layer.inputs);
        }
        for (layer, score) in &golden.score {
            assert_eq!([score.shape()[0], score.shape()[2]], [categories, golden.input_mask[layer][0].len()]);
        }
    }

    #[test]
    fn fixtures_are_complete() {
        for name in FIXTURES {
            let golden = Golden::open(&fixture_dir(name), name).unwrap();
            check(&golden);
            let selected = golden.selected.expect("fixtures hold the selected images");
            assert_eq!(selected.indices(), golden.facts.selected_train_indices);
            assert_eq!(mda_core::ImageSource::labels(&selected).len(), 500);
        }
    }

    #[test]
    fn the_full_reference_is_read() {
        let Some(shared) = shared_dir() else { return };
        for name in ["lenet5-mnist", "vgg16-w0.375-cifar10", "vgg16-w0.375-tiny-imagenet-32"] {
            check(&Golden::open(&shared.join("reference"), name).unwrap());
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Golden::open(Path::new("nowhere"), "nothing").unwrap_err().to_string();
        assert!(error.contains("nothing.io.safetensors"), "{error}");
    }
}
