//! How a state_dict differs from what a graph needs.

use mda_core::graph::ValidGraph;
use std::collections::BTreeMap;
use std::fmt;

/// A named tensor's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name, `features.0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// An entry of another shape than the graph needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The entry's name.
    pub name: String,
    /// The shape that the graph needs.
    pub expected: Vec<usize>,
    /// The shape that was found.
    pub found: Vec<usize>,
}

/// Everything that a state_dict has too little, too much or otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// What the graph needs and the state_dict lacks.
    pub missing: Vec<Entry>,
    /// What the state_dict has and the graph does not need, or has twice.
    pub unexpected: Vec<Entry>,
    /// What both have in different shapes.
    pub mismatched: Vec<Mismatch>,
}

impl Differences {
    /// Compares what `graph` needs with the entries that were `found`.
    pub(crate) fn between<'a>(graph: &ValidGraph, found: impl IntoIterator<Item = (&'a str, &'a [usize])>) -> Self {
        let mut differences = Self::default();
        let mut left: BTreeMap<&str, &[usize]> = BTreeMap::new();
        for (name, shape) in found {
            if left.contains_key(name) {
                differences.unexpected.push(entry(name, shape));
            } else {
                left.insert(name, shape);
            }
        }
        for Entry { name, shape: expected } in needed(graph) {
            match left.remove(name.as_str()) {
                None => differences.missing.push(Entry { name, shape: expected }),
                Some(found) if found != expected => {
                    differences.mismatched.push(Mismatch { name, expected, found: found.to_vec() });
                }
                Some(_) => {}
            }
        }
        differences.unexpected.extend(left.into_iter().map(|(name, shape)| entry(name, shape)));
        differences
    }

    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries differ.
    pub fn len(&self) -> usize {
        self.missing.len() + self.unexpected.len() + self.mismatched.len()
    }
}

fn entry(name: &str, shape: &[usize]) -> Entry {
    Entry { name: name.into(), shape: shape.into() }
}

/// The parameters that `graph` needs, in the order of its nodes.
pub(crate) fn needed(graph: &ValidGraph) -> impl Iterator<Item = Entry> {
    graph.nodes().iter().enumerate().flat_map(|(id, node)| {
        let specs = graph.parameter_specs(id).into_iter();
        specs.map(|spec| Entry { name: format!("{}.{}", node.name, spec.suffix), shape: spec.shape })
    })
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = |entry: &Entry| format!("`{}` {:?}", entry.name, entry.shape);
        let mismatch = |m: &Mismatch| format!("`{}`: expected {:?}, found {:?}", m.name, m.expected, m.found);
        lines(f, "missing", &self.missing, entry)?;
        lines(f, "unexpected", &self.unexpected, entry)?;
        lines(f, "of another shape", &self.mismatched, mismatch)
    }
}

fn lines<T>(f: &mut fmt::Formatter<'_>, kind: &str, all: &[T], line: impl Fn(&T) -> String) -> fmt::Result {
    if all.is_empty() {
        return Ok(());
    }
    write!(f, "\n  {} {kind}:", all.len())?;
    all.iter().try_for_each(|item| write!(f, "\n    {}", line(item)))
}
