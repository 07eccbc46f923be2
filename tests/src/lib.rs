//! Tests that need several crates at once: properties over random models and real architectures, every backend in the
//! conformance suite, golden data; see the folder `tests`. What they share with the fuzz targets in `/fuzz` is here.

pub mod parsers;
