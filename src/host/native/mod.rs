//! A system with files and threads.

/// Whether the float first layer may round products and sums apart where nobody compares layers: it costs nothing to round them once.
#[cfg(feature = "live")]
pub(crate) const ROUNDS_APART: bool = false;

pub(crate) mod files;
#[cfg(feature = "live")]
pub(crate) mod threads;
