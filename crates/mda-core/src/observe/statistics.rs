//! The statistics of a source: what one pass over images tells of every layer at once.

use super::regression::Regression;
use crate::graph::NodeId;
use std::collections::HashMap;

/// The second moments of what the kernels of every layer see, over some images; where a layer has more regressors than that
/// can be held for, a sample of what they see.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    pub(super) layers: HashMap<NodeId, Regression>,
}

impl Statistics {
    /// Of how many layers something is known.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// What is known of a layer.
    pub(crate) fn regression(&self, layer: NodeId) -> Option<&Regression> {
        self.layers.get(&layer)
    }
}
