//! What runs a network: the trait [`Engine`], what can be watched of it ([`Probe`]), and the choice of one.
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
}

/// Which engine to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineChoice {
    /// Plain loops.
    Reference,
    /// SIMD, the best level here or a named one.
    Cpu(Option<cpu::Level>),
}

/// Why an engine could not be made.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No such engine.
    #[error("engine `{0}` is not known: use reference, cpu, or cpu:LEVEL with LEVEL one of {levels}", levels = cpu::Level::names())]
    Unknown(String),
    /// The processor cannot.
    #[error("this processor has no {0}: use `cpu` for the best level here ({best})", best = cpu::Level::best())]
    Unavailable(cpu::Level),
    /// The network does not run at that size.
    #[error("{0}: {remedy}", remedy = .0.remedy())]
    Size(NetworkError),
}

impl FromStr for EngineChoice {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        match text.split_once(':') {
            None if text == "reference" => Ok(Self::Reference),
            None if text == "cpu" => Ok(Self::Cpu(None)),
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
        }
    }
}

/// Makes an engine for `network` at `edge` pixels with `threads` threads (at least 1; the reference always has one).
///
/// # Errors
/// [`OpenError`], where the size or the level does not fit.
pub fn open(
    choice: EngineChoice,
    network: Arc<Network>,
    edge: usize,
    threads: usize,
) -> Result<Box<dyn Engine>, OpenError> {
    network.check_edge(edge).map_err(OpenError::Size)?;
    Ok(match choice {
        EngineChoice::Reference => Box::new(reference::ReferenceEngine::new(network, edge)),
        EngineChoice::Cpu(level) => {
            let level = level.unwrap_or_else(cpu::Level::best);
            if !level.is_available() {
                return Err(OpenError::Unavailable(level));
            }
            Box::new(cpu::CpuEngine::new(network, edge, level, threads)?)
        }
    })
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
