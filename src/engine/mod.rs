//! What runs a network: the trait [`Engine`], and what can be watched of it, the trait [`Probe`]. The room `engines`, above all of
//! them, makes the one that is chosen.
//!
//! [`mod@reference`] is plain loops and the truth; [`cpu`] is lowered once to packed buffers and SIMD kernels. Every engine gives
//! identical integers at every layer.

pub mod cpu;
mod error;
#[cfg(feature = "live")]
pub(crate) mod isolated;
mod probe;
pub mod reference;
mod softmax;

pub use error::EngineError;
pub(crate) use error::check_input;
pub(crate) use probe::count_codes;
pub use probe::{CodeHistogram, Probe, Sums, Wants};
pub(crate) use softmax::likeliest;
pub use softmax::softmax;

use crate::board::{BoardFrame, BoardState};
use crate::frame::InputImage;
use crate::network::{Logits, Network};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// Runs one network at one input size.
pub trait Engine: Send {
    /// Which engine this is.
    fn info(&self) -> EngineInfo;

    /// The network it runs.
    fn network(&self) -> &Arc<Network>;

    /// The input edge in pixels that it was made for.
    fn edge(&self) -> usize;

    /// Bytes of weights, tables and activations that it keeps while it runs: at most 100 MiB, as
    /// [`Network::check_edge`] sees to, and what probes are shown.
    fn planned_bytes(&self) -> usize;

    /// The engine whose packed weights the next one may share, where it is one or has one at hand.
    fn shareable(&self) -> Option<&dyn Any> {
        None
    }

    /// Computes with so many threads from now on, at least 1; nothing of the network is made again. Means nothing to an engine
    /// whose number of threads is given.
    fn set_threads(&mut self, _threads: usize) {}

    /// Whether the float first layer may round products and sums apart from now on, where rounding them once takes several times as
    /// long as the whole network: at the level `simd128`. Some of its codes may then differ from those of other engines, so it may
    /// not unless it is told, and who compares layers does not tell it.
    fn round_apart(&mut self, _apart: bool) {}

    /// What a probe can be shown of a layer: everything, but for a board, which keeps some to itself.
    fn shows(&self, _layer: usize) -> Wants {
        Wants { codes: true, histogram: true, sums: true }
    }

    /// Runs one picture. The SIMD engine allocates nothing after the first call.
    ///
    /// # Errors
    /// [`EngineError`], where the picture has another size (or a board is lost).
    fn run(&mut self, input: &InputImage) -> Result<Outcome<'_>, EngineError>;

    /// The same, and shows `probe` what it wants to see of every layer.
    ///
    /// # Errors
    /// As [`Engine::run`].
    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<Outcome<'_>, EngineError>;
}

/// What a run gave, and what it took where a clock on the wall does not tell.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The logits, one a class.
    pub logits: &'a [f32],
    /// The logits of the classifier's rows of no class.
    pub others: &'a [f32],
    /// What the frame took of a board, where one ran it.
    pub board: Option<BoardFrame>,
    /// How long the frame waited for a board that was lost over it, before another engine computed it.
    pub waited_in_vain: Duration,
}

impl<'a> Outcome<'a> {
    /// The likeliest class; of equally likely ones the first.
    pub fn class(&self) -> usize {
        likeliest(self.logits).unwrap_or(0)
    }

    /// Of an engine on this machine.
    pub(crate) fn here(logits: &'a Logits) -> Self {
        Self { logits: &logits.classes, others: &logits.others, board: None, waited_in_vain: Duration::ZERO }
    }
}

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineKind {
    /// Plain loops.
    Reference,
    /// SIMD on this machine.
    Cpu,
    /// A board.
    Board,
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// Its kind.
    pub kind: EngineKind,
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
