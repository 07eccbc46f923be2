//! Looking at a source once, and cutting many components out of it.

use super::{Bench, asset};
use serde_json::Value;

fn source() -> [String; 2] {
    [asset("lenet5-fashion-mnist.safetensors"), format!("--data={}", asset("fashion-mnist"))]
}

#[test]
fn what_was_seen_cuts_what_looking_anew_cuts() {
    let (bench, [model, data]) = (Bench::new(), source());
    let observe = |shard: &str, output: &str| {
        let output = format!("-o={output}");
        bench.succeeds(&["observe", &model, &data, "--task=0-3", "--candidates=120", "--top-k=20", shard, &output])
    };
    assert!(observe("--shard=1/2", "a.safetensors").contains("shards [2] of 2 are missing"));
    observe("--shard=2/2", "b.safetensors");
    let whole = observe("--shard=1/1", "whole.safetensors");
    assert!(whole.contains("sees of 80 images of 4 categories") && !whole.contains("missing"), "{whole}");
    for (files, output) in [(["a", "b"], "ab"), (["b", "a"], "ba")] {
        let [first, second] = files.map(|name| format!("{name}.safetensors"));
        let (source, output) = (format!("--source={model}"), format!("-o={output}.safetensors"));
        bench.succeeds(&["merge", &first, &second, &source, &output]);
    }
    // A component looks at nothing but what was seen.
    let cut = |more: &[&str], output: &str| {
        let output = format!("-o={output}");
        let arguments = ["disassemble", &model, &data, "--task=0,2", "--keep-params=30%", "--no-evaluate", &output];
        bench.succeeds(&[&arguments[..], more].concat());
    };
    cut(&["--candidates=120", "--top-k=20"], "anew.safetensors");
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    for name in ["whole", "ab", "ba"] {
        assert_eq!(read(&format!("{name}.safetensors")), read("whole.safetensors"), "{name}");
        cut(&[&format!("--statistics={name}.safetensors")], "seen.safetensors");
        assert_eq!(read("seen.safetensors"), read("anew.safetensors"), "{name}");
    }
}

#[test]
fn statistics_of_something_else_are_refused() {
    let (bench, [model, data]) = (Bench::new(), source());
    let observe = ["observe", &model, &data, "--task=0-1", "--candidates=40", "--top-k=5"];
    bench.succeeds(&[&observe[..], &["--shard=1/2", "-o=a.safetensors"]].concat());
    let cut = |model: &str, more: &[&str]| {
        let arguments = ["disassemble", model, &data, "--keep-params=30%", "-o=c.safetensors"];
        bench.fails(&[&arguments[..], more].concat())
    };
    let said = cut(&model, &["--task=0-1", "--statistics=a.safetensors"]);
    assert!(said.contains("shards of the statistics 1 are missing: [2]") && said.contains("mda merge"), "{said}");
    bench.succeeds(&[&observe[..], &["-o=a.safetensors"]].concat());
    let said = cut(&model, &["--task=0-2", "--statistics=a.safetensors"]);
    assert!(said.contains("no image of the category `Pullover`"), "{said}");
    let (other, images) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let other = ["disassemble", &other, &images, "--task=0-1", "--statistics=a.safetensors", "-o=c.safetensors"];
    let said = bench.fails(&other);
    assert!(said.contains("of the source `lenet5-fashion-mnist`"), "{said}");
    let said = cut(&model, &["--task=0-1", &format!("--statistics={model}")]);
    assert!(said.contains("no statistics of MDA") && said.contains("`mda observe` makes them"), "{said}");
    let said = cut(&model, &["--task=0-1", "--statistics=a.safetensors", "--top-k=3"]);
    assert!(said.contains("cannot be used with"), "{said}");
    let said = bench.fails(&[&observe[..], &["--memory=1KiB", "-o=b.safetensors"]].concat());
    assert!(said.contains("KiB, 1 KiB are allowed") && said.contains("--memory"), "{said}");
    let said = bench.fails(&[&observe[..], &["--shard=3/2", "-o=b.safetensors"]].concat());
    assert!(said.contains("as in 1/8 to 8/8"), "{said}");
    let said = bench.fails(&["observe", &model, &data, "-o=a.onnx"]);
    assert!(said.contains("is named like an ONNX file"), "{said}");
    assert!(!bench.path("b.safetensors").exists() && !bench.path("c.safetensors").exists());
}

#[test]
fn a_catalogue_is_filled_once_whoever_fills_it() {
    let (bench, [model, data]) = (Bench::new(), source());
    bench.write("tasks.txt", "# What is sold where.\nshoes = Sandal,Sneaker,Ankle boot\n0,6\n\nbags = Bag\n");
    let arguments = ["catalogue", &model, &data, "--tasks=tasks.txt", "--keep-params=30%", "-o=parts"];
    let said = bench.succeeds(&[&arguments[..], &["--shard=1/2"]].concat());
    assert!(said.contains("2 of 3 components") && !said.contains("0+6"), "{said}");
    let said: Value = bench.succeeds(&[&arguments[..], &["--json"]].concat()).parse().unwrap();
    let entries = said.as_array().unwrap();
    let names: Vec<&str> = entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["shoes", "0+6", "bags"]);
    for entry in entries {
        let [own, source] = [0, 1].map(|side| entry["accuracy"][side].as_f64().unwrap());
        assert!(own > source - 6.0 && own > 80.0, "{entry}");
        let [parameters, all] = [0, 1].map(|side| entry["parameters"][side].as_u64().unwrap());
        assert!(parameters as f64 <= 0.3 * all as f64, "{entry}");
    }
    let table = bench.read("parts/catalogue.csv");
    assert!(table.starts_with("name,task,file,") && table.lines().count() == 4, "{table}");
    // What is there is not made again, but for what was damaged.
    let made = || std::fs::metadata(bench.path("parts/shoes.safetensors")).unwrap().modified().unwrap();
    let before = made();
    bench.write("parts/bags.safetensors", "damaged");
    let stderr = String::from_utf8(bench.mda(&arguments).stderr).unwrap();
    assert!(stderr.contains("bags: ") && !stderr.contains("shoes: "), "{stderr}");
    assert_eq!(made(), before);
    bench.succeeds(&["inspect", "parts/bags.safetensors"]);
}

#[test]
fn tasks_that_mean_nothing_are_told() {
    let (bench, [model, data]) = (Bench::new(), source());
    bench.write("none.txt", "# nothing\n");
    bench.write("wrong.txt", "boots = 0,77\n");
    bench.write("twice.txt", "a = 0,1\nA = 2,3\n");
    bench.write("path.txt", "../a = 0,1\n");
    for (tasks, expected) in [
        ("none.txt", "holds no task"),
        ("wrong.txt", "boots = 0,77"),
        ("twice.txt", "two components of the catalogue are called `A`"),
        ("path.txt", "names no file"),
        ("threes", "neither `each` nor `pairs`"),
    ] {
        let said = bench.fails(&["catalogue", &model, &data, "--tasks", tasks, "--keep-params=30%", "-o=parts"]);
        assert!(said.contains(expected), "{tasks}: {said}");
    }
    assert!(!bench.path("parts").exists());
}
