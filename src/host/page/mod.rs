//! A page in a browser: one thread, no files but those that a person gives, and what a few scripts ask of it.

/// Whether the float first layer may round products and sums apart where nobody compares layers: to round them once takes several times
/// as long as the whole network here.
pub(crate) const ROUNDS_APART: bool = true;

pub(crate) mod browser;
pub(crate) mod files;
pub(crate) mod serial;
pub(crate) mod steps;
pub(crate) mod threads;
