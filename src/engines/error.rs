//! Why there is no engine.

use crate::engine::cpu::{CpuError, Level};
use crate::network::NetworkError;
use thiserror::Error;

/// Why an engine could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No such engine.
    #[error("engine `{0}` is not known: use reference, cpu, cpu:LEVEL with LEVEL one of {levels}, fpga, fpga:PORT, or fpga:sim", levels = Level::names())]
    Unknown(String),
    /// The CPU's engine is not to be had.
    #[error(transparent)]
    Cpu(#[from] CpuError),
    /// The network does not run at that size.
    #[error("{0}: {remedy}", remedy = .0.remedy())]
    Size(#[from] NetworkError),
    /// The board is not to be had.
    #[error("{why}: {remedy}")]
    Board {
        /// What is.
        why: Box<dyn std::error::Error + Send + Sync>,
        /// What the person can do.
        remedy: &'static str,
    },
    /// The system refuses a thread that looks after the board.
    #[error("the system gives no thread for the board ({0}): close other programs and try again")]
    Thread(std::io::Error),
}
