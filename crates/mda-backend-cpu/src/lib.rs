//! The embedded CPU backend.
