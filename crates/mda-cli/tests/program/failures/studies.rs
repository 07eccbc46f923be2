//! Recipes that cannot be run, told before anything is.

use super::{FAILED, refused, with_mnist};

const SOURCE: &str = "[source.m]\nmodel = 'm.safetensors'\ndata = 'mnist'\n";

/// One entry of components with these changes of its lines.
fn entry(changes: &[(&str, &str)]) -> String {
    let mut lines = vec![("source", "'m'"), ("tasks", "['0-2']"), ("formulations", "['l1']"), ("repairs", "['none']")];
    for &(key, value) in changes {
        lines.retain(|line| line.0 != key);
        lines.push((key, value));
    }
    let lines: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("name = 'x'\n{SOURCE}[[disassemble]]\n{lines}")
}

#[test]
fn recipes_that_cannot_be_run() {
    let bench = with_mnist();
    let good = entry(&[]);
    let recipes = [
        ("text", "these are no keys".to_owned(), &["the recipe text"][..]),
        ("empty", String::new(), &["the recipe empty", "name"]),
        ("nameless", good.replace("name = 'x'", ""), &["name"]),
        ("idle", format!("name = 'x'\n{SOURCE}"), &["nothing to run"]),
        ("unseeded", good.replace("name = 'x'", "name = 'x'\nseeds = []"), &["`seeds` is empty"]),
        ("misspelt", good.replace("formulations", "formulation"), &["formulation"]),
        ("unknown", entry(&[("source", "'n'")]), &["no source is called `n`", "there are m"]),
        ("magic", entry(&[("formulations", "['magic']")]), &["magic", "model-lego"]),
        ("glue", entry(&[("repairs", "['glue']")]), &["glue", "ridge"]),
        ("share", entry(&[("budgets", "['150%']")]), &["`150%`", "up to 100"]),
        ("nothing", entry(&[("budgets", "['0%']")]), &["`0%`", "above 0"]),
        ("drop", entry(&[("budgets", "['drop 200']")]), &["`drop 200`", "from 0 to 100"]),
        ("nan", entry(&[("budgets", "['drop NaN']")]), &["`drop NaN`", "from 0 to 100"]),
        ("bare", entry(&[("budgets", "['30']")]), &["`30` is no budget"]),
        ("uniform", entry(&[("counts", "'uniform'")]), &["needs budgets such as 30%"]),
        (
            "fewer",
            format!(
                "name = 'x'\n{SOURCE}[[assemble]]\ncomponents = [{{ source = 'm', task = '0' }}]\nrescalings = ['none']\n"
            ),
            &["at least two components"],
        ),
        ("modelless", good.replace("m.safetensors", "none.safetensors"), &["source `m`", "none.safetensors"]),
        ("dataless", good.replace("'mnist'", "'none'"), &["source `m`", "none"]),
        ("preset", good.replace("data = ", "preset = 'mnits'\ndata = "), &["mnits"]),
    ];
    for (name, recipe, _) in &recipes {
        bench.write(name, recipe);
    }
    let cases: Vec<_> = recipes.iter().map(|(name, _, says)| (*name, FAILED, *says)).collect();
    refused(&bench, "study -o=out", &cases);
    refused(&bench, "study -o=out", &[("nowhere.toml", FAILED, &["nowhere.toml", "No such file"])]);
}
