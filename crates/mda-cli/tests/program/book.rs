//! The book and the README: every command line in them runs, or its block says why it does not.

use super::Bench;
use std::path::{Path, PathBuf};

/// What begins a block of commands that are run, and one of commands that are not.
const RUN: &str = "bash";
const NOT_RUN: &str = "bash not-run: ";

/// A fenced block.
struct Block {
    line: usize,
    /// What stands behind the fence.
    info: String,
    text: String,
}

struct Page {
    name: String,
    blocks: Vec<Block>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The README and the pages of the book.
fn pages() -> Vec<Page> {
    let files = std::fs::read_dir(root().join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    files.push(root().join("README.md"));
    files.sort();
    let page = |path: &PathBuf| Page {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        blocks: blocks(&std::fs::read_to_string(path).unwrap()),
    };
    files.iter().map(page).collect()
}

fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = Default::default();
    for (index, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => {
                open = Some(Block { line: index + 1, info: info.trim().to_owned(), text: String::new() })
            }
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

/// What is wrong with how a block begins.
fn objection(block: &Block) -> Option<&'static str> {
    let commands = ["mda ", "cargo ", "$ "];
    match block.info.as_str() {
        "" => Some("it tells no language; `text` is one"),
        // What the program says of how it is called.
        RUN | "usage" => None,
        info if info.starts_with(NOT_RUN) => None,
        info if info.starts_with("bash") || info.starts_with("sh") || info.starts_with("console") => {
            Some("commands stand behind `bash`, or `bash not-run: WHY`")
        }
        _ if block.text.lines().any(|line| commands.iter().any(|command| line.trim_start().starts_with(command))) => {
            Some("it holds commands and is no `bash`")
        }
        _ => None,
    }
}

#[test]
fn a_block_says_what_it_is_and_commands_why_they_do_not_run() {
    let of_page = |page: &Page| {
        let told = |block: &Block| Some(format!("{}:{}: {}", page.name, block.line, objection(block)?));
        page.blocks.iter().filter_map(told).collect::<Vec<_>>()
    };
    let objections: Vec<String> = pages().iter().flat_map(of_page).collect();
    assert!(objections.is_empty(), "{objections:#?}");
    let wrong = |text: &str| blocks(text).first().and_then(objection).is_some();
    let bad = ["```\nx\n```", "```text\nmda demo\n```", "  ```sh\n  ls\n  ```", "```bash not-run:\nls\n```"];
    assert!(bad.into_iter().all(wrong) && !wrong("```bash not-run: it is slow\nmda demo\n```"));
}

#[test]
fn the_reference_is_what_the_program_says_of_itself() {
    let (written, told) = (root().join("docs/src/reference.md"), Bench::new().succeeds(&["reference"]));
    let same = std::fs::read_to_string(&written).is_ok_and(|page| page == told);
    assert!(same, "stale; write it anew: cargo run -p mda-cli -- reference > docs/src/reference.md");
}

/// Runs the blocks of a page one after another in `folder`, as at the top of a checkout.
#[cfg(target_os = "linux")]
fn run(page: &Page, folder: &Path) {
    use std::process::{Command, Stdio};
    let program = Path::new(env!("CARGO_BIN_EXE_mda")).parent().unwrap().to_owned();
    let path = std::env::join_paths(
        std::iter::once(program).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let path = path.unwrap();
    std::os::unix::fs::symlink(root().join("docs"), folder.join("docs")).unwrap();
    for block in page.blocks.iter().filter(|block| block.info == RUN) {
        let shell = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &block.text])
            .current_dir(folder)
            .stdin(Stdio::null())
            .env("PATH", &path)
            .env_remove("MDA_BACKEND")
            .env_remove("MDA_PLUGIN_PATH")
            .env_remove("MDA_SHARED")
            .output();
        let output = shell.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:{}: {said}\n{}", page.name, block.line, block.text);
    }
}

/// The tutorial makes what `mda demo` writes; the other pages begin where that is.
#[cfg(target_os = "linux")]
#[test]
fn the_commands_of_the_book_run() {
    let (pages, tutorial) = (pages(), Bench::new());
    let (first, others): (Vec<&Page>, Vec<&Page>) = pages.iter().partition(|page| page.name == "tutorial");
    run(first[0], tutorial.folder.path());
    let runs = |page: &&&Page| page.blocks.iter().any(|block| block.info == RUN);
    std::thread::scope(|scope| {
        for page in others.iter().filter(runs) {
            let demo = tutorial.path("mda-demo");
            scope.spawn(move || {
                let bench = Bench::new();
                if !page.blocks.iter().any(|block| block.text == "mda demo\n") {
                    std::os::unix::fs::symlink(demo, bench.path("mda-demo")).unwrap();
                }
                run(page, bench.folder.path());
            });
        }
    });
}
