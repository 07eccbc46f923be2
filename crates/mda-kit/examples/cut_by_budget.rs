//! Five categories of a trained classifier in a fifth of its size, as an ONNX file.
//!
//! `cargo run --release -p mda-kit --example cut_by_budget -- MODEL DATA TASK` takes any file that can be imported; without
//! arguments it takes an embedded network.

use mda::{Data, Runtime, Source, samples};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join("mda-cut-by-budget");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, data, task) = match arguments.as_slice() {
        [model, data, task] => (model.into(), data.into(), task.as_str()),
        _ => {
            let sample = samples::FASHION_MNIST.unpack(&folder)?;
            (sample.model, sample.data, "Sandal,Sneaker,Bag,Ankle boot,Dress")
        }
    };
    let cpu = Runtime::cpu();
    let source = Source::open(model).load()?;
    let data = Data::open(data, source.model())?;
    let component = mda::disassemble(&source, &data).task(task)?.keep_params(0.2).run(&cpu)?;
    let accuracies = component.measure(&source, &data, &cpu)?;
    let (before, after) = (source.model().size(), component.model.size());
    println!("{} of {} parameters", after.parameters, before.parameters);
    println!("{:.2} % right, the source {:.2} %", accuracies.component, accuracies.base_restricted);
    let file = folder.join("component.onnx");
    component.export_onnx(&file)?;
    println!("{}", file.display());
    Ok(())
}
