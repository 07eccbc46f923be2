//! Cutting: in comes what matters; out go a plan, which says what stays of every value, and the smaller model that it leaves.

mod component;
mod keep;
mod slice;

pub use component::{Component, CutError, Logits, cut};
pub use keep::KeepPlan;
pub(crate) use slice::needed_nodes;
pub use slice::{SliceError, slice};
