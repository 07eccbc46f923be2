//! Where results go: through links and devices, over files of the same kind, whole or not at all.

use super::{Bench, asset};
use std::fs;

fn disassemble(bench: &Bench, output: &str, more: &[&str]) -> String {
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let arguments = ["disassemble", &model, &data, "--task=0-2", "--formulation=l1", "--repair=none", "--no-evaluate"];
    bench.succeeds(&[&arguments[..], &["--keep-params=20%", "-o", output], more].concat())
}

#[test]
fn files_of_the_same_kind_and_empty_ones_are_replaced_and_others_by_force() {
    let bench = Bench::new();
    bench.write("empty", "");
    bench.write("notes", "dear diary");
    fs::copy(asset("lenet5-fashion-mnist.safetensors"), bench.path("model")).unwrap();
    for (output, more) in [("new", &[][..]), ("new", &[]), ("empty", &[]), ("model", &[]), ("notes", &["--force"])] {
        disassemble(&bench, output, more);
        assert!(bench.succeeds(&["inspect", output]).contains("component of lenet5"), "{output}");
    }
    let onnx = ["export", "new", "--onnx=new.onnx"];
    assert_eq!(bench.succeeds(&onnx), bench.succeeds(&onnx));
}

#[cfg(unix)]
#[test]
fn links_stay_and_what_they_point_at_is_replaced() {
    let bench = Bench::new();
    fs::create_dir(bench.path("far")).unwrap();
    std::os::unix::fs::symlink("far/model", bench.path("link")).unwrap();
    for _ in 0..2 {
        disassemble(&bench, "link", &[]);
        assert!(bench.path("link").is_symlink() && !bench.path("far/model").is_symlink());
        assert!(bench.succeeds(&["inspect", "far/model"]).contains("component of lenet5"));
    }
    assert_eq!(fs::read_dir(bench.path("far")).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_written_through() {
    use std::os::unix::fs::FileTypeExt;
    let bench = Bench::new();
    let kind = |path: &str| fs::symlink_metadata(path).unwrap().file_type();
    disassemble(&bench, "/dev/null", &[]);
    assert!(kind("/dev/null").is_char_device());
    disassemble(&bench, "file", &[]);
    let made = std::process::Command::new("mkfifo").arg(bench.path("fifo")).status().unwrap();
    assert!(made.success());
    let reader = std::thread::spawn({
        let fifo = bench.path("fifo");
        move || fs::read(fifo).unwrap()
    });
    disassemble(&bench, "fifo", &[]);
    assert_eq!(reader.join().unwrap(), fs::read(bench.path("file")).unwrap());
    assert!(kind(bench.path("fifo").to_str().unwrap()).is_fifo());
    let full = bench.mda(&["import", "file", "-o=/dev/full"]);
    assert_eq!(full.status.code(), Some(1));
    assert!(kind("/dev/full").is_char_device());
}

#[test]
fn manual_pages_join_what_is_in_a_folder() {
    let bench = Bench::new();
    fs::create_dir(bench.path("man")).unwrap();
    bench.write("man/git.1", "another program's");
    for _ in 0..2 {
        bench.succeeds(&["manual", "--output=man"]);
    }
    assert_eq!(bench.read("man/git.1"), "another program's");
    assert!(bench.read("man/mda-inspect.1").contains("inspect"));
    let names = fs::read_dir(bench.path("man")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| name.to_str().unwrap().ends_with(".1")), "nothing temporary stays");
    bench.succeeds(&["manual", "--output=deep/er"]);
    assert_eq!(bench.read("deep/er/mda.1"), bench.read("man/mda.1"));
}

/// Ends a demo while it works, and answers the status that a shell sees.
#[cfg(target_os = "linux")]
fn interrupted(bench: &Bench, signal: &str, output: &str) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    // What the tests run under may ignore signals, as a shell's background jobs do.
    let mut demo = std::process::Command::new("env")
        .args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_mda"), "demo", "--quiet", "-o", output])
        .current_dir(bench.folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let unfinished = |folder: std::path::PathBuf| {
        fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.any(|entry| entry.unwrap().file_name().to_str().unwrap().starts_with(".mda-unfinished-"))
        })
    };
    while !unfinished(bench.folder.path().into()) && !unfinished(bench.path(output)) {
        assert!(demo.try_wait().unwrap().is_none(), "it finished before it began");
        std::thread::yield_now();
    }
    let sent = std::process::Command::new("kill").args([signal, &demo.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = demo.wait().unwrap();
    status.signal().map_or(0, |signal| 128 + signal)
}

#[cfg(target_os = "linux")]
#[test]
fn who_is_told_to_stop_leaves_nothing() {
    let bench = Bench::new();
    for (signal, status) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        assert_eq!(interrupted(&bench, signal, "demo"), status);
        assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0, "{signal}");
    }
    fs::create_dir(bench.path("there")).unwrap();
    bench.write("there/notes", "mine");
    assert_eq!(interrupted(&bench, "-TERM", "there"), 143);
    assert_eq!(fs::read_dir(bench.path("there")).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let bench = Bench::new();
    let script = format!("trap '' HUP; '{}' manual -o man & kill -HUP $!; wait $!; echo $?", env!("CARGO_BIN_EXE_mda"));
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(bench.folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0");
    assert!(bench.path("man/mda.1").exists());
}
