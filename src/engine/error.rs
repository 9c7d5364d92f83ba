//! Why a frame is not run.

use crate::frame::InputImage;
use thiserror::Error;

/// Why a frame was not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The picture is not of the size that the engine was made for.
    #[error("the picture has {got}×{got} pixels, the engine runs {planned}×{planned}")]
    Size {
        /// The picture's edge.
        got: usize,
        /// The engine's edge.
        planned: usize,
    },
    /// The board that runs the network does not answer as it should.
    #[error("{0}")]
    Board(Box<dyn std::error::Error + Send + Sync>),
}

/// Refuses a picture of another size.
pub(crate) fn check_input(input: &InputImage, planned: usize) -> Result<(), EngineError> {
    let got = input.edge();
    (got == planned).then_some(()).ok_or(EngineError::Size { got, planned })
}
