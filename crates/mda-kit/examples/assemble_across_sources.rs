//! Two classifiers of different sizes, trained on different data, become one whose logits compete fairly.
//!
//! `cargo run --release -p mda-kit --example assemble_across_sources`

use mda::assemble::Part;
use mda::core::rescale::Rescaling;
use mda::{Data, Runtime, Source, samples};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join("mda-assemble-across-sources");
    let (digits, clothes) = (samples::MNIST.unpack(&folder)?, samples::FASHION_MNIST.unpack(&folder)?);
    let cpu = Runtime::cpu();
    let (digits, digit_images) = opened(digits)?;
    let (clothes, clothing_images) = opened(clothes)?;
    // One is cut down, the other stays whole: components need not have one architecture.
    let some_digits = mda::disassemble(&digits, &digit_images).task("0-4")?.keep_params(0.3).run(&cpu)?;
    let parts = [Part::from(&some_digits), Part::from(clothes.model().clone())];
    let images = [&digit_images, &clothing_images];
    for rescaling in [Rescaling::None, Rescaling::Evidence] {
        let assembly = mda::assemble(parts.clone()).calibrated(images).rescaling(rescaling).named("both");
        let assembled = assembly.run(&cpu)?;
        let measured = assembled.measure(&images, &cpu)?;
        let joint =
            measured.iter().map(|part| part.joint).fold(Default::default(), mda::core::evaluate::Accuracy::plus);
        println!("{}: {:.2} % of the images of both", rescaling.name(), joint.percent());
    }
    Ok(())
}

fn opened(sample: samples::Unpacked) -> Result<(Source, Data), mda::Error> {
    let source = Source::read(sample.model)?;
    let data = Data::open(sample.data, source.model())?;
    Ok((source, data))
}
