//! Observing: in come what probes answered, or the parameters alone; out go the statistics of every layer that attribution,
//! plans and repairs read.

pub mod contribution;
pub mod gradient;
mod observations;
pub(crate) mod regression;

pub use observations::Observations;
