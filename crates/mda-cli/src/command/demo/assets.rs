//! The networks and images that the program carries; `examples/quickstart_assets.rs` made them.

use anyhow::Context as _;
use mda_formats::target::{Folder, Kind};
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
        ($name, include_bytes!(concat!("../../../assets/", $folder, "/", $name)).as_slice())
    };
}

/// One embedded source with its images.
pub(crate) struct Embedded {
    /// The data set's name.
    pub(crate) data: &'static str,
    /// The task that the demo cuts out.
    pub(crate) task: &'static str,
    model: &'static [u8],
    files: [(&'static str, &'static [u8]); 5],
}

/// The sources of the demo.
pub(crate) const SOURCES: [Embedded; 2] = [
    Embedded {
        data: "mnist",
        task: "0-2",
        model: include_bytes!("../../../assets/lenet5-mnist.safetensors"),
        files: data_set!("mnist"),
    },
    Embedded {
        data: "fashion-mnist",
        task: "3-9",
        model: include_bytes!("../../../assets/lenet5-fashion-mnist.safetensors"),
        files: data_set!("fashion-mnist"),
    },
];

/// Where an unpacked source lies.
pub(crate) struct Unpacked {
    pub(crate) model: PathBuf,
    pub(crate) data: PathBuf,
}

impl Embedded {
    /// Where its model goes within the demo's folder.
    fn model_file(&self) -> PathBuf {
        Path::new("sources").join(format!("lenet5-{}.safetensors", self.data))
    }

    /// Where its images go within the demo's folder.
    pub(crate) fn data_folder(&self) -> PathBuf {
        Path::new("data").join(self.data)
    }

    /// All that it unpacks.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (PathBuf, Kind<'static>)> {
        let files = self.files.iter().map(|&(name, bytes)| (self.data_folder().join(name), Kind::Exactly(bytes)));
        std::iter::once((self.model_file(), Kind::Model)).chain(files)
    }

    /// Writes the model and its images into `folder`.
    pub(crate) fn unpack(&self, folder: &Folder) -> anyhow::Result<Unpacked> {
        let (model, data) = (folder.path().join(self.model_file()), folder.path().join(self.data_folder()));
        for folder in [folder.path().join("sources"), data.clone()] {
            std::fs::create_dir_all(&folder).with_context(|| format!("making the folder {}", folder.display()))?;
        }
        let write = |path: PathBuf, bytes: &[u8]| {
            let written = folder.file(&path).write(|out| out.write_all(bytes));
            written.with_context(|| format!("writing {}", path.display()))
        };
        write(self.model_file(), self.model)?;
        self.files.iter().try_for_each(|(name, bytes)| write(self.data_folder().join(name), bytes))?;
        Ok(Unpacked { model, data })
    }
}
