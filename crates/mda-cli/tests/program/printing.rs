//! What is printed: results that arrive or are an error, and names that command no terminal.

use super::{Bench, asset};
use mda_core::Model;
use mda_formats::native;
use std::process::{Command, Output, Stdio};

const HOSTILE: [&str; 3] = ["\u{1b}]0;owned\u{7}", "two\nlines", "\u{202e}gnp.exe\u{9b}"];

/// The embedded MNIST network with names that a terminal would obey.
fn hostile(bench: &Bench) {
    let model = native::read(asset("lenet5-mnist.safetensors").as_ref()).unwrap();
    let names = (0..10).map(|k| HOSTILE.get(k).map_or_else(|| k.to_string(), |&name| name.to_owned())).collect();
    let model: Model = model.with_categories(names).unwrap().with_name("\u{1b}[2Jgone\r");
    native::write(&model, &bench.path("hostile.safetensors")).unwrap();
}

/// Whether a terminal may show this.
fn is_tame(bytes: &[u8]) -> bool {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.chars().all(|c| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)))
}

#[test]
fn names_are_shown_and_not_obeyed() {
    let bench = Bench::new();
    hostile(&bench);
    for (arguments, shown) in [
        (&["inspect", "hostile.safetensors"][..], "two\\u{a}lines, \\u{202e}gnp.exe\\u{9b}"),
        (&["export", "hostile.safetensors", "--onnx=\u{1b}[1m.onnx"], "\\u{1b}[2Jgone\\u{d} -> \\u{1b}[1m.onnx"),
        (&["import", "\u{1b}[1m.onnx", "-o=i.safetensors"], "\\u{1b}]0;owned\\u{7}, two\\u{a}lines"),
    ] {
        let output = bench.mda(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && is_tame(&output.stdout) && is_tame(&output.stderr), "{output:?}");
        assert!(text.contains(shown), "{text}");
    }
    let data = format!("--data={}", asset("mnist"));
    for arguments in [
        &["evaluate", "hostile.safetensors", &data, "--confusion"][..],
        &["evaluate", "hostile.safetensors", &data, "--task=none"],
        &["evaluate", "hostile.safetensors", "--data=\u{1b}[2J"],
        &["assemble", "hostile.safetensors", "hostile.safetensors", "-o=a.safetensors"],
        &["inspect", "\u{1b}[2Jnone"],
        &["inspect", "--\u{1b}[2J"],
    ] {
        let output = bench.mda(arguments);
        assert!(is_tame(&output.stdout) && is_tame(&output.stderr), "{output:?}");
    }
    let json = bench.succeeds(&["inspect", "hostile.safetensors", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["categories"][2], HOSTILE[2], "programs get the names as they are");
}

/// Runs a line of `sh` in which `$MDA` is the program.
#[cfg(target_os = "linux")]
fn shell(bench: &Bench, line: &str) -> Output {
    Command::new("bash")
        .args(["-c", line])
        .env("MDA", env!("CARGO_BIN_EXE_mda"))
        .env("MODEL", asset("lenet5-mnist.safetensors"))
        .env("DATA", asset("mnist"))
        .current_dir(bench.folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_who_has_had_enough_ends_the_program_quietly() {
    let bench = Bench::new();
    for command in ["inspect $MODEL", "inspect $MODEL --json", "completions bash", "--help", "backends"] {
        // The pipe is closed before anything is written into it.
        let output = shell(&bench, &format!("(sleep 0.3; $MDA {command}; echo $? >&2) | true"));
        assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "141", "{command}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_does_not_arrive_is_an_error() {
    let bench = Bench::new();
    for command in ["inspect $MODEL", "inspect $MODEL --json", "completions zsh", "--version", "import --help"] {
        let output = shell(&bench, &format!("$MDA {command} > /dev/full"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.starts_with("error: writing to stdout: No space left on device"), "{command}: {said}");
        assert!(said.lines().count() == 1, "{command}: {said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn progress_that_nobody_hears_stops_nothing() {
    let bench = Bench::new();
    let job = "$MDA disassemble $MODEL --data $DATA --task 0-2 --formulation l1 --repair none --keep-params 20%";
    let full = shell(&bench, &format!("{job} -o full.safetensors 2> /dev/full"));
    assert!(full.status.success() && !full.stdout.is_empty());
    let closed = shell(&bench, &format!("({job} -o closed.safetensors 2>&1 > result; echo $? > status) | true"));
    assert!(closed.status.success());
    assert_eq!(bench.read("status").trim(), "0");
    for name in ["full.safetensors", "closed.safetensors"] {
        assert!(bench.succeeds(&["inspect", name]).contains("component of"), "{name}");
    }
    let error = shell(&bench, "$MDA inspect none 2> /dev/full");
    assert_eq!(error.status.code(), Some(1));
}

/// An image that comes after nine seconds, with others behind it, and what `mda predict` with these flags says meanwhile.
#[cfg(target_os = "linux")]
fn said_while_waiting(flags: &str) -> String {
    let bench = Bench::new();
    let write = |name: &str| {
        let mut encoder = png::Encoder::new(std::fs::File::create(bench.path(name)).unwrap(), 28, 28);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[0; 28 * 28]).unwrap();
    };
    write("a.png");
    write("b.png");
    let line = "mkfifo late; (sleep 9; cat a.png > late) & $MDA predict $MODEL a.png b.png late b.png --batch 1";
    let output = shell(&bench, &format!("{line} {flags}; wait"));
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("late"), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn what_lasts_tells_a_line_of_progress_unless_it_is_to_be_quiet() {
    let (told, quiet) = std::thread::scope(|scope| {
        let quiet = scope.spawn(|| said_while_waiting("--quiet"));
        (said_while_waiting(""), quiet.join().unwrap())
    });
    let lines: Vec<&str> = told.lines().collect();
    // A busy machine may be a second late.
    assert!(lines.len() == 2 && lines[0].starts_with("looking at images: 50 % after "), "{told}");
    assert!(lines[0].ends_with(" s left") && lines[1].starts_with("4 images in "), "{told}");
    assert_eq!(quiet, "");
}

#[test]
fn quiet_leaves_the_result() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let output = bench.mda(&["evaluate", &model, &data, "--quiet"]);
    assert!(output.status.success() && output.stderr.is_empty() && !output.stdout.is_empty(), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_an_error_and_no_crash() {
    let bench = Bench::new();
    // One block that is too large: where the small ones end, the C library may be the one who is told first.
    for name in ["large.onnx", "large.safetensors"] {
        std::fs::File::create(bench.path(name)).unwrap().set_len(3 << 30).unwrap();
        let output = shell(&bench, &format!("ulimit -v {}; $MDA import {name} -o out.safetensors", 1 << 20));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with("error: out of memory: 3221225472 bytes more are not to be had\nhint: "), "{said}");
        std::fs::remove_file(bench.path(name)).unwrap();
        assert!(std::fs::read_dir(bench.folder.path()).unwrap().next().is_none(), "something is left");
    }
}
