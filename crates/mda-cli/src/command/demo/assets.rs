//! The networks and images that the program carries; `examples/quickstart_assets.rs` made them.

use anyhow::Context as _;
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
    /// Writes the model and its images under `folder`.
    pub(crate) fn unpack(&self, folder: &Path) -> anyhow::Result<Unpacked> {
        let (models, data) = (folder.join("sources"), folder.join("data").join(self.data));
        for folder in [&models, &data] {
            std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
        }
        let model = models.join(format!("lenet5-{}.safetensors", self.data));
        let write = |path: &Path, bytes: &[u8]| {
            std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
        };
        write(&model, self.model)?;
        self.files.iter().try_for_each(|(name, bytes)| write(&data.join(name), bytes))?;
        Ok(Unpacked { model, data })
    }
}
