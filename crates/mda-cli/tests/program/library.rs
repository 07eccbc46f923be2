//! The program is the library's user: from the same settings both make the same files.

use super::Bench;
use mda::{Data, Runtime, Source, samples};

#[test]
fn what_the_library_makes_is_the_programs_byte_for_byte() {
    let bench = Bench::new();
    let runtime = Runtime::cpu();
    let mut components = Vec::new();
    for (sample, task) in [(samples::MNIST, "0-2"), (samples::FASHION_MNIST, "Bag,Sneaker")] {
        let unpacked = sample.unpack(bench.folder.path()).unwrap();
        let source = Source::read(&unpacked.model).unwrap();
        let data = Data::open(&unpacked.data, source.model()).unwrap();
        let component = mda::disassemble(&source, &data).task(task).unwrap().keep_params(0.3).run(&runtime).unwrap();
        component.save(bench.path("library.safetensors")).unwrap();
        let of = |path: &std::path::Path| path.to_str().unwrap().to_owned();
        let (model, data_folder) = (of(&unpacked.model), of(&unpacked.data));
        let file = format!("program-{}.safetensors", components.len());
        let cut = ["disassemble", &model, "--data", &data_folder, "--task", task, "--keep-params=30%", "-o", &file];
        bench.succeeds(&[&cut[..], &["--no-evaluate"]].concat());
        let [ours, theirs] = ["library.safetensors", &file].map(|name| std::fs::read(bench.path(name)).unwrap());
        assert!(ours == theirs, "{task}: {} and {} bytes", ours.len(), theirs.len());
        components.push(component);
    }
    let both = mda::assemble(components.iter()).run(&runtime).unwrap();
    both.save(bench.path("library.safetensors")).unwrap();
    bench.succeeds(&["assemble", "program-0.safetensors", "program-1.safetensors", "-o", "both.safetensors"]);
    let [ours, theirs] =
        ["library.safetensors", "both.safetensors"].map(|name| std::fs::read(bench.path(name)).unwrap());
    assert!(ours == theirs, "assembled: {} and {} bytes", ours.len(), theirs.len());
}
