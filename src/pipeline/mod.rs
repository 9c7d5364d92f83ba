//! Threads and channels: source → engine → report.
//!
//! [`Pipeline`] runs live: a supervised source and an engine thread, the newest frame wins, the newest [`Report`] waits to be
//! looked at. Nothing here waits for a window, and a window never waits for anything here.

pub mod report;

pub use report::{Comparison, Counts, FrameTiming, LayerDetail, Prediction, Rates, Report, TwinFigures};

use crate::engine::EngineChoice;
use crate::network::shipped::ModelChoice;

/// What to run, as chosen on the command line or in the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which network.
    pub model: ModelChoice,
    /// Which engine.
    pub engine: EngineChoice,
    /// The input edge in pixels; the network's own where `None`.
    pub edge: Option<usize>,
    /// Threads that compute; all cores but one where `None`.
    pub threads: Option<usize>,
}

/// What a person asks of the running pipeline. Sending one never blocks.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Run another network (read and checked on the engine thread; what ran before keeps running if it is refused).
    Model(ModelChoice),
    /// Run on another engine.
    Engine(EngineChoice),
    /// Compute with so many threads.
    Threads(usize),
    /// Run at another input edge; `None` is the network's own.
    Edge(Option<usize>),
    /// Keep this layer whole in the reports.
    Watch(usize),
    /// Whether the twin runs on the same frames.
    Compare(bool),
}

/// What the engine thread is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineState {
    /// Reading and lowering the network of this name.
    Loading(String),
    /// Predicting.
    Running,
}

/// A message for the person: what was refused or lost, why, what to do. The newest last.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Counts up.
    pub id: u64,
    /// One sentence.
    pub text: String,
}
