//! Which engine, as the command line spells it.

use super::error::OpenError;
use crate::engine::cpu::Level;
use crate::fpga::BoardChoice;
use std::fmt;
use std::str::FromStr;

/// Which engine to use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineChoice {
    /// Plain loops.
    Reference,
    /// SIMD, the best level here or a named one.
    Cpu(Option<Level>),
    /// A board.
    Fpga(BoardChoice),
}

impl EngineChoice {
    /// Whether two engines of this choice can run at once: one board has one program; simulated boards are started as needed.
    pub(crate) fn allows_two(&self) -> bool {
        !matches!(self, Self::Fpga(BoardChoice::First | BoardChoice::Port(_)))
    }
}

impl FromStr for EngineChoice {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        match text.split_once(':') {
            None if text == "reference" => Ok(Self::Reference),
            None if text == "cpu" => Ok(Self::Cpu(None)),
            None if text == "fpga" => Ok(Self::Fpga(BoardChoice::First)),
            Some(("fpga", "sim")) => Ok(Self::Fpga(BoardChoice::Simulated)),
            Some(("fpga", port)) if !port.is_empty() => Ok(Self::Fpga(BoardChoice::Port(port.into()))),
            Some(("cpu", level)) => {
                let level = Level::named(level).ok_or_else(|| OpenError::Unknown(text.into()))?;
                Ok(Self::Cpu(Some(level)))
            }
            _ => Err(OpenError::Unknown(text.into())),
        }
    }
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference => f.write_str("reference"),
            Self::Cpu(None) => f.write_str("cpu"),
            Self::Cpu(Some(level)) => write!(f, "cpu:{level}"),
            Self::Fpga(board) => board.fmt(f),
        }
    }
}
