//! Which board.

use std::fmt;

/// Which board to use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoardChoice {
    /// The first that answers.
    First,
    /// A simulated one, which is started for this.
    Simulated,
    /// The one on this serial port.
    Port(String),
}

impl fmt::Display for BoardChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("fpga"),
            Self::Simulated => f.write_str("fpga:sim"),
            Self::Port(port) => write!(f, "fpga:{port}"),
        }
    }
}
