//! No two parts of `mda-core` need each other: a part, which is a folder or file right below its `src`, can be read, and
//! moved, after those that it names.

use super::imports::{Source, paths, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Circles that are there and are to go, each as its parts in order. Nothing is ever added; what is gone is struck out.
pub(super) const KNOWN: &[&[&str]] = &[];

/// Which parts each part names, and the file that does.
type Edges = BTreeMap<String, BTreeMap<String, String>>;

/// The circles below `src` that are not `known`, and those `known` that are there no more.
pub(super) fn check(src: &Path, known: &[&[&str]]) -> anyhow::Result<Vec<String>> {
    let edges = edges(&sources(src)?);
    let circles = circles(&edges);
    let mut problems = Vec::new();
    for circle in circles.iter().filter(|circle| !known.iter().any(|known| circle.iter().eq(known.iter()))) {
        let walk = walk(&edges, circle);
        let names = |pair: &[String]| format!("{} names `{}`", edges[&pair[0]][&pair[1]], pair[1]);
        let why: Vec<String> = walk.windows(2).map(names).collect();
        let (circle, why) = (circle.join(", "), why.join(", "));
        problems.push(format!("{}: a circle of imports among {circle}: {why}", src.display()));
    }
    for known in known.iter().filter(|known| !circles.iter().any(|circle| circle.iter().eq(known.iter()))) {
        problems
            .push(format!("the known circle {} is there no more: strike it out of tidy/circles.rs", known.join(", ")));
    }
    Ok(problems)
}

fn edges(sources: &[Source]) -> Edges {
    let parts: BTreeSet<&str> = sources.iter().filter_map(|source| source.module.first()).map(String::as_str).collect();
    let exported = exported(sources);
    let mut edges = Edges::new();
    for source in sources {
        let Some(from) = source.module.first() else { continue };
        // From the root, which is as far above as the file lies deep.
        let climbing = vec!["super"; source.module.len()].join("::");
        let named = paths(&source.text, "crate").into_iter().chain(paths(&source.text, &climbing));
        for path in named {
            let Some(first) = path.first().filter(|first| *first != "super") else { continue };
            let to = exported.get(first).unwrap_or(first);
            if to != from && parts.contains(to.as_str()) {
                let file = source.name.display().to_string();
                edges.entry(from.clone()).or_default().entry(to.clone()).or_insert(file);
            }
        }
    }
    edges
}

/// What the root exports under its own name, and the part that has it.
fn exported(sources: &[Source]) -> BTreeMap<String, String> {
    let mut exported = BTreeMap::new();
    for root in sources.iter().filter(|source| source.module.is_empty()) {
        for export in root.text.split("pub use ").skip(1) {
            let export = export.split(';').next().unwrap_or_default().trim_start_matches("crate::");
            for path in paths(&format!("crate::{export}"), "crate") {
                if let [part, .., name] = path.as_slice() {
                    exported.insert(name.clone(), part.clone());
                }
            }
        }
    }
    exported
}

/// All parts that `from` needs, directly or through others.
fn reached(edges: &Edges, from: &str) -> BTreeSet<String> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(part) = next.pop() {
        for to in edges.get(&part).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(to.clone()) {
                next.push(to.clone());
            }
        }
    }
    reached
}

/// The largest sets of parts that need each other, each in order.
fn circles(edges: &Edges) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<String>> = edges.keys().map(|part| (part, reached(edges, part))).collect();
    let mut circles = BTreeSet::new();
    for (part, all) in reached.iter().filter(|(part, all)| all.contains(**part)) {
        let back = |to: &&String| reached.get(to).is_some_and(|all| all.contains(*part));
        circles.insert(all.iter().filter(back).cloned().collect::<Vec<_>>());
    }
    circles.into_iter().collect()
}

/// The shortest way from the first of `circle` to itself.
fn walk(edges: &Edges, circle: &[String]) -> Vec<String> {
    let Some(start) = circle.first() else { return Vec::new() };
    let mut walks = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    loop {
        let mut longer = Vec::new();
        for walk in &walks {
            let tos = walk.last().and_then(|last| edges.get(last)).into_iter().flat_map(BTreeMap::keys);
            for to in tos.filter(|to| circle.contains(to)) {
                let walk: Vec<String> = walk.iter().chain([to]).cloned().collect();
                if to == start {
                    return walk;
                }
                if seen.insert(to.clone()) {
                    longer.push(walk);
                }
            }
        }
        if longer.is_empty() {
            return Vec::new();
        }
        walks = longer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: [(&str, &str); 7] = [
        ("lib.rs", "pub mod graph;\npub mod op;\npub mod model;\npub mod slice;\npub use model::Model;\n"),
        ("op/mod.rs", "mod add;\npub struct Op;\n#[cfg(test)]\nmod tests {\n    use crate::slice;\n}\n"),
        ("op/add.rs", "use super::Op;\n"),
        ("graph/mod.rs", "mod valid;\nuse crate::op::Op;\n"),
        ("graph/valid.rs", "use super::super::op::Op;\n/// Not [`crate::slice`].\nstruct Valid;\n"),
        ("model.rs", "use crate::graph;\n"),
        ("slice.rs", "use crate::{Model, graph::Graph};\n"),
    ];

    fn found(more: &[(&str, &str)], known: &[&[&str]]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in TREE.iter().chain(more) {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let place = format!("{}: ", folder.path().display());
        check(folder.path(), known).unwrap().into_iter().map(|problem| problem.replace(&place, "")).collect()
    }

    #[test]
    fn parts_that_need_each_other_are_named_with_their_files() {
        assert_eq!(found(&[], &[]), Vec::<String>::new());
        let two = found(&[("op/add.rs", "use super::super::graph::Graph;\n")], &[]);
        let why = "graph/mod.rs names `op`, op/add.rs names `graph`";
        assert_eq!(two, [format!("a circle of imports among graph, op: {why}")]);
        // Through what the root exports, and over three parts.
        let three = found(&[("op/add.rs", "fn f(model: &crate::Model) {}\n")], &[]);
        let why = "graph/mod.rs names `op`, op/add.rs names `model`, model.rs names `graph`";
        assert_eq!(three, [format!("a circle of imports among graph, model, op: {why}")]);
    }

    #[test]
    fn what_is_known_passes_until_it_is_gone() {
        let circle: &[(&str, &str)] = &[("op/add.rs", "use crate::graph::Graph;\n")];
        assert_eq!(found(circle, &[&["graph", "op"]]), Vec::<String>::new());
        assert!(found(&[], &[&["graph", "op"]])[0].contains("graph, op is there no more"));
        // One that grows is another.
        let grown = [("op/add.rs", "use crate::graph::Graph;\nuse crate::slice;\n")];
        assert_eq!(found(&grown, &[&["graph", "op"]]).len(), 2);
    }
}
