//! How a board is reached.
//!
//! [`packets`] is the driver: the [`protocol`] over anything that carries bytes, a serial line or the terminal of a
//! simulated board alike ([`ports`]). [`core`] reaches the simulated core without packets, for tests that count its cycles.

pub(crate) mod packets;
pub(crate) mod port;
pub(crate) mod ports;
pub(crate) mod protocol;

use super::capabilities::CAPABILITY_WORDS;
use super::program::{AcceleratorCommand, FrameFormat};
use std::io;
use thiserror::Error;

/// Why a board is not to be had, or not any longer. Every one comes with its [`LinkError::remedy`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// No port looks like a board's.
    #[error("no FPGA board is connected")]
    NoBoard,
    /// There is no such port.
    #[error("there is no port {port}")]
    Absent {
        /// Its path.
        port: String,
    },
    /// The system does not let this person use the port.
    #[error("the port {port} may not be opened")]
    Denied {
        /// Its path.
        port: String,
    },
    /// Another program has the port.
    #[error("the port {port} is in use")]
    InUse {
        /// Its path.
        port: String,
    },
    /// The system cannot open the port.
    #[error("the port {port} cannot be opened ({error})")]
    Port {
        /// Its path.
        port: String,
        /// What the system says.
        error: io::Error,
    },
    /// The simulated board has not been built.
    #[error("the simulated board is not built ({program} is missing)")]
    NotBuilt {
        /// What was to be started.
        program: String,
    },
    /// The simulated board could not be started.
    #[error("the simulated board {program} does not start ({error})")]
    Start {
        /// What was to be started.
        program: String,
        /// What the system says.
        error: io::Error,
    },
    /// The connection broke.
    #[error("the board was unplugged ({0})")]
    Unplugged(io::Error),
    /// The simulated board's process is gone.
    #[error("the simulated board has ended")]
    Ended,
    /// Nothing comes.
    #[error("the board does not answer")]
    Silent,
    /// Something comes, but nothing that can be read.
    #[error("what answers is no Ernscope accelerator")]
    Foreign,
    /// A board of another version.
    #[error("the board speaks version {0} of the protocol")]
    Version(u8),
    /// It answers, but does not go on.
    #[error("the board stands still in the middle of its work")]
    Stuck,
    /// It has forgotten what it was told.
    #[error("the board was reset")]
    Reset,
    /// What it was told is not what it was sent.
    #[error("the program arrives damaged on the board")]
    Damaged,
    /// The board has no memory for weights, and the line carries none to it.
    #[error("the board takes its weights from a memory beside it, which this line does not reach")]
    NoWeights,
    /// What was wrong with the weights that a frame was computed with: `stream_fault_t` of `rtl/ernscope_pkg.sv`, in words.
    #[error("the board was given {0}")]
    WrongWeights(&'static str),
    /// An answer does not come, however often it is asked for.
    #[error("the board's answers are lost on the line")]
    Lost,
}

impl LinkError {
    /// The connection broke, with this error.
    fn broken(error: io::Error) -> Self {
        match error.get_ref() {
            Some(inner) if inner.is::<port::Ended>() => Self::Ended,
            _ => Self::Unplugged(error),
        }
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoBoard => "plug the board in, name its port (fpga:PORT), or choose another engine",
            Self::Absent { .. } | Self::Unplugged(_) => "plug the board in, or choose another engine",
            Self::Denied { .. } => {
                "install packaging/70-ernscope.rules into /etc/udev/rules.d and plug the board in again, or become a member of \
                 the port's group (dialout)"
            }
            Self::InUse { .. } => "close the other program that uses it (a terminal, ModemManager, another Ernscope)",
            Self::Port { .. } => "see whether it is a serial port",
            Self::NotBuilt { .. } => "packaging/build-board-sim builds it",
            Self::Start { .. } => "packaging/build-board-sim builds it anew",
            Self::Ended => "start it again; if it ends again, packaging/build-board-sim builds it anew",
            Self::Silent => "see whether the board has power and its bitstream is loaded, then press its reset button",
            Self::Foreign => "see whether this is the board's port and its bitstream is loaded",
            Self::Version(_) => "load the bitstream that comes with this program",
            Self::Stuck => "press the board's reset button",
            Self::Reset => "nothing: the program is sent again",
            Self::NoWeights => "load a bitstream with weights inside",
            Self::WrongWeights(_) => {
                "see what feeds the board's weight stream: each frame takes the program's, whole and once"
            }
            Self::Damaged | Self::Lost => "use another cable or port",
        }
    }

    /// The same of a simulated board: there is nothing to plug in, to press or to load.
    pub(crate) fn remedy_of_simulated(&self) -> &'static str {
        match self {
            Self::NotBuilt { .. } | Self::Start { .. } | Self::Reset | Self::Ended => self.remedy(),
            Self::Foreign | Self::Version(_) => "packaging/build-board-sim builds it anew",
            _ => Self::Ended.remedy(),
        }
    }

    /// Whether a new session may cure it at once.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Reset | Self::Stuck | Self::Damaged | Self::Lost)
    }
}

