//! The networks that are compared, with random weights, and the files that hold them.

use anyhow::Context;
use mda_core::op::Normalize;
use mda_core::{Model, Tensor};
use mda_models::{Widths, random_images, random_model};
use std::path::{Path, PathBuf};

/// An architecture of the zoo, and what is changed of its published sizes; or a file's name.
pub(crate) struct Network<'a> {
    pub(crate) name: &'a str,
    pub(crate) categories: Option<usize>,
    /// Factor on all widths.
    pub(crate) width: f64,
    /// Rows and columns of the images.
    pub(crate) size: Option<usize>,
}

/// The native file that MDA and PyTorch read.
pub(crate) fn model_file(folder: &Path) -> PathBuf {
    folder.join("model.safetensors")
}

impl Network<'_> {
    /// Writes the model, as a native and as an ONNX file, and `images` random images.
    pub(crate) fn write(&self, folder: &Path, images: usize) -> anyhow::Result<()> {
        let model = if self.name.ends_with(".onnx") { self.given()? } else { self.random()? };
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        mda_formats::native::write(&model, &model_file(folder))?;
        mda_formats::onnx::export(&model, &folder.join("model.onnx"))?;
        write_numbers(&folder.join("images.f32"), &random_images(model.input_shape(), images, 2))
    }

    /// The model in a file among those that `MDA_SHARED` names, as it is.
    fn given(&self) -> anyhow::Result<Model> {
        let shared = std::env::var_os("MDA_SHARED").context("MDA_SHARED names the folder with `models`")?;
        let path = Path::new(&shared).join("models").join(self.name);
        Ok(mda_formats::onnx::import(&path, &mda_formats::onnx::ImportOptions::default())?.model)
    }

    /// An architecture of the zoo.
    fn random(&self) -> anyhow::Result<Model> {
        let architecture = mda_models::find(self.name)?;
        let mut config = architecture.published();
        config.categories = self.categories.unwrap_or(config.categories);
        config.input = self.size.map_or(config.input, |size| [config.input[0], size, size]);
        config.widths = Widths::Scaled(self.width);
        config.normalization = Some(Normalize { mean: vec![0.5; 3], std: vec![0.5; 3] });
        let graph = architecture.build(&config)?;
        Ok(random_model(&graph, (0..config.categories).map(|k| k.to_string()).collect(), 1)?)
    }
}

/// The first `images` images of the folder, `[N, C, H, W]`.
pub(crate) fn read_images(folder: &Path, model: &Model, images: usize) -> anyhow::Result<Tensor> {
    let path = folder.join("images.f32");
    let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let (words, _) = bytes.as_chunks::<4>();
    let count = images * model.input_shape().elements();
    let numbers = words.iter().take(count).map(|&word| f32::from_le_bytes(word)).collect();
    Ok(Tensor::new(model.input_shape().batched(images), numbers)?)
}

/// Writes the numbers of `tensor`, little-endian.
pub(crate) fn write_numbers(path: &Path, tensor: &Tensor) -> anyhow::Result<()> {
    let bytes: Vec<u8> = tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}
