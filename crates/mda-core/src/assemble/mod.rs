//! Assembling: components of different sources become one classifier over all their categories.
//!
//! [`Form::Parallel`] keeps the components as parallel subgraphs over one image and works for any architectures.
//! [`Form::BlockDiagonal`] merges them layer by layer (the paper's alignment padding) and needs one architecture. Both
//! give the same logits.

mod block_diagonal;
mod parallel;

use crate::graph::GraphErrors;
use crate::model::Model;
use crate::model::provenance::{ComponentRecord, Provenance};
use crate::op::RewriteError;
use crate::tensor::Shape;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use thiserror::Error;

/// How components are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Parallel subgraphs over one image.
    #[default]
    Parallel,
    /// One network of the components' common architecture with block-diagonal kernels.
    BlockDiagonal,
}

/// Why components cannot be assembled.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// Nothing to assemble.
    #[error("assembling needs at least two components, got {0}")]
    TooFew(usize),
    /// Two components serve categories of one name.
    #[error("`{left}` and `{right}` both have a category `{category}`; rename one before assembling")]
    CategoryClash {
        /// The first component.
        left: String,
        /// The other.
        right: String,
        /// The name that both use.
        category: String,
    },
    /// The components take images of different shapes.
    #[error("`{left}` takes images of {expected}, `{right}` of {got}; components of one model look at the same image")]
    InputMismatch {
        /// The first component.
        left: String,
        /// The other.
        right: String,
        /// The first one's images.
        expected: Shape,
        /// The other one's.
        got: Shape,
    },
    /// The components' graphs differ in their nodes.
    #[error("`{left}` and `{right}` differ in architecture ({difference}); join them in parallel instead")]
    ArchitectureMismatch {
        /// The first component.
        left: String,
        /// The other.
        right: String,
        /// The first difference.
        difference: String,
    },
    /// One node cannot be merged.
    #[error("`{node}` cannot be joined: {source}")]
    Rewrite {
        /// The node's name.
        node: String,
        /// Why.
        source: RewriteError,
    },
    /// An assembled model that does not check; a defect of this crate.
    #[error("the assembled model is invalid, which is a defect of MDA: {0}")]
    Invalid(#[from] GraphErrors),
}

/// Joins `components` into a model called `name` whose logits are theirs, one component behind another.
///
/// # Errors
/// [`AssembleError`]: fewer than two components, clashing category names, different image shapes, or, for
/// [`Form::BlockDiagonal`], different architectures.
pub fn assemble(name: &str, components: &[&Model], form: Form) -> Result<Model, AssembleError> {
    check(components)?;
    let model = match form {
        Form::Parallel => parallel::join(name, components)?,
        Form::BlockDiagonal => block_diagonal::join(name, components)?,
    };
    let record = |model: &&Model| ComponentRecord {
        name: model.name().into(),
        categories: model.categories().to_vec(),
        origin: model.provenance().cloned().map(Box::new),
    };
    let form = match form {
        Form::Parallel => "parallel",
        Form::BlockDiagonal => "block-diagonal",
    };
    let components = components.iter().map(record).collect();
    Ok(model.with_provenance(Provenance::Assembled {
        form: form.into(),
        rescaling: "none".into(),
        fitted_on: None,
        tuning: None,
        components,
    }))
}

fn check(components: &[&Model]) -> Result<(), AssembleError> {
    let [first, rest @ ..] = components else { return Err(AssembleError::TooFew(0)) };
    if rest.is_empty() {
        return Err(AssembleError::TooFew(1));
    }
    if let Some(other) = rest.iter().find(|other| other.input_shape() != first.input_shape()) {
        return Err(AssembleError::InputMismatch {
            left: first.name().into(),
            right: other.name().into(),
            expected: first.input_shape(),
            got: other.input_shape(),
        });
    }
    let mut owners = HashMap::new();
    for component in components {
        for category in component.categories() {
            if let Some(left) = owners.insert(category, component.name()) {
                let (left, right) = (left.into(), component.name().into());
                return Err(AssembleError::CategoryClash { left, right, category: category.clone() });
            }
        }
    }
    Ok(())
}

fn all_categories(components: &[&Model]) -> Vec<String> {
    components.iter().flat_map(|component| component.categories().iter().cloned()).collect()
}
