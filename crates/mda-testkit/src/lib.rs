//! Random graphs, the backend conformance suite and golden data.
