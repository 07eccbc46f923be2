//! Observing: in come what probes answered, or the parameters alone; out go the statistics of every layer that attribution,
//! plans and repairs read.

pub mod contribution;
pub mod gradient;
mod importance;
mod observations;
pub(crate) mod regression;
mod statistics;

pub use importance::Importance;
pub use observations::Observations;
pub use statistics::Statistics;
