//! The program holds none of the method's mathematics: of the core's numeric modules it names what can be asked for or
//! printed, and nothing that reckons.

use super::imports::{paths, sources};
use std::path::Path;

/// The modules of `mda-core` that reckon, and the tensors that they reckon with.
const NUMERIC: &[&str] = &[
    "Tensor",
    "assemble",
    "attribute",
    "budget",
    "cut",
    "model::affine",
    "observe",
    "repair",
    "rescale",
    "tensor",
    "tune",
];

/// What of them is a setting, an error or a result.
const ALLOWED: &[&str] = &[
    "assemble::Form",
    "attribute::Attribution",
    "attribute::Selection",
    "budget::Budget",
    "budget::BudgetError",
    "budget::Chosen",
    "budget::Explanation",
    "budget::Strategy",
    "budget::Trial",
    "cut::Component",
    "cut::KeepPlan",
    "cut::Logits",
    "repair::Degenerate",
    "repair::LayerRepair",
    "rescale::Rescaling",
];

/// Places that are to go: the file below the program's `src`, and what it names. Nothing is ever added; what is gone is struck
/// out.
pub(super) const KNOWN: &[(&str, &str)] = &[];

/// What the program's files below `src` name and should not, and what is `known` and there no more.
pub(super) fn check(src: &Path, known: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for source in sources(src)? {
        let file = source.name.display().to_string().replace('\\', "/");
        let named = ["mda_core", "mda::core"].into_iter().flat_map(|root| paths(&source.text, root));
        let named = named.flat_map(|path| followed(path, &source.text));
        found.extend(named.map(|path| path.join("::")).filter(|path| reckons(path)).map(|path| (file.clone(), path)));
    }
    found.sort();
    found.dedup();
    let is = |known: &(&str, &str), found: &(String, String)| known.0 == found.0 && known.1 == found.1;
    let new = found.iter().filter(|found| !known.iter().any(|known| is(known, found)));
    let gone = known.iter().filter(|known| !found.iter().any(|found| is(known, found)));
    let new = new
        .map(|(file, path)| format!("{}: the program does not reckon with mda_core::{path}", src.join(file).display()));
    let gone =
        gone.map(|(file, path)| format!("{file} names mda_core::{path} no more: strike it out of tidy/program.rs"));
    Ok(new.chain(gone).collect())
}

/// Where `path` is a module by itself, what `text` names behind that module's name.
fn followed(mut path: Vec<String>, text: &str) -> Vec<Vec<String>> {
    path.pop_if(|last| last == "self");
    match path.as_slice() {
        [module] if module.starts_with(char::is_lowercase) => {
            // The import itself may be met again, inside its braces.
            let behind = paths(text, module).into_iter().filter(|behind| behind[0] != "self");
            behind.map(|behind| path.iter().cloned().chain(behind).collect()).collect()
        }
        _ => vec![path],
    }
}

fn reckons(path: &str) -> bool {
    let within = |whole: &str| path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    NUMERIC.iter().any(|module| within(module)) && !ALLOWED.iter().any(|allowed| within(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_may_be_named_and_mathematics_not() {
        let folder = tempfile::tempdir().unwrap();
        let (src, found) = (folder.path(), |known: &[(&str, &str)]| check(folder.path(), known).unwrap());
        std::fs::create_dir(src.join("command")).unwrap();
        let allowed = "use mda_core::{Model, budget::{Budget, Trial}};\n#[cfg(test)]\nmod tests {\n    use mda_core::Tensor;\n}\n";
        std::fs::write(src.join("main.rs"), allowed).unwrap();
        assert_eq!(found(&[]), Vec::<String>::new());
        let whole = "use mda_core::{budget::{self, Trial}, cut};\nfn f(trial: budget::Trial) { cut::slice() }\n";
        std::fs::write(src.join("command/cut.rs"), whole).unwrap();
        let problems = found(&[]);
        assert!(problems.len() == 1 && problems[0].ends_with("mda_core::cut::slice"), "{problems:?}");
        std::fs::write(src.join("command/cut.rs"), "use mda_core::{Tensor, cut::slice, repair::LayerRepair};\n")
            .unwrap();
        let problems = found(&[("command/cut.rs", "cut::slice"), ("main.rs", "rescale::rescaled")]);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].ends_with("cut.rs: the program does not reckon with mda_core::Tensor"), "{problems:?}");
        assert!(problems[1].starts_with("main.rs names mda_core::rescale::rescaled no more"), "{problems:?}");
    }
}
