//! Two trained LeNet-5 networks and some of their images, to try things on: 150 train and 200 test images a category.
//!
//! `crates/mda-cli/examples/quickstart_assets.rs` made them.

use crate::error::Error;
use mda_formats::atomic;
use std::path::{Path, PathBuf};

macro_rules! data_set {
    ($name:literal) => {
        [
            file!($name, "train-images-idx3-ubyte.gz"),
            file!($name, "train-labels-idx1-ubyte.gz"),
            file!($name, "t10k-images-idx3-ubyte.gz"),
            file!($name, "t10k-labels-idx1-ubyte.gz"),
            file!($name, "categories.txt"),
        ]
    };
}

macro_rules! file {
    ($folder:literal, $name:literal) => {
        ($name, include_bytes!(concat!("../assets/", $folder, "/", $name)).as_slice())
    };
}

/// A trained network with its images.
pub struct Sample {
    /// The data set's name.
    pub data: &'static str,
    model: &'static [u8],
    files: [(&'static str, &'static [u8]); 5],
}

/// LeNet-5 on MNIST.
pub const MNIST: Sample =
    Sample { data: "mnist", model: include_bytes!("../assets/lenet5-mnist.safetensors"), files: data_set!("mnist") };

/// LeNet-5 on Fashion-MNIST.
pub const FASHION_MNIST: Sample = Sample {
    data: "fashion-mnist",
    model: include_bytes!("../assets/lenet5-fashion-mnist.safetensors"),
    files: data_set!("fashion-mnist"),
};

/// Where an unpacked sample lies.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// The model file.
    pub model: PathBuf,
    /// The folder of the data set.
    pub data: PathBuf,
}

impl Sample {
    /// Where its model lies within the folder that it is unpacked into.
    pub fn model_file(&self) -> PathBuf {
        Path::new("sources").join(format!("lenet5-{}.safetensors", self.data))
    }

    /// Where its images lie within that folder.
    pub fn data_folder(&self) -> PathBuf {
        Path::new("data").join(self.data)
    }

    /// The files of its images: where they lie within that folder, and what they hold.
    pub fn data_files(&self) -> impl Iterator<Item = (PathBuf, &'static [u8])> {
        let folder = self.data_folder();
        self.files.iter().map(move |&(name, bytes)| (folder.join(name), bytes))
    }

    /// Writes the model and its images under `folder`, every file whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn unpack(&self, folder: impl AsRef<Path>) -> Result<Unpacked, Error> {
        let folder = folder.as_ref();
        for (name, bytes) in std::iter::once((self.model_file(), self.model)).chain(self.data_files()) {
            let path = folder.join(name);
            let made = path.parent().map_or(Ok(()), atomic::create_folders);
            let written = made.and_then(|()| atomic::write(&path, |file| file.write_all(bytes)));
            written.map_err(|source| Error::Write { path, source })?;
        }
        Ok(Unpacked { model: folder.join(self.model_file()), data: folder.join(self.data_folder()) })
    }
}
