//! What people see: the words and their order, with every number as `N`. `INSTA_UPDATE=always` writes them anew.

use super::{Bench, asset};

/// `text` with every number as `N`, and no more blanks or dashes than tell that there are some: how wide they are depends on
/// numbers.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let mut skip = |is: fn(char) -> bool| {
            let mut count = 1;
            while rest.next_if(|&c| is(c)).is_some() {
                count += 1;
            }
            count
        };
        match c {
            '0'..='9' if !out.ends_with(|c: char| c.is_alphabetic()) => {
                skip(|c| c.is_ascii_digit() || c == '.' || c == ',');
                out.push('N');
            }
            ' ' if skip(|c| c == ' ') > 1 => out.push_str("  "),
            '-' if skip(|c| c == '-') > 2 => out.push_str("---"),
            '-' if out.ends_with(' ') => out.push_str("--"),
            c => out.push(c),
        }
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// What `mda disassemble` prints with these flags, and how many lines that has.
fn disassembled(flags: &[&str]) -> (String, usize) {
    let bench = Bench::new();
    std::fs::copy(asset("lenet5-fashion-mnist.safetensors"), bench.path("clothes.safetensors")).unwrap();
    let data = std::path::Path::new(&asset("fashion-mnist")).to_owned();
    std::fs::create_dir(bench.path("fashion-mnist")).unwrap();
    for file in std::fs::read_dir(data).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), bench.path("fashion-mnist").join(file.file_name())).unwrap();
    }
    let cut =
        ["disassemble", "clothes.safetensors", "--data=fashion-mnist", "--formulation=l1", "-q", "-o=few.safetensors"];
    let shown = bench.succeeds(&[&cut[..], flags].concat());
    let lines = shown.lines().count();
    (words(&shown), lines)
}

#[test]
fn a_component_is_told_of_in_fifteen_lines() {
    let (shown, lines) = disassembled(&["--task=7-9"]);
    assert!(lines <= 15, "{shown}");
    insta::assert_snapshot!("component", shown);
    let (shown, lines) = disassembled(&["--task=Bag"]);
    assert!(lines <= 15, "{shown}");
    insta::assert_snapshot!("one_category", shown);
}

#[test]
fn why_is_told_where_it_is_asked_for() {
    let (shown, _) = disassembled(&["--task=7-9", "--keep-params=20%", "--explain"]);
    // Which plan is best by a hair may differ between processors.
    let (plans, others): (Vec<&str>, Vec<&str>) = shown.lines().partition(|line| line.contains("l1"));
    assert!(plans.len() == 5 && plans[1].starts_with("* l1, "), "{shown}");
    insta::assert_snapshot!("explained", others.join("\n"));
}

#[test]
fn confusion_shows_what_is_there() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-fashion-mnist.safetensors"), format!("--data={}", asset("fashion-mnist")));
    let shown = bench.succeeds(&["evaluate", &model, &data, "--task=Trouser,Bag", "--confusion", "-q"]);
    let rows: Vec<&str> = shown.lines().skip_while(|line| !line.starts_with("rows:")).skip(3).collect();
    assert!(rows.len() == 2 && rows[0].contains("1 Trouser") && rows[1].contains("8 Bag"), "{shown}");
}
