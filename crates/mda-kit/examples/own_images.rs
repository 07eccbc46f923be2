//! Images that come from anywhere: whatever implements `ImageSource` can be disassembled with.
//!
//! `cargo run --release -p mda-kit --example own_images`

use mda::core::run::{Batch, Batches, ImageSource};
use mda::core::{Model, Tensor};
use mda::{Data, Runtime, Source, samples};

/// Images in memory.
struct InMemory {
    categories: Vec<String>,
    labels: Vec<usize>,
    /// `[C, H, W]` each, pixel values in 0 to 1.
    pixels: Vec<Vec<f32>>,
    shape: [usize; 3],
}

impl ImageSource for InMemory {
    fn categories(&self) -> &[String] {
        &self.categories
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        let [channels, height, width] = self.shape;
        Box::new(indices.chunks(batch_size).map(move |indices| {
            let pixels = indices.iter().flat_map(|&index| self.pixels[index].iter().copied()).collect();
            let images = Tensor::new([indices.len(), channels, height, width], pixels)?;
            let labels = indices.iter().map(|&index| self.labels[index]).collect();
            Ok(Batch { images, labels, indices: indices.to_vec() })
        }))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let sample = samples::MNIST.unpack(std::env::temp_dir().join("mda-own-images"))?;
    let cpu = Runtime::cpu();
    let source = Source::read(sample.model)?;
    let data = Data::open(sample.data, source.model())?;
    // Any stream of pictures would do; here, those of the sample, a little darker.
    let train = darker(source.model(), data.train()?)?;
    let test = darker(source.model(), data.test()?)?;
    let own = Data::new(Box::new(train), Some(Box::new(test)));
    let component = mda::disassemble(&source, &own).task("0,1,7")?.keep_params(0.15).run(&cpu)?;
    let accuracies = component.measure(&source, &own, &cpu)?;
    println!("{:.2} % right, the source {:.2} %", accuracies.component, accuracies.base_restricted);
    Ok(())
}

fn darker(model: &Model, images: &dyn ImageSource) -> Result<InMemory, Box<dyn std::error::Error + Send + Sync>> {
    let all: Vec<usize> = (0..images.labels().len()).collect();
    let mut pixels = Vec::new();
    for batch in images.batches(&all, 100) {
        let batch = batch?;
        let size = batch.images.data().len() / batch.labels.len();
        pixels
            .extend(batch.images.data().chunks(size).map(|image| image.iter().map(|x| 0.9 * x).collect::<Vec<f32>>()));
    }
    let [height, width] = model.input_shape().spatial();
    let shape = [model.input_shape().channels(), height, width];
    Ok(InMemory { categories: images.categories().to_vec(), labels: images.labels().to_vec(), pixels, shape })
}
