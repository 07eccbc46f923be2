//! The entries of a state_dict become a graph's parameters, by name.

use crate::differences::Differences;
use crate::entries::Naming;
use mda_core::Tensor;
use mda_core::graph::ValidGraph;
use mda_core::tensor::Parameters;
use std::collections::BTreeMap;
use thiserror::Error;

/// A graph's parameters, taken from a state_dict.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Every parameter that the graph needs, in its shape.
    pub parameters: Parameters,
    /// Entries that inference does not need: `num_batches_tracked` and auxiliary heads.
    pub ignored: Vec<String>,
}

/// A state_dict that does not fit a graph: every missing, unexpected and misshapen entry.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{} entries do not fit the network:{}", .0.len(), .0)]
pub struct LoadErrors(pub Differences);

/// Gives `entries` to `graph`.
///
/// `module.` or `_orig_mod.` before every name is left out, and DenseNet entries of torchvision's old form
/// (`denselayer1.norm.1`) are renamed.
///
/// # Errors
/// [`LoadErrors`] with everything that does not fit, at once.
pub fn load(graph: &ValidGraph, entries: BTreeMap<String, Tensor>) -> Result<Loaded, LoadErrors> {
    let naming = Naming::of(entries.keys().map(String::as_str));
    let (mut named, mut ignored) = (Vec::new(), Vec::new());
    for (name, tensor) in entries {
        match naming.parameter(&name) {
            Some(parameter) => named.push((parameter, tensor)),
            None => ignored.push(name),
        }
    }
    let differences = Differences::between(graph, named.iter().map(|(name, tensor)| (name.as_str(), tensor.shape())));
    if differences.is_empty() {
        Ok(Loaded { parameters: named.into_iter().collect(), ignored })
    } else {
        Err(LoadErrors(differences))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differences::{Entry, Mismatch};
    use crate::{find, random_parameters};

    fn lenet() -> (ValidGraph, BTreeMap<String, Tensor>) {
        let architecture = find("lenet5").unwrap();
        let graph = architecture.build(&architecture.published()).unwrap();
        let entries = random_parameters(&graph, 1);
        let entries = entries.iter().map(|(name, tensor)| (name.to_owned(), tensor.as_ref().clone())).collect();
        (graph, entries)
    }

    #[test]
    fn entries_arrive_and_what_training_needs_is_named() {
        let (graph, mut entries) = lenet();
        entries.insert("conv1.num_batches_tracked".into(), Tensor::vector(vec![7.0]));
        let wrapped = entries.into_iter().map(|(name, tensor)| (format!("module.{name}"), tensor)).collect();
        let loaded = load(&graph, wrapped).unwrap();
        assert_eq!(loaded.parameters, random_parameters(&graph, 1));
        assert_eq!(loaded.ignored, ["module.conv1.num_batches_tracked"]);
    }

    #[test]
    fn everything_that_does_not_fit_is_said_at_once() {
        let (graph, mut entries) = lenet();
        entries.remove("fc.bias");
        entries.insert("fc2.weight".into(), Tensor::zeros([84, 60]));
        entries.insert("fc4.weight".into(), Tensor::zeros([3]));
        let LoadErrors(differences) = load(&graph, entries).unwrap_err();
        assert_eq!(differences.missing, [Entry { name: "fc.bias".into(), shape: vec![10] }]);
        assert_eq!(differences.unexpected, [Entry { name: "fc4.weight".into(), shape: vec![3] }]);
        let mismatch = Mismatch { name: "fc2.weight".into(), expected: vec![84, 120], found: vec![84, 60] };
        assert_eq!(differences.mismatched, [mismatch]);
        let text = LoadErrors(differences).to_string();
        assert!(text.contains("expected [84, 120], found [84, 60]"), "{text}");
    }
}
