//! Which measure picks the better channels? The same number in every layer, repaired alike, several measures.
//!
//! `cargo run --release -p mda-kit --example compare_measures`

use mda::core::method::Formulation;
use mda::{Data, Runtime, Source, accuracy, samples};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sample = samples::FASHION_MNIST.unpack(std::env::temp_dir().join("mda-compare-measures"))?;
    let cpu = Runtime::cpu();
    let source = Source::read(sample.model)?;
    let data = Data::open(sample.data, source.model())?;
    let disassembly = mda::disassemble(&source, &data).task("3-9")?.formulation("obs")?.keep_params(0.2);
    let component = disassembly.run(&cpu)?;
    println!("obs, which chose the counts: {:.2} %", accuracy::of_own(&component.model, &data, &cpu)?.percent());
    for name in ["soft", "taylor", "l1", "random"] {
        let other = disassembly.same_size(&component, &Formulation::preset(name)?, &cpu)?;
        println!("{name}: {:.2} %", accuracy::of_own(&other, &data, &cpu)?.percent());
    }
    Ok(())
}
