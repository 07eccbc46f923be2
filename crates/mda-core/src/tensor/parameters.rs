//! The parameters of a graph, named as in a PyTorch state_dict.

use crate::tensor::Tensor;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parameters by name (`features.0.weight`); clones share their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(BTreeMap<String, Arc<Tensor>>);

impl Parameters {
    /// No parameter yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `name`, answering what stood there.
    pub fn insert(&mut self, name: impl Into<String>, tensor: impl Into<Arc<Tensor>>) -> Option<Arc<Tensor>> {
        self.0.insert(name.into(), tensor.into())
    }

    /// The parameter `name`, where there is one.
    pub fn get(&self, name: &str) -> Option<&Arc<Tensor>> {
        self.0.get(name)
    }

    /// All parameters, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Tensor>)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, T: Into<Arc<Tensor>>> FromIterator<(K, T)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, tensor)| (name.into(), tensor.into())).collect())
    }
}

/// One tensor that a node needs, as the node's operation declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterSpec {
    /// The last part of its name: `weight`, `bias`, `running_mean`, `running_var`.
    pub suffix: &'static str,
    /// Its exact shape.
    pub shape: Vec<usize>,
    /// Whether training changes it by gradients; running statistics are not counted as parameters.
    pub trained: bool,
}

impl ParameterSpec {
    pub(crate) fn trained(suffix: &'static str, shape: impl Into<Vec<usize>>) -> Self {
        Self { suffix, shape: shape.into(), trained: true }
    }

    pub(crate) fn statistic(suffix: &'static str, shape: impl Into<Vec<usize>>) -> Self {
        Self { suffix, shape: shape.into(), trained: false }
    }
}

/// The parameters of one node of a checked model.
#[derive(Clone, Copy)]
pub struct NodeParameters<'a> {
    node: &'a str,
    parameters: &'a Parameters,
}

impl<'a> NodeParameters<'a> {
    pub(crate) fn new(node: &'a str, parameters: &'a Parameters) -> Self {
        Self { node, parameters }
    }

    /// The name of the node's tensor `suffix`.
    pub(crate) fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.node)
    }

    /// The node's tensor `suffix`.
    ///
    /// # Panics
    /// Where the operation declares no such tensor: a checked model holds every tensor that is declared.
    pub fn get(&self, suffix: &str) -> &'a Tensor {
        let name = self.name(suffix);
        self.parameters.get(&name).unwrap_or_else(|| panic!("a checked model holds `{name}`"))
    }
}
