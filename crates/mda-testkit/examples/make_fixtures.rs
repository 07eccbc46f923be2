//! Makes the committed fixtures out of the full golden data, data sets and checkpoints under `MDA_SHARED`:
//! `cargo run -p mda-testkit --example make_fixtures`.

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use mda_core::ImageSource;
use mda_data::{DataSet, Preparation, Prepared, Split};
use mda_testkit::golden::{FIXTURES, Facts, Golden, fixture_dir, shared_dir};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// How many of the golden test images are kept.
const IMAGES: usize = 20;

/// `score.fc2` alone is larger than all the rest of a fixture.
const LARGEST_SCORE: usize = 100_000;

fn main() -> Result<()> {
    let shared = shared_dir().context("set MDA_SHARED to make the fixtures")?;
    for name in FIXTURES {
        make(&shared, name).with_context(|| format!("the fixture of {name}"))?;
    }
    Ok(())
}

fn make(shared: &Path, name: &str) -> Result<()> {
    let golden = Golden::open(&shared.join("reference"), name)?;
    let dir = fixture_dir(name);
    fs::create_dir_all(&dir)?;
    fs::write(dir.join(format!("{name}.json")), fs::read(shared.join(format!("reference/{name}.json")))?)?;
    fs::write(dir.join(format!("{name}.pth")), fs::read(shared.join(format!("models/{name}.pth")))?)?;

    let data = shared.join("data").join(&golden.facts.dataset);
    let grey = Preparation::new(1, 32, 32)?;
    check_preparation(&golden, &DataSet::open(&data, Split::Test)?.prepare(grey))?;
    let selected = selected(&golden.facts, &DataSet::open(&data, Split::Train)?.prepare(grey))?;
    write(&dir.join(format!("{name}.selected.safetensors.gz")), selected)?;

    for part in ["io", "masks", "scores"] {
        let bytes = fs::read(shared.join(format!("reference/{name}.{part}.safetensors")))?;
        write(&dir.join(format!("{name}.{part}.safetensors.gz")), reduced(&bytes)?)?;
    }
    Ok(())
}

/// One tensor to write.
struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// The first images and what belongs to them; everything else whole, but for what is too large.
fn reduced(bytes: &[u8]) -> Result<Vec<Entry>> {
    let file = safetensors::SafeTensors::deserialize(bytes)?;
    let mut entries = Vec::new();
    for (name, view) in file.tensors() {
        let (mut shape, mut data) = (view.shape().to_vec(), view.data().to_vec());
        if ["images", "labels", "test_index", "logits"].contains(&name.as_str()) {
            data.truncate(data.len() / shape[0] * IMAGES);
            shape[0] = IMAGES;
        }
        if data.len() <= LARGEST_SCORE {
            entries.push(Entry { name, dtype: view.dtype(), shape, data });
        }
    }
    Ok(entries)
}

/// The golden test images show whether the images below are prepared as the network saw them.
fn check_preparation(golden: &Golden, test: &Prepared) -> Result<()> {
    for (n, &index) in golden.test_index.iter().enumerate() {
        let ours: Vec<f32> = test.pixels(index)?.data.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
        ensure!(golden.images.row(n).chunks(ours.len()).all(|plane| plane == ours), "test image {index} differs");
    }
    Ok(())
}

fn selected(facts: &Facts, train: &Prepared) -> Result<Vec<Entry>> {
    let indices = &facts.selected_train_indices;
    let mut pixels = Vec::new();
    for &index in indices {
        pixels.extend(train.pixels(index)?.data);
    }
    let numbers = |numbers: &mut dyn Iterator<Item = usize>| numbers.flat_map(|n| (n as i64).to_le_bytes()).collect();
    let vector = |name: &str, data| Entry { name: name.into(), dtype: Dtype::I64, shape: vec![indices.len()], data };
    let shape = vec![indices.len(), 1, 32, 32];
    Ok(vec![
        Entry { name: "images".into(), dtype: Dtype::U8, shape, data: pixels },
        vector("labels", numbers(&mut indices.iter().map(|&index| train.labels()[index]))),
        vector("train_index", numbers(&mut indices.iter().copied())),
    ])
}

fn write(path: &Path, entries: Vec<Entry>) -> Result<()> {
    let view = |entry| {
        let Entry { name, dtype, shape, data }: &Entry = entry;
        TensorView::new(*dtype, shape.clone(), data).map(|view| (name.as_str(), view))
    };
    let views = entries.iter().map(view).collect::<Result<Vec<_>, _>>()?;
    let mut file = GzEncoder::new(File::create(path)?, Compression::best());
    file.write_all(&serialize(views, None)?)?;
    file.finish()?;
    println!("{} {} bytes", path.file_name().unwrap_or_default().display(), fs::metadata(path)?.len());
    Ok(())
}
