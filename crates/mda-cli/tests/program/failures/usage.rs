//! Command lines that are not understood: status 2, before anything is looked at.

use super::super::Bench;
use super::{USAGE, refused};

#[test]
fn commands_and_options_that_there_are_not() {
    let bench = Bench::new();
    let cases = [
        ("assemble-all", USAGE, &["unrecognized subcommand", "assemble-all"][..]),
        ("inspect", USAGE, &["<MODEL>"]),
        ("inspect a b", USAGE, &["unexpected argument 'b'"]),
        ("inspect a --colour", USAGE, &["unexpected argument '--colour'"]),
        ("import a", USAGE, &["--output <FILE>"]),
        ("export a", USAGE, &["--onnx <FILE>"]),
        ("evaluate a", USAGE, &["--data"]),
        ("disassemble a --data d -o o", USAGE, &["--task <TASK>"]),
        ("disassemble a --task 0 -o o", USAGE, &["--data <PATH>"]),
        ("disassemble a --data d --task 0", USAGE, &["--output <FILE>"]),
        ("assemble a -o o", USAGE, &["2", "<COMPONENTS>"]),
        ("study r", USAGE, &["--output <DIR>"]),
        ("manual", USAGE, &["--output <DIR>"]),
        ("completions cobol", USAGE, &["'cobol'", "bash"]),
        ("import a -o o --mean 0.5", USAGE, &["--std"]),
        ("import a -o o --std 0.5", USAGE, &["--mean"]),
        ("import a -o o --data d --categories c", USAGE, &["cannot be used with"]),
        ("export m --onnx=", USAGE, &["a value is required"]),
        ("completions '\u{1b}[2J'", USAGE, &["invalid value"]),
    ];
    refused(&bench, "", &cases);
}

#[test]
fn numbers_and_names_out_of_bounds() {
    let bench = Bench::new();
    let anywhere = [
        ("--batch 0", USAGE, &["--batch", "1..=65536"][..]),
        ("--batch 65537", USAGE, &["--batch", "1..=65536"]),
        ("--batch many", USAGE, &["--batch", "invalid digit"]),
        ("--threads 0", USAGE, &["--threads", "expected 1 to"]),
        ("--threads 1000", USAGE, &["--threads", "expected 1 to"]),
        ("--threads -1", USAGE, &["-1"]),
        ("--threads two", USAGE, &["--threads", "two"]),
    ];
    refused(&bench, "inspect none", &anywhere);
    let disassembling = [
        ("--keep-params 0", USAGE, &["above 0 and up to 100"][..]),
        ("--keep-params 101%", USAGE, &["above 0 and up to 100"]),
        ("--keep-params=-30", USAGE, &["above 0 and up to 100"]),
        ("--keep-params NaN", USAGE, &["above 0 and up to 100"]),
        ("--keep-macs half", USAGE, &["above 0 and up to 100"]),
        ("--keep-macs inf", USAGE, &["above 0 and up to 100"]),
        ("--max-drop 200", USAGE, &["--max-drop", "from 0 to 100"]),
        ("--max-drop=-1", USAGE, &["from 0 to 100"]),
        ("--max-drop NaN", USAGE, &["from 0 to 100"]),
        ("--max-drop inf", USAGE, &["from 0 to 100"]),
        ("--max-drop 1 --keep-macs 30%", USAGE, &["cannot be used with"]),
        ("--top-k 0", USAGE, &["--top-k"]),
        ("--candidates few", USAGE, &["--candidates"]),
        ("--calibration=-3", USAGE, &["--calibration"]),
        ("--seed 1.5", USAGE, &["--seed"]),
        ("--alpha much", USAGE, &["--alpha"]),
        ("--logits some", USAGE, &["task", "all"]),
    ];
    refused(&bench, "disassemble none --data none --task 0 -o out", &disassembling);
    let assembling = [
        ("--form serial", USAGE, &["parallel", "block-diagonal"][..]),
        ("--rescale twice", USAGE, &["evidence", "weight-align"]),
        ("--prior none", USAGE, &["uniform", "train"]),
    ];
    refused(&bench, "assemble a b -o out", &assembling);
    refused(&bench, "evaluate a --data d", &[("--split half", USAGE, &["train", "test"])]);
    refused(&bench, "study r -o out", &[("--jobs 0", USAGE, &["--jobs"])]);
}
