//! Evaluating: in come logits and labels; out go accuracies, confusion and areas under the ROC curve.

mod labels;
mod metrics;

pub use labels::{LabelError, LabelMap};
pub use metrics::{Accuracy, Evaluation, arg_max, auroc};
