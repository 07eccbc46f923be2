//! Makes the networks and images that `mda demo` carries, from real checkpoints and the full data sets.
//!
//! `MDA_SHARED=DIR cargo run --release -p mda-cli --example quickstart_assets` reads `DIR/models` and `DIR/data` and
//! writes `crates/mda-kit/assets`. Train images are the first 150 of every category, test images the first 200.

use anyhow::Context as _;
use mda_core::Model;
use mda_data::{DataSet, Preset, Split, write_categories, write_idx};
use mda_formats::{StateDict, native};
use mda_models::{guess, load};
use std::path::{Path, PathBuf};

const SETS: [Preset; 2] = [Preset::Mnist, Preset::FashionMnist];
const TRAIN_IMAGES: usize = 150;
const TEST_IMAGES: usize = 200;

fn main() -> anyhow::Result<()> {
    let shared =
        PathBuf::from(std::env::var_os("MDA_SHARED").context("MDA_SHARED names the folder with models and data")?);
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mda-kit/assets");
    for preset in SETS {
        let folder = assets.join(preset.name());
        std::fs::create_dir_all(&folder)?;
        let name = format!("lenet5-{preset}");
        let model = source(&shared.join("models").join(format!("{name}.pth")), &name, preset)?;
        native::write(&model, &assets.join(format!("{name}.safetensors")))?;
        for (split, limit) in [(Split::Train, TRAIN_IMAGES), (Split::Test, TEST_IMAGES)] {
            let set = DataSet::open(&shared.join("data").join(preset.name()), split)?.limit_per_category(limit);
            let mut pixels = Vec::new();
            for index in 0..set.len() {
                pixels.extend_from_slice(&set.pixels(index)?.data);
            }
            let [_, height, width] = set.shape();
            let labels = set.labels().iter().map(|&label| u8::try_from(label)).collect::<Result<Vec<_>, _>>()?;
            write_idx(&folder, split, &pixels, height, width, &labels)?;
        }
        write_categories(&folder, preset.categories())?;
    }
    Ok(())
}

fn source(path: &Path, name: &str, preset: Preset) -> anyhow::Result<Model> {
    let state = StateDict::read(path)?;
    let shapes: Vec<_> = state.entries.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect();
    let mut guess = guess(&shapes)?;
    guess.config.normalization = Some(preset.normalize().for_channels(guess.config.input[0]));
    let graph = guess.architecture.build(&guess.config)?;
    let loaded = load(&graph, state.entries)?;
    let categories = preset.categories().iter().map(|&name| name.to_owned()).collect();
    Ok(Model::new(name, graph, loaded.parameters, categories)?)
}
