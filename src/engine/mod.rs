//! What runs a network: the trait [`Engine`], what can be watched of it ([`Probe`]), and what can be chosen.
//! `engines.rs`, above all of them, makes the one that was chosen.
//!
//! [`reference`] is plain loops and the truth; [`cpu`] is lowered once to packed buffers and SIMD kernels. Every engine gives
//! identical integers at every layer.

pub mod cpu;
pub mod reference;

use crate::frame::InputImage;
use crate::network::{Network, NetworkError};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Runs one network at one input size.
pub trait Engine: Send {
    /// Which engine this is.
    fn info(&self) -> EngineInfo;

    /// The network it runs.
    fn network(&self) -> &Arc<Network>;

    /// The input edge in pixels that it was made for.
    fn edge(&self) -> usize;

    /// Bytes of weights, tables and activations that it keeps while it runs; never more than [`Network::memory`] and what
    /// probes are shown.
    fn planned_bytes(&self) -> usize;

    /// The CPU's engine, where it is one or has one at hand: the next one may share what was packed for it.
    fn cpu(&self) -> Option<&cpu::CpuEngine> {
        None
    }

    /// Computes with so many threads from now on, at least 1; nothing of the network is made again. Means nothing to an engine
    /// whose number of threads is given.
    fn set_threads(&mut self, _threads: usize) {}

    /// What a probe can be shown of a layer: everything, but for a board, which keeps some to itself.
    fn shows(&self, _layer: usize) -> Wants {
        Wants { codes: true, histogram: true, sums: true }
    }

    /// Runs one picture and returns the logits, one a class. The SIMD engine allocates nothing after the first call.
    ///
    /// # Errors
    /// [`EngineError`], where the picture has another size (or a board is lost).
    fn run(&mut self, input: &InputImage) -> Result<&[f32], EngineError>;

    /// The same, and shows `probe` what it wants to see of every layer.
    ///
    /// # Errors
    /// As [`Engine::run`].
    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<&[f32], EngineError>;

    /// What the last frame took, where a board ran it.
    fn board_frame(&self) -> Option<BoardFrame> {
        None
    }

    /// How long the last frame waited for a board that was lost over it, before another engine computed it.
    fn waited_in_vain(&self) -> Duration {
        Duration::ZERO
    }
}

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
}

impl BoardFrame {
    /// What was computed for the frame: the board's cycles at its clock, and this machine's part.
    pub fn compute(&self) -> Duration {
        self.host + at_clock(self.cycles, self.clock_khz)
    }
}

/// How long `cycles` take.
pub(crate) fn at_clock(cycles: u64, clock_khz: u32) -> Duration {
    Duration::from_nanos(cycles.saturating_mul(1_000_000) / u64::from(clock_khz.max(1)))
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// As the command line spells it, with the level: `cpu:avx2`.
    pub name: String,
    /// Threads that compute.
    pub threads: usize,
    /// What computes each layer: the kernel's name, in the order of the layers.
    pub kernels: Vec<&'static str>,
    /// The most multiply-accumulates a cycle that one thread's kernels allow, where that is known.
    pub most_macs_a_cycle: Option<u32>,
    /// How it stands with the board that was chosen, where one was; another engine may be doing its work.
    pub board: Option<BoardState>,
}

/// How it stands with a board.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Why a frame was not run.
#[derive(Debug, Error)]
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

/// How often each code 0..=3 stands in a layer.
pub type CodeHistogram = [u32; 4];

/// Counts codes, one a byte; what is above 3 counts as 3 (there is none).
pub fn count_codes(codes: &[u8]) -> CodeHistogram {
    let mut counts = [0; 4];
    for &code in codes {
        counts[usize::from(code.min(3))] += 1;
    }
    counts
}

/// What a probe wants of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The codes that the layer makes.
    pub codes: bool,
    /// How often each code stands among them: much cheaper than the codes.
    pub histogram: bool,
    /// Its sums before thresholds.
    pub sums: bool,
}

/// Sums before thresholds, CHW. An accumulator of a convolution, the trunk behind a residual layer and before an activation, the sum
/// over all positions for the classifier (one a class).
#[derive(Clone, Copy, Debug)]
pub enum Sums<'a> {
    /// Of a binary layer.
    Integers(&'a [i32]),
    /// Of a float first layer.
    Floats(&'a [f32]),
}

/// Watches a run, layer by layer, in order, a layer's sums before its codes. `layer` is the index in [`Network::layers`].
/// What is not implemented looks at nothing.
pub trait Probe {
    /// Asked before a layer runs; what is not wanted is not made.
    fn wants(&self, _layer: usize) -> Wants {
        Wants::default()
    }

    /// The layer's codes, CHW, one a byte.
    fn codes(&mut self, _layer: usize, _codes: &[u8]) {}

    /// The layer's codes, counted.
    fn histogram(&mut self, _layer: usize, _counts: CodeHistogram) {}

    /// The layer's sums.
    fn sums(&mut self, _layer: usize, _sums: Sums<'_>) {}

    /// How long the layer took, without what the probe itself cost.
    fn time(&mut self, _layer: usize, _elapsed: Duration) {}

    /// What a board counted of the layer, where one ran it; a layer that is computed along with the one before has none.
    fn cycles(&mut self, _layer: usize, _counted: LayerCycles) {}
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
}

impl LayerCycles {
    /// The layer's own: waiting for the picture is the line's.
    pub fn computing(&self) -> u64 {
        self.cycles.saturating_sub(self.input_stalls)
    }
}

/// Which engine to use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EngineChoice {
    /// Plain loops.
    Reference,
    /// SIMD, the best level here or a named one.
    Cpu(Option<cpu::Level>),
    /// A board.
    Fpga(BoardChoice),
}

/// Which board to use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// Why an engine could not be made.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No such engine.
    #[error("engine `{0}` is not known: use reference, cpu, cpu:LEVEL with LEVEL one of {levels}, fpga, fpga:PORT, or fpga:sim", levels = cpu::Level::names())]
    Unknown(String),
    /// The processor cannot.
    #[error("this processor has no {0}: use `cpu` for the best level here ({best})", best = cpu::Level::best())]
    Unavailable(cpu::Level),
    /// The network does not run at that size.
    #[error("{0}: {remedy}", remedy = .0.remedy())]
    Size(NetworkError),
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

impl EngineChoice {
    /// Whether two engines of this choice can run at once: one board has one program; simulated boards are started as needed.
    pub fn allows_two(&self) -> bool {
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
                let level = cpu::Level::named(level).ok_or_else(|| OpenError::Unknown(text.into()))?;
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

/// Refuses a picture of another size.
pub(crate) fn check_input(input: &InputImage, planned: usize) -> Result<(), EngineError> {
    let got = input.edge();
    (got == planned).then_some(()).ok_or(EngineError::Size { got, planned })
}

/// Probabilities from logits (softmax), into `out`.
pub fn softmax(logits: &[f32], out: &mut Vec<f32>) {
    let peak = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    out.clear();
    out.extend(logits.iter().map(|x| (x - peak).exp()));
    let sum: f32 = out.iter().sum();
    out.iter_mut().for_each(|p| *p /= sum);
}
