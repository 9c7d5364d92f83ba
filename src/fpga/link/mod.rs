//! How a board is reached.

pub mod sim;

use thiserror::Error;

/// Why a board does not answer.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The simulated board could not be started.
    #[error("the simulated board {program} does not start: {source}; packaging/build-board-sim builds it")]
    Start {
        /// What was to be started.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the board is lost: {0}")]
    Lost(#[from] std::io::Error),
    /// The board stands still.
    #[error("the board takes and gives nothing any more")]
    Silent,
}

/// The streams of a board, as `rtl/ernscope_core.sv` has them.
pub trait Link: Send {
    /// Sends commands and what they carry.
    ///
    /// # Errors
    /// [`LinkError`], as all of these.
    fn send_program(&mut self, words: &[u32]) -> Result<(), LinkError>;

    /// Sends beats of a frame.
    ///
    /// # Errors
    /// [`LinkError`].
    fn send_frame(&mut self, beats: &[u64]) -> Result<(), LinkError>;

    /// Takes so many words of read-back.
    ///
    /// # Errors
    /// [`LinkError`].
    fn read_back(&mut self, count: usize) -> Result<Vec<u32>, LinkError>;

    /// Takes so many results, and the cycles from the frame's first beat to the last of them.
    ///
    /// # Errors
    /// [`LinkError`].
    fn results(&mut self, count: usize) -> Result<(Vec<u32>, u64), LinkError>;
}
