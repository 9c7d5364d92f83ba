//! What is told of a board, by whoever runs one to whoever shows it.

use std::fmt;
use std::time::Duration;

/// What a frame on a board took, computing and all else apart. The board computes each frame of a network in the same cycles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoardFrame {
    /// Cycles in which the board computed; not those in which it waited for the picture.
    pub cycles: u64,
    /// The board's clock.
    pub clock_khz: u32,
    /// What this machine took for a float first layer.
    pub host: Duration,
    /// All else until the logits were there: the line, both ways. Of a simulated board: the simulation.
    pub link: Duration,
    /// Whether the board is simulated, and its clock with it.
    pub simulated: bool,
    /// Cycles that it would compute longer with a first layer of eight bits, by bit planes on the same array: by the model of its
    /// cycles, as nothing of the kind is run. None where the first layer is a float one.
    pub extra_bit_plane_cycles: Option<u64>,
}

impl BoardFrame {
    /// What was computed for the frame: the board's cycles at its clock, and this machine's part.
    pub fn compute(&self) -> Duration {
        self.host + at_clock(self.cycles, self.clock_khz)
    }

    /// How much longer that would take with a first layer of eight bits, by the model.
    #[cfg(feature = "live")]
    pub(crate) fn extra_bit_plane_time(&self) -> Option<Duration> {
        self.extra_bit_plane_cycles.map(|cycles| at_clock(cycles, self.clock_khz))
    }
}

/// How long `cycles` take.
pub(crate) fn at_clock(cycles: u64, clock_khz: u32) -> Duration {
    Duration::from_nanos(cycles.saturating_mul(1_000_000) / u64::from(clock_khz.max(1)))
}

/// How it stands with a board.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoardState {
    /// It was never there.
    Absent {
        /// What is.
        why: String,
        /// What the person can do.
        remedy: String,
    },
    /// It is asked what it is.
    Connecting {
        /// The board, as the command line spells it.
        board: String,
    },
    /// It is given its program.
    Uploading {
        /// The board.
        board: String,
    },
    /// It runs the network.
    Ready {
        /// The board.
        board: String,
    },
    /// It was there, and is not any longer.
    Lost {
        /// What is.
        why: String,
        /// What the person can do.
        remedy: String,
    },
}

impl BoardState {
    /// Whether there is no board because of a fault.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::Lost { .. })
    }
}

impl fmt::Display for BoardState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { why, remedy } => write!(f, "No board yet, the CPU does its work: {why}; {remedy}"),
            Self::Connecting { board } => write!(f, "Connecting to {board}; the CPU does its work meanwhile"),
            Self::Uploading { board } => write!(f, "Sending the network to {board}; the CPU does its work meanwhile"),
            Self::Ready { board } => write!(f, "{board} runs the network"),
            Self::Lost { why, remedy } => write!(f, "Board lost, the CPU does its work: {why}; {remedy}"),
        }
    }
}

/// What a board counts of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerCycles {
    /// All cycles, from the descriptor's fetch to the next one's.
    pub cycles: u64,
    /// Those in which the array took a step.
    pub steps: u64,
    /// Those in which it waited for rows of the frame.
    pub input_stalls: u64,
    /// Those in which it waited until the tile before was drained.
    pub drain_stalls: u64,
    /// Those in which it waited for weights.
    pub weight_stalls: u64,
}

impl LayerCycles {
    /// The layer's own: waiting for the picture is the line's.
    #[cfg(feature = "fpga")]
    pub(crate) fn computing(&self) -> u64 {
        self.cycles.saturating_sub(self.input_stalls)
    }
}
