//! What source text names of a crate's modules. It is read line by line, as rustfmt leaves it; no test's text counts.

use anyhow::Context;
use std::path::{Path, PathBuf};

/// A source file of a crate and its text without comments and tests.
pub(super) struct Source {
    /// Its place below the crate's `src`.
    pub(super) name: PathBuf,
    /// Its modules from the root: `["backend", "fusion"]` for `backend/fusion.rs`, none for the root itself.
    pub(super) module: Vec<String>,
    pub(super) text: String,
}

/// Every source file below `src` but those of tests.
pub(super) fn sources(src: &Path) -> anyhow::Result<Vec<Source>> {
    let mut files = Vec::new();
    super::collect(src, &mut files)?;
    files.sort();
    let (mut sources, mut tests) = (Vec::new(), Vec::new());
    for file in files {
        let whole = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(src).unwrap_or(&file).to_owned();
        let module = module(&name);
        let (text, test_modules) = without_tests(&without_comments(&whole));
        tests.extend(test_modules.into_iter().map(|test| [module.as_slice(), &[test]].concat()));
        sources.push(Source { name, module, text });
    }
    sources.retain(|source| !tests.iter().any(|test| source.module.starts_with(test)));
    Ok(sources)
}

fn module(name: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        name.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| line.find("//").map_or(line, |start| &line[..start]).trim_end().to_owned();
    text.lines().map(|line| code(line) + "\n").collect()
}

/// The text without what `#[cfg(test)]` stands before, and the modules among that which are files of their own.
fn without_tests(text: &str) -> (String, Vec<String>) {
    let (mut kept, mut modules) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let attribute = line.trim_start();
        if !(attribute.starts_with("#[cfg(test)]") || attribute.starts_with("#[cfg(all(test")) {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        let indent = &line[..line.len() - attribute.len()];
        // Other attributes may come between. The item ends where a line ends it at its own indentation.
        for line in lines.by_ref() {
            let Some(rest) = line.strip_prefix(indent).filter(|rest| !rest.starts_with(' ')) else { continue };
            if let Some(name) =
                rest.trim_start_matches("pub(crate) ").strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'))
            {
                modules.push(name.to_owned());
            }
            if rest.ends_with(';') || rest.ends_with(',') || rest.starts_with('}') || rest.ends_with('}') {
                break;
            }
        }
    }
    (kept, modules)
}

/// Every path behind `root::` in `text`, as its names: `use root::{a::{B, c}, D}` has `a B`, `a c` and `D`.
pub(super) fn paths(text: &str, root: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices(root) {
        let before = text[..start].chars().next_back();
        let part_of_a_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$' || c == ':');
        if let (false, Some(rest)) = (part_of_a_name, text[start + root.len()..].strip_prefix("::")) {
            tree(rest, &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Takes one tree of names from the front of `text`, and answers what is left.
fn tree<'a>(text: &'a str, above: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            if let Some(behind) = rest.strip_prefix('}') {
                return behind;
            }
            let before = rest.len();
            rest = tree(rest, above, found).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
            if rest.len() == before {
                return rest;
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return rest;
    }
    above.push(name.to_owned());
    match rest.strip_prefix("::").filter(|rest| !rest.starts_with('<')) {
        Some(behind) => rest = tree(behind, above, found),
        None => {
            found.push(above.clone());
            // What it is called here instead.
            if let Some(alias) = rest.strip_prefix(" as ") {
                rest = alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            }
        }
    }
    above.pop();
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str, root: &str) -> Vec<String> {
        paths(text, root).into_iter().map(|path| path.join(" ")).collect()
    }

    #[test]
    fn trees_of_imports_are_taken_apart() {
        let text = "use crate::{a::{self, B as C, d::*}, E};\nfn f(x: crate::g::H<crate::i::J>) { $crate::k!() }\n";
        assert_eq!(joined(text, "crate"), ["a self", "a B", "a d *", "E", "g H", "i J"]);
        assert_eq!(joined("use mda_core::x::Y; let my_mda_core::z = core::w;", "mda_core"), ["x Y"]);
        assert_eq!(joined("crate::{a, \n    b::C,\n};", "crate"), ["a", "b C"]);
        assert_eq!(joined("crate::a::f::<u8>() + crate::{", "crate"), ["a f"]);
    }

    #[test]
    fn tests_and_comments_do_not_count() {
        let text = "//! [`crate::doc`]\nuse a; // crate::b\n#[cfg(test)]\nmod data;\n#[cfg(test)]\nuse crate::c::{\n    D,\n};\nuse e;\n\
            #[cfg(test)]\n#[allow(x)]\nmod tests {\n    use crate::f;\n    fn g() {\n    }\n}\nuse h;\n";
        let (text, modules) = without_tests(&without_comments(text));
        assert_eq!((text.as_str(), modules), ("\nuse a;\nuse e;\nuse h;\n", vec!["data".to_owned()]));
    }

    #[test]
    fn a_file_is_a_module() {
        let named = |name: &str| module(Path::new(name)).join("::");
        assert_eq!(["lib.rs", "a.rs", "a/mod.rs", "a/b.rs"].map(named), ["", "a", "a", "a::b"]);
    }
}
