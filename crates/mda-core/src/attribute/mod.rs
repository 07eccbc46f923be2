//! Attributing: in come a model, labelled images and a formulation; out goes what matters to each category, a score and a
//! decision for every channel of every value.

mod attribution;
mod measure;
mod pass;
mod relevance;
mod route;
mod seen;

pub use attribution::{
    AttributeError, Attribution, Selection, attribute, contribution_probes, observe, select_confident, statistics,
};
pub use measure::elimination;
pub use relevance::{Relevance, accumulate};
pub use route::{Link, Place, Route, routes};
pub use seen::{Extent, Seen, Speaking};
