//! Tasks that name nothing, and names that need quotes.

use super::{FAILED, refused, small_network, with_mnist};
use mda_data::{Split, write_categories, write_idx};

#[test]
fn categories_that_do_not_exist() {
    let bench = with_mnist();
    let cases = [
        ("7-12", FAILED, &["`7-12` is no category", "0 to 9"][..]),
        ("10", FAILED, &["`10`", "0 to 9"]),
        ("3-1", FAILED, &["`3-1`"]),
        ("99999999999999999999999", FAILED, &["0 to 9"]),
        ("two", FAILED, &["`two`"]),
        ("0,one,2", FAILED, &["`one`"]),
        (",", FAILED, &["at least one category"]),
        ("''", FAILED, &["at least one category"]),
        ("0-", FAILED, &["`0-`"]),
        ("'\"7'", FAILED, &["not closed"]),
        ("'\"7\"8'", FAILED, &["`8` stands behind the closing quote of `7`"]),
        ("'\"1-3\"'", FAILED, &["`1-3` is no category"]),
        ("'n*'", FAILED, &["`n*` is no category"]),
        ("@none.txt", FAILED, &["none.txt"]),
        ("0-2 --without '*'", FAILED, &["nothing is left"]),
    ];
    refused(&bench, "disassemble m.safetensors --data=mnist -o=out.safetensors --task", &cases);
    refused(&bench, "evaluate m.safetensors --data=mnist --task", &[("7-12", FAILED, &["`7-12` is no category"])]);
}

#[test]
fn a_name_with_a_comma_is_chosen_in_quotes() {
    let bench = with_mnist();
    let names = ["Bag, leather", "Coat", "\u{1b}[31mred"];
    small_network(&bench.path("bags.safetensors"), "bags", 1, &names);
    for split in [Split::Train, Split::Test] {
        let labels: Vec<u8> = (0..120).map(|n| n % 3).collect();
        let pixels: Vec<u8> = (0..120 * 64u32).map(|n| (n * 37 % 251) as u8).collect();
        write_idx(&bench.path("bags"), split, &pixels, 8, 8, &labels).unwrap();
    }
    write_categories(&bench.path("bags"), &names).unwrap();
    let evaluate = "evaluate bags.safetensors --data=bags --task";
    let cases = [
        ("'Bag, leather'", FAILED, &["`Bag` is no category", "double quotes: `\"Bag, leather\"`"][..]),
        ("'\"Bag, leather'", FAILED, &["not closed"]),
        ("red", FAILED, &["`\\u{1b}[31mred`"]),
    ];
    refused(&bench, evaluate, &cases);
    bench.write("names.txt", "Bag, leather\n\nCo*\n");
    let listed = bench.succeeds(&["evaluate", "bags.safetensors", "--data=bags", "--task=@names.txt"]);
    let others = bench.succeeds(&["evaluate", "bags.safetensors", "--data=bags", "--without=2"]);
    assert!(listed.contains("Bag, leather") && listed.contains("Coat") && !listed.contains("red"), "{listed}");
    assert_eq!(listed, others);
    let shown =
        bench.succeeds(&["evaluate", "bags.safetensors", "--data=bags", "--task", "\"Bag, leather\",\u{1b}[31mred"]);
    assert!(shown.contains("Bag, leather") && shown.contains("80 test images") && !shown.contains("Coat"), "{shown}");
    assert!(shown.contains("\\u{1b}[31mred") && !shown.contains('\u{1b}'), "{shown}");
}
