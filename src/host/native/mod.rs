//! A system with files and threads.

pub(crate) mod files;
#[cfg(feature = "live")]
pub(crate) mod threads;