/// What the beats of a frame are.
#[derive(Clone, Copy, Debug)]
pub struct Beats<'a> {
    /// What a beat is.
    pub format: FrameFormat,
    /// Bytes a beat.
    pub size: usize,
    /// All of them, the lowest of a beat first.
    pub bytes: &'a [u8],
}

/// How far a frame is run.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// To its results, behind this descriptor, the program's last.
    Results(usize),
    /// To this descriptor, so that what it and those before left behind can be read back.
    Descriptor(usize),
}

impl End {
    /// The command that runs a frame so far; `run` tells it from others.
    pub fn words(self, run: u32) -> [u32; 2] {
        let (Self::Results(descriptor) | Self::Descriptor(descriptor)) = self;
        AcceleratorCommand::Run.words(descriptor as u32, run)
    }
}

/// A board's accelerator, as `rtl/ernscope_core.sv` sees its host.
pub trait Link: Send {
    /// The board's clock.
    fn clock_khz(&self) -> u32;

    /// Writes a program.
    ///
    /// # Errors
    /// [`LinkError`]; [`LinkError::Damaged`] where it does not arrive whole.
    fn upload(&mut self, program: &[u32]) -> Result<(), LinkError>;

    /// From now on gives these beats of the weight stream, 32 bits each, with every frame.
    ///
    /// # Errors
    /// [`LinkError::NoWeights`], where nothing but commands and frames goes over the line.
    fn stream_weights(&mut self, _beats: &[u32]) -> Result<(), LinkError> {
        Err(LinkError::NoWeights)
    }

    /// Starts a frame. Another one may be under way.
    ///
    /// # Errors
    /// [`LinkError`].
    fn start(&mut self, end: End, beats: Beats<'_>) -> Result<(), LinkError>;

    /// Takes the results of the oldest frame that has any to give, and the cycles that it took, from its first beat on.
    ///
    /// # Errors
    /// [`LinkError`]; behind [`LinkError::Lost`] nothing is under way any longer.
    fn results(&mut self, count: usize) -> Result<(Vec<u32>, u64), LinkError>;

    /// Reads `words` memory words of `beats` 32-bit beats each.
    ///
    /// # Errors
    /// [`LinkError`].
    fn read(&mut self, what: ReadBack, address: usize, words: usize, beats: usize) -> Result<Vec<u32>, LinkError>;

    /// Asks the board how large it is.
    ///
    /// # Errors
    /// [`LinkError`].
    fn capability_words(&mut self) -> Result<Vec<u32>, LinkError> {
        self.read(ReadBack::Capabilities, 0, 1, CAPABILITY_WORDS)
    }
}

/// What can be read back of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBack {
    /// Words of codes: bank by bank.
    Codes,
    /// Words of the trunk.
    Trunk,
    /// What was counted of each descriptor.
    Counters,
    /// The sizes that it was built with.
    Capabilities,
}

impl ReadBack {
    /// The command that reads so many words from an address on.
    pub fn words(self, address: usize, count: usize) -> [u32; 2] {
        let command = match self {
            Self::Codes => AcceleratorCommand::ReadCodes,
            Self::Trunk => AcceleratorCommand::ReadTrunk,
            Self::Counters => AcceleratorCommand::ReadCounters,
            Self::Capabilities => AcceleratorCommand::ReadCapabilities,
        };
        command.words(address as u32, count as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_plug_a_simulated_board_in() {
        let (port, program) = (|| "/dev/pts/7".to_owned(), || "sim".to_owned());
        let gone = || io::Error::from(io::ErrorKind::NotFound);
        let errors = [
            LinkError::Absent { port: port() },
            LinkError::Denied { port: port() },
            LinkError::InUse { port: port() },
            LinkError::Port { port: port(), error: gone() },
            LinkError::NotBuilt { program: program() },
            LinkError::Start { program: program(), error: gone() },
            LinkError::Unplugged(gone()),
            LinkError::Ended,
            LinkError::Silent,
            LinkError::Foreign,
            LinkError::Version(2),
            LinkError::Stuck,
            LinkError::Damaged,
            LinkError::NoWeights,
            LinkError::WrongWeights("too few weights"),
            LinkError::Lost,
        ];
        for error in errors {
            let remedy = error.remedy_of_simulated();
            assert!(remedy.contains("packaging/build-board-sim"), "{error}: {remedy}");
            let of_hardware = ["plug", "button", "bitstream", "cable", "udev"];
            assert!(!of_hardware.iter().any(|word| remedy.contains(word)), "{error}: {remedy}");
        }
    }
}
