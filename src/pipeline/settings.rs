//! What to run, and what can be asked of it.

use super::depths::Questions;
use crate::engines::EngineChoice;
use crate::network::{ModelChoice, Network};
use std::path::PathBuf;
use std::sync::Arc;

/// Most threads that make sense to ask for.
pub(crate) const MOST_THREADS: usize = 1024;

/// What to run, as chosen on the command line or in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which network.
    pub model: ModelChoice,
    /// Which engine.
    pub engine: EngineChoice,
    /// The input edge in pixels; the network's own where `None`.
    pub edge: Option<usize>,
    /// Threads that compute, from 1 to 1024; an engine takes fewer where more do not help.
    pub threads: usize,
}

/// What a person asks of the engine. Sending one never blocks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EngineCommand {
    /// Run another network (read and checked on the engine thread; what ran before keeps running if it is refused).
    Model(ModelChoice),
    /// Run a network that is in no file yet, with the settings of the one that runs: it is being taught.
    Taught(Arc<Network>),
    /// Run on another engine.
    Engine(EngineChoice),
    /// Compute with so many threads.
    Threads(usize),
    /// Run at another input edge; `None` is the network's own.
    Edge(Option<usize>),
    /// Keep this layer whole in the reports.
    Watch(usize),
    /// From how many percent of [`Knowing::known`](crate::network::Knowing::known) on a picture is named, until another
    /// network comes with a limit of its own.
    Limit(u8),
    /// See the middle of the picture so many percent larger, from 100, its whole square, to 400; no nearer than the picture has pixels
    /// for the network's input.
    Zoom(u16),
    /// Whether the twin runs on the same frames.
    Compare(bool),
    /// What is to be answered of every sampled frame from now on.
    Ask(Questions),
    /// Hold the last frame, so that others are compared with it; or hold none.
    Hold(bool),
    /// Have this engine compute some of the frames again, beside the one that runs, and compare everything; `None` ends
    /// that.
    Check(Option<EngineChoice>),
    /// Keep what the network sees and answers from now on, the last two minutes of it, in memory and in at most so many megabytes
    /// (64 to 256; a network's frames have room in any case); `None`: no longer, and forget it.
    Record(Option<u32>),
    /// Write what was kept to a file. A notice tells what came of it.
    SaveRecord(PathBuf),
}
