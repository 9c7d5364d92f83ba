//! Threads and channels: source → engine → report.
//!
//! [`Pipeline`] runs live: a supervised source and an engine thread, the newest frame wins, the newest [`Report`] waits to be
//! looked at. Nothing here waits for a window, and a window never waits for anything here. `Predictor` is the same path
//! for one frame at a time.

mod comparison;
mod engine_thread;
mod predictor;
mod report;

pub use predictor::PredictError;
#[cfg(feature = "app")]
pub(crate) use predictor::knows_cards;
pub(crate) use predictor::{Inference, Predictor};
pub use report::{Comparison, Counts, FrameTiming, LayerDetail, Measured, Prediction, Rates, Report, TwinFigures};

use self::engine_thread::EngineThread;
use crate::engines::{BoardPolicy, EngineChoice};
use crate::network::ModelChoice;
use crate::source::{Delivery, Source, SourceChoice, SourceError, SourceStatus, Supervisor};
use crossbeam_channel::{Sender, unbounded};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use thiserror::Error;

/// How far the figures of a report look back.
const RECENT: Duration = Duration::from_secs(10);
/// Most frames that they look at.
const RECENT_FRAMES: usize = 1000;
/// Most notices that are kept.
const NOTICES: usize = 32;

/// Most threads that make sense to ask for; an engine takes fewer where more do not help.
pub const MOST_THREADS: usize = 1024;

/// What to run, as chosen on the command line or in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which network.
    pub model: ModelChoice,
    /// Which engine.
    pub engine: EngineChoice,
    /// The input edge in pixels; the network's own where `None`.
    pub edge: Option<usize>,
    /// Threads that compute, from 1 to [`MOST_THREADS`].
    pub threads: usize,
}

/// What a person asks of the engine. Sending one never blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineCommand {
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineState {
    /// Reading and lowering the network of this name.
    Loading(String),
    /// Predicting with these settings.
    Running(Settings),
}

/// A message for the person: what was refused or lost, why, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Counts up.
    pub id: u64,
    /// What it is about.
    pub about: About,
    /// One sentence.
    pub text: String,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum About {
    /// Something was refused or failed; what ran before runs on.
    Refusal,
    /// There is no board, or no longer.
    BoardLost,
    /// The board is there, after one of the former: that is over.
    BoardBack,
}

/// Why the pipeline does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The network or the engine is refused.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The named source is not there.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The system refuses a thread.
    #[error("the system gives no thread for the engine ({0}): close other programs and try again")]
    Thread(std::io::Error),
}

/// What the engine thread leaves for others to look at.
struct Outbox {
    latest: Mutex<Latest>,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Latest {
    report: Option<Arc<Report>>,
    engine: EngineState,
    notices: VecDeque<Notice>,
    noticed: u64,
}

impl Outbox {
    /// What was left last, whatever happened to a thread that held it.
    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, report: Report) {
        self.latest().report = Some(Arc::new(report));
        (self.wake)();
    }

    fn set_engine_state(&self, state: EngineState) {
        self.latest().engine = state;
        (self.wake)();
    }

    /// Leaves a notice, unless it repeats the last one.
    fn notify(&self, about: About, text: &str) {
        let mut latest = self.latest();
        if latest.notices.back().is_none_or(|last| last.text != text) {
            let id = latest.noticed;
            latest.noticed += 1;
            latest.notices.push_back(Notice { id, about, text: text.into() });
            if latest.notices.len() > NOTICES {
                latest.notices.pop_front();
            }
        }
        drop(latest);
        (self.wake)();
    }
}

/// A running source and engine. Dropping it stops both.
pub struct Pipeline {
    // Declared first, dropped first: without its commands the engine thread ends.
    commands: Option<Sender<EngineCommand>>,
    thread: Option<JoinHandle<()>>,
    source: Arc<Supervisor>,
    shared: Arc<Outbox>,
}

impl Pipeline {
    /// Starts both. `wake` is called whenever there is something new to look at, from other threads; it must not block.
    ///
    /// # Errors
    /// [`StartError`], where the network, the engine or a named source is refused.
    pub fn start(
        settings: Settings,
        source: Option<SourceChoice>,
        wake: impl Fn() + Clone + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let predictor = Predictor::open(&settings, BoardPolicy::Live)?;
        let source = Supervisor::start(source, Delivery::Window, wake.clone())?;
        Self::start_engine(settings, predictor, source, wake)
    }

    /// The same with a source of the caller's own.
    ///
    /// # Errors
    /// [`StartError`], where the network or the engine is refused.
    pub fn start_with(
        settings: Settings,
        source: Box<dyn Source>,
        wake: impl Fn() + Clone + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let predictor = Predictor::open(&settings, BoardPolicy::Live)?;
        let source = Supervisor::start_own(source, Delivery::Window, wake.clone())?;
        Self::start_engine(settings, predictor, source, wake)
    }

    fn start_engine(
        settings: Settings,
        predictor: Predictor,
        source: Supervisor,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let source = Arc::new(source);
        let engine = EngineState::Running(settings.clone());
        let latest = Latest { report: None, engine, notices: VecDeque::new(), noticed: 0 };
        let shared = Arc::new(Outbox { latest: Mutex::new(latest), wake: Box::new(wake) });
        let (commands, received) = unbounded();
        let engine = EngineThread::new(settings, received, shared.clone(), source.clone(), predictor);
        let builder = std::thread::Builder::new().name("engine".into());
        let thread = builder.spawn(move || engine.run()).map_err(StartError::Thread)?;
        Ok(Self { commands: Some(commands), thread: Some(thread), source, shared })
    }

    /// Asks something of the engine.
    pub fn send(&self, command: EngineCommand) {
        if let Some(commands) = &self.commands {
            // The thread ends only after this sender is gone.
            let _ = commands.send(command);
        }
    }

    /// The source, to switch, pause and step it.
    pub fn source(&self) -> &Supervisor {
        &self.source
    }

    /// What the source is doing.
    #[cfg(feature = "app")]
    pub(crate) fn source_status(&self) -> SourceStatus {
        self.source.status()
    }

    /// What the engine is doing.
    pub fn engine_state(&self) -> EngineState {
        self.shared.latest().engine.clone()
    }

    /// The newest report; `None` before the first frame.
    pub fn report(&self) -> Option<Arc<Report>> {
        self.shared.latest().report.clone()
    }

    /// The last notices, the newest last.
    pub fn notices(&self) -> Vec<Notice> {
        self.shared.latest().notices.iter().cloned().collect()
    }

    /// Leaves a notice of somebody else's.
    #[cfg(feature = "app")]
    pub(crate) fn notify(&self, text: &str) {
        self.shared.notify(About::Refusal, text);
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
