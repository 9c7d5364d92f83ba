//! Threads and channels: source → engine → report.
//!
//! [`Pipeline`] runs live: a supervised source and an engine thread, the newest frame wins, the newest [`Report`] waits to be
//! looked at. Nothing here waits for a window, and a window never waits for anything here.

mod channel_watch;
mod check;
mod comparison;
mod depths;
mod engine_thread;
mod outbox;
mod predictor;
mod recording;
mod report;
mod settings;

#[cfg(feature = "app")]
pub(crate) use channel_watch::ChannelReport;
pub(crate) use check::{Check, CheckError, CheckState};
pub use depths::Questions;
#[cfg(feature = "app")]
pub(crate) use depths::{Covered, DepthAnswers, HeldAnswer};
pub use outbox::{About, EngineState, Notice};
pub use predictor::PredictError;
#[cfg(feature = "app")]
pub(crate) use predictor::knows_cards;
pub(crate) use predictor::{Inference, Predictor};
pub use report::{Comparison, Counts, FrameTiming, LayerDetail, Measured, Prediction, Rates, Report, TwinFigures};
pub(crate) use settings::MOST_THREADS;
pub use settings::{EngineCommand, Settings};

use self::engine_thread::EngineThread;
use self::outbox::{Latest, Outbox};
use crate::engines::BoardPolicy;
use crate::host::threads::{Task, drive};
use crate::source::{Delivery, Source, SourceChoice, SourceError, Supervisor};
use crossbeam_channel::{Sender, unbounded};
use std::sync::{Arc, Mutex};
use thiserror::Error;

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

/// A running source and engine. Dropping it stops both.
pub struct Pipeline {
    // Declared first, dropped first: without its commands the engine thread ends.
    commands: Option<Sender<EngineCommand>>,
    task: Option<Task>,
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
        let shared = Arc::new(Outbox { latest: Mutex::new(Latest::new(engine)), wake: Box::new(wake) });
        let (commands, received) = unbounded();
        let engine = EngineThread::new(settings, received, shared.clone(), source.clone(), predictor);
        let task = drive("engine", engine).map_err(StartError::Thread)?;
        Ok(Self { commands: Some(commands), task: Some(task), source, shared })
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
    pub(crate) fn source_status(&self) -> crate::source::SourceStatus {
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

    /// What was answered last of all that [`EngineCommand::Ask`] and [`EngineCommand::Hold`] asked for.
    #[cfg(feature = "app")]
    pub(crate) fn answers(&self) -> Arc<DepthAnswers> {
        self.shared.latest().answers.clone()
    }

    /// How much is recorded; `None` while nothing is.
    #[cfg(feature = "app")]
    pub(crate) fn recording(&self) -> Option<crate::flight::FlightState> {
        self.shared.latest().recording
    }

    /// The last notices, the newest last.
    pub fn notices(&self) -> Vec<Notice> {
        self.shared.latest().notices.iter().cloned().collect()
    }

    /// The channels of the watched layer, and which layers have still ones; `None` before the first sample.
    #[cfg(feature = "app")]
    pub(crate) fn channels(&self) -> Option<Arc<ChannelReport>> {
        self.shared.latest().channels.clone()
    }

    /// How the check stands that [`EngineCommand::Check`] asked for; `None` without one.
    #[cfg(feature = "app")]
    pub(crate) fn check(&self) -> Option<CheckState> {
        let state = self.shared.latest().check.clone()?;
        Some(state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone())
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
        if let Some(task) = self.task.take() {
            task.join();
        }
    }
}
