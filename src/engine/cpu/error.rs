//! Why there is no SIMD engine.

use super::level::Level;
use crate::network::NetworkError;
use thiserror::Error;

/// Why the SIMD engine could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CpuError {
    /// The processor lacks the instruction set.
    #[error("this processor has no {0}: use `cpu` for the best level here ({best})", best = Level::best())]
    Level(Level),
    /// The network does not run at that size.
    #[error("{0}: {remedy}", remedy = .0.remedy())]
    Size(#[from] NetworkError),
}
