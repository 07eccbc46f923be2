//! Models that learn their sources' answers.

use super::{Bench, asset};
use serde_json::Value;

const CUT: [&str; 6] =
    ["--task=3-6", "--keep-params=10%", "--formulation=l1", "--repair=bias", "--no-evaluate", "--quiet"];

fn cut() -> Bench {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    bench.succeeds(&[&["disassemble", &model, &data, "-o=c.safetensors"], &CUT[..]].concat());
    bench
}

#[test]
fn a_component_learns_from_its_source() {
    let bench = cut();
    let (source, data) =
        (format!("--source={}", asset("lenet5-mnist.safetensors")), format!("--data={}", asset("mnist")));
    let tune = ["tune", "c.safetensors", &data, &source, "--images=60", "--epochs=3", "--step=16"];
    let told: Value = bench.succeeds(&[&tune[..], &["-o=t.safetensors", "--json"]].concat()).parse().unwrap();
    let [before, after] = [0, 1].map(|at| told["accuracy"][at].as_f64().unwrap());
    assert!(after > before && told["after"].as_f64() < told["before"].as_f64(), "{told}");
    assert_eq!((told["epochs"].as_array().unwrap().len(), told["images"][0].as_u64()), (3, Some(240)));
    let inspected = bench.succeeds(&["inspect", "t.safetensors"]);
    assert!(inspected.contains("repair bias") && inspected.contains("of 3 epochs on 240 train images"), "{inspected}");
    let again = bench.succeeds(&[&tune[..], &["-o=again.safetensors", "--threads=1"]].concat());
    assert!(again.contains("learned from 240 train images") && again.contains("accuracy on test images"), "{again}");
    assert_eq!(
        std::fs::read(bench.path("t.safetensors")).unwrap(),
        std::fs::read(bench.path("again.safetensors")).unwrap()
    );
    assert!(!bench.path("t.safetensors.tuning").exists());
}

#[test]
fn disassembling_tunes_as_well() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let arguments = ["disassemble", &model, &data, "-o=c.safetensors", "--tune=1", "--json"];
    let told: Value = bench.succeeds(&[&arguments[..], &CUT[..]].concat()).parse().unwrap();
    assert_eq!((told["repair"].as_str(), told["tuned"]["best_epoch"].as_u64()), (Some("bias"), Some(1)));
    assert!(told["tuned"]["after"].as_f64() < told["tuned"]["before"].as_f64());
}

#[test]
fn what_cannot_be_tuned_is_told_first() {
    let bench = cut();
    let (source, data) =
        (format!("--source={}", asset("lenet5-mnist.safetensors")), format!("--data={}", asset("mnist")));
    let other = format!("--source={}", asset("lenet5-fashion-mnist.safetensors"));
    let cases: [(&[&str], &[&str]); 6] = [
        (&[], &["error: nothing is to be learned", "hint: give the model that it was cut out of with --source FILE"]),
        (&[&other], &["none of the sources given has the categories of", "hint:"]),
        (&[&source, "--resume"], &["t.safetensors.tuning", "there is none", "hint: without --resume"]),
        (&[&source, "--epochs=0"], &["epochs of a tuning: expected at least 1, got 0"]),
        (&[&source, "--rate=-1"], &["rate of a tuning: expected a number above 0, got -1"]),
        (&[&source, &data], &["1 components need 1 data sets", "got 2"]),
    ];
    for (more, said) in cases {
        let told = bench.fails(&[&["tune", "c.safetensors", &data, "-o=t.safetensors"], more].concat());
        assert!(said.iter().all(|part| told.contains(part)), "{more:?}: {told}");
    }
    let told = bench.fails(&["tune", "c.safetensors", &data, &source, "-o=c.safetensors"]);
    assert!(told.contains("it is read as the input c.safetensors"), "{told}");
    assert!(!bench.path("t.safetensors").exists());
}
