//! Places where nothing may be written, told before the work begins.

use super::{Bench, FAILED, refused, small_network, with_mnist};
use std::fs;

const CHECKPOINT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/lenet5-mnist/lenet5-mnist.pth");

/// A bench with models, data and files of other kinds.
fn full() -> Bench {
    let bench = with_mnist();
    small_network(&bench.path("ab.safetensors"), "ab", 1, &["a", "b"]);
    small_network(&bench.path("cd.safetensors"), "cd", 1, &["c", "d"]);
    bench.succeeds(&["export", "ab.safetensors", "--onnx=ab.onnx"]);
    fs::copy(CHECKPOINT, bench.path("weights")).unwrap();
    fs::copy(bench.path("ab.onnx"), bench.path("exported")).unwrap();
    fs::copy(bench.path("m.safetensors"), bench.path("m")).unwrap();
    fs::hard_link(bench.path("m.safetensors"), bench.path("hard")).unwrap();
    bench.write("notes", "dear diary");
    bench.write("names.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    bench.write("list.json", "[1, 2, 3]");
    fs::create_dir(bench.path("folder")).unwrap();
    bench
}

#[test]
fn what_is_read_is_never_written() {
    let bench = full();
    let force = [
        ("disassemble m.safetensors --data=mnist --task=0 -o=m.safetensors", "m.safetensors"),
        ("disassemble m.safetensors --data=mnist --task=0 -o=./folder/../m.safetensors", "m.safetensors"),
        ("disassemble m.safetensors --data=mnist --task=0 -o=hard", "m.safetensors"),
        ("disassemble m --data=mnist --task=0 -o=mnist/categories.txt", "mnist"),
        ("disassemble m --data=mnist --task=0 -o=mnist/train-images-idx3-ubyte.gz", "mnist"),
        ("disassemble m --data=mnist --task=0 --images=list.json -o=list.json", "list.json"),
        ("disassemble m --data=mnist --task=0 --plugin=notes -o=notes", "notes"),
        ("assemble ab.safetensors cd.safetensors -o=cd.safetensors", "cd.safetensors"),
        ("assemble ab.safetensors cd.safetensors --data=mnist --data=notes -o=notes", "notes"),
        ("import weights --arch=lenet5 -o=weights", "weights"),
        ("import weights --categories=names.txt -o=names.txt", "names.txt"),
        ("import weights --data=mnist -o=mnist/t10k-labels-idx1-ubyte.gz", "mnist"),
        ("import m -o=m", "m"),
        ("export m --onnx=m", "m"),
        ("export m.safetensors --onnx=hard", "m.safetensors"),
    ];
    for (command, input) in force {
        let input = format!("it is read as the input {input}");
        refused(&bench, command, &[("", FAILED, &[&input, "hint:"]), ("--force", FAILED, &[&input])]);
    }
}

#[cfg(unix)]
#[test]
fn links_to_what_is_read_are_seen_through() {
    let bench = full();
    std::os::unix::fs::symlink("m.safetensors", bench.path("link")).unwrap();
    std::os::unix::fs::symlink("circle", bench.path("circle")).unwrap();
    std::os::unix::fs::symlink("nowhere/file", bench.path("dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(bench.path("socket")).unwrap();
    let cases = [
        ("-o=link", FAILED, &["it is read as the input"][..]),
        ("-o=circle", FAILED, &["circle"]),
        ("-o=dangling", FAILED, &["there is no folder nowhere"]),
        ("-o=socket", FAILED, &["it is a socket"]),
    ];
    refused(&bench, "disassemble m.safetensors --data=mnist --task=0", &cases);
    refused(&bench, "", &[("export m --onnx=link", FAILED, &["link is not replaced: it is a model file of MDA"])]);
    #[cfg(target_os = "linux")]
    refused(&bench, "", &[("export m --onnx=/dev/full", FAILED, &["writing /dev/full", "No space left on device"])]);
}

#[test]
fn files_of_another_kind_stay() {
    let bench = full();
    let cases = [
        ("import ab.onnx -o=weights", FAILED, &["a PyTorch checkpoint", "hint:", "--force"][..]),
        ("import ab.onnx -o=exported", FAILED, &["it is an ONNX file, and what is to be written is a model file"]),
        ("import ab.onnx -o=notes", FAILED, &["notes is not replaced: it is a file of another kind"]),
        ("disassemble m --data=mnist --task=0 -o=notes", FAILED, &["notes is not replaced"]),
        ("assemble ab.safetensors cd.safetensors -o=list.json", FAILED, &["list.json is not replaced"]),
        ("export ab.safetensors --onnx=cd.safetensors", FAILED, &["cd.safetensors is named like a safetensors file"]),
        ("export ab.safetensors --onnx=m", FAILED, &["m is not replaced: it is a model file of MDA"]),
        ("export ab.safetensors --onnx=notes", FAILED, &["notes is not replaced"]),
    ];
    refused(&bench, "", &cases);
}

#[test]
fn names_that_promise_another_format() {
    let bench = full();
    let cases = [
        ("import ab.onnx -o=new.onnx", FAILED, &["new.onnx is named like an ONNX file", "mda export MODEL --onnx"][..]),
        ("import ab.onnx -o=ab.onnx", FAILED, &["ab.onnx is named like an ONNX file"]),
        ("disassemble m --data=mnist --task=0 -o=c.onnx", FAILED, &["c.onnx is named like", "mda export"]),
        ("disassemble m --data=mnist --task=0 -o=c.pth --force", FAILED, &["c.pth is named like a PyTorch checkpoint"]),
        ("assemble ab.safetensors cd.safetensors -o=c.PT", FAILED, &["c.PT is named like a PyTorch checkpoint"]),
        ("export m --onnx=m.pt", FAILED, &["m.pt is named like a PyTorch checkpoint", "NAME.onnx"]),
        ("export m --onnx=new.safetensors", FAILED, &["new.safetensors is named like"]),
    ];
    refused(&bench, "", &cases);
}

#[test]
fn places_that_take_no_file() {
    let bench = full();
    let cases = [
        ("import ab.onnx -o=none/new", FAILED, &["none/new cannot be written", "there is no folder none"][..]),
        ("import ab.onnx -o=notes/new", FAILED, &["notes/new cannot be written"]),
        ("import ab.onnx -o=folder", FAILED, &["folder cannot be written: it is a folder"]),
        ("disassemble m --data=mnist --task=0-2 -o=notes/out", FAILED, &["notes/out cannot be written"]),
        ("disassemble m --data=mnist --task=0-2 -o=none/out", FAILED, &["there is no folder none"]),
        ("assemble ab.safetensors cd.safetensors -o=none/out", FAILED, &["there is no folder none"]),
        ("export m --onnx=none/out", FAILED, &["there is no folder none"]),
        ("export m --onnx=folder", FAILED, &["it is a folder"]),
    ];
    refused(&bench, "", &cases);
}

#[test]
fn folders_of_results_replace_nothing_of_other_kinds() {
    let bench = full();
    let put = |name: &str, text: &str| {
        fs::create_dir_all(bench.path(name).parent().unwrap()).unwrap();
        bench.write(name, text);
    };
    put("mine/assembled.safetensors", "dear diary");
    put("data/data/mnist/categories.txt", "my own names");
    put("sources/sources", "a file where a folder should be");
    put("pages/mda-inspect.1", "an essay");
    fs::create_dir_all(bench.path("taken/mda.1")).unwrap();
    let cases = [
        ("demo -o=notes", FAILED, &["notes", "it is there and is no folder"][..]),
        ("demo -o=notes/demo", FAILED, &["notes/demo"]),
        ("demo -o=mine", FAILED, &["mine/assembled.safetensors is not replaced", "--force"]),
        ("demo -o=data", FAILED, &["data/data/mnist/categories.txt is not replaced"]),
        ("demo -o=sources", FAILED, &["sources/sources"]),
        ("manual -o=notes", FAILED, &["notes", "it is there and is no folder"]),
        ("manual -o=notes/pages", FAILED, &["notes/pages"]),
        ("manual -o=pages", FAILED, &["pages/mda-inspect.1 is not replaced", "manual page"]),
        ("manual -o=taken", FAILED, &["taken/mda.1 cannot be written: it is a folder"]),
    ];
    refused(&bench, "", &cases);
}
