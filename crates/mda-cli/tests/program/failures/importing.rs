//! Other programs' files that cannot be taken over, and flags that do not fit them.

use super::{Bench, FAILED, refused, small_network};
use std::fs;

const CHECKPOINT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/lenet5-mnist/lenet5-mnist.pth");

/// A bench with a PyTorch checkpoint, an ONNX file, and damaged ones of both.
fn foreign() -> Bench {
    let bench = Bench::new();
    let put = |name: &str, bytes: &[u8]| fs::write(bench.path(name), bytes).unwrap();
    let whole = fs::read(CHECKPOINT).unwrap();
    put("a.pth", &whole);
    put("cut.pth", &whole[..whole.len() / 2]);
    put("headless.pth", &whole[100..]);
    small_network(&bench.path("m"), "net", 3, &["a", "b"]);
    bench.succeeds(&["export", "m", "--onnx", "a.onnx"]);
    fs::remove_file(bench.path("m")).unwrap();
    let whole = fs::read(bench.path("a.onnx")).unwrap();
    put("cut.onnx", &whole[..whole.len() / 2]);
    put("text.onnx", b"these are not weights");
    put("empty.onnx", b"");
    put("empty", b"");
    put("text", b"these are not weights");
    // os.system("true") as a pickle of protocol 2, and of protocol 0.
    put("hostile.pt", b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.");
    put("old.pt", b"cos\nsystem\n(S'true'\ntR.");
    put("names.txt", b"one\ntwo\n");
    put("twice.txt", b"0\n1\n2\n3\n4\n5\n6\n7\n8\n8\n");
    bench
}

#[test]
fn files_that_are_no_weights() {
    let bench = foreign();
    let cases = [
        ("none.pth", FAILED, &["none.pth", "No such file"][..]),
        (".", FAILED, &["importing"]),
        ("empty", FAILED, &["importing empty", "hint:"]),
        ("text", FAILED, &["importing text", "hint:"]),
        ("cut.pth", FAILED, &["cut.pth", "hint:"]),
        ("headless.pth", FAILED, &["headless.pth", "hint:"]),
        ("hostile.pt", FAILED, &["hostile.pt", "hint:"]),
        ("old.pt", FAILED, &["old.pt", "hint:"]),
        ("cut.onnx", FAILED, &["cut.onnx", "not an ONNX model"]),
        ("text.onnx", FAILED, &["text.onnx", "not an ONNX model"]),
        ("empty.onnx", FAILED, &["empty.onnx"]),
        ("none.onnx", FAILED, &["none.onnx", "No such file"]),
    ];
    refused(&bench, "import -o=out.safetensors", &cases);
}

#[test]
fn flags_that_do_not_fit_the_file() {
    let bench = foreign();
    let weights = [
        ("--arch=vgg11", FAILED, &["conv1.weight", "fc2.bias", "features.0.weight", "classifier.6.bias"][..]),
        ("--arch=transformer", FAILED, &["transformer", "lenet5"]),
        ("--preset=mnits", FAILED, &["mnits", "mnist"]),
        ("--input=28", FAILED, &["ROWSxCOLUMNS", "`28`"]),
        ("--input=28x28x1", FAILED, &["ROWSxCOLUMNS"]),
        ("--input=0x0", FAILED, &["0"]),
        ("--mean=a --std=1", FAILED, &["--mean takes numbers, got `a`"]),
        ("--mean=0.5 --std=", FAILED, &["--std takes numbers"]),
        ("--mean=0,0 --std=1,1", FAILED, &["give 2 means and 2 standard deviations", "3 channel(s)"]),
        ("--mean=0,0,0 --std=1,0,1", FAILED, &["std"]),
        ("--mean=0,NaN,0 --std=1,1,1", FAILED, &["mean"]),
        ("--categories=none.txt", FAILED, &["none.txt", "No such file"]),
        ("--categories=names.txt", FAILED, &["expected 10 category names, got 2"]),
        ("--categories=twice.txt", FAILED, &["each once, got `8` again"]),
        ("--categories=empty", FAILED, &["expected 10 category names, got 0"]),
        ("--data=none", FAILED, &["opening none"]),
    ];
    refused(&bench, "import a.pth -o=out.safetensors", &weights);
    let graph = [
        ("--arch=lenet5", FAILED, &["brings its own architecture"][..]),
        ("--categories=twice.txt", FAILED, &["10", "2"]),
        ("--mean=0,0 --std=1,1", FAILED, &["3"]),
        ("--input=9x9", FAILED, &["9"]),
    ];
    refused(&bench, "import a.onnx -o=out.safetensors", &graph);
}
