//! Tests that need several crates at once: properties over random models, every backend in the conformance suite, golden
//! data. The crate itself is empty; see its `tests` folder.
