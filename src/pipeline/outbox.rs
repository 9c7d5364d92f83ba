//! What the engine thread leaves for others to look at.

use super::channel_watch::ChannelReport;
use super::check::CheckState;
use super::depths::DepthAnswers;
use super::report::Report;
use super::settings::Settings;
use crate::flight::FlightState;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most notices that are kept.
const NOTICES: usize = 32;

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
    /// A recording was written.
    Saved,
}

/// What the engine thread leaves for others to look at.
pub(super) struct Outbox {
    pub(super) latest: Mutex<Latest>,
    pub(super) wake: Box<dyn Fn() + Send + Sync>,
}

pub(super) struct Latest {
    pub(super) report: Option<Arc<Report>>,
    pub(super) engine: EngineState,
    pub(super) notices: VecDeque<Notice>,
    pub(super) noticed: u64,
    pub(super) answers: Arc<DepthAnswers>,
    pub(super) channels: Option<Arc<ChannelReport>>,
    /// Of the check that runs; its own thread writes it.
    pub(super) check: Option<Arc<Mutex<CheckState>>>,
    /// How much is recorded, while something is.
    pub(super) recording: Option<FlightState>,
}

impl Latest {
    /// Before the first frame.
    pub(super) fn new(engine: EngineState) -> Self {
        Self {
            report: None,
            engine,
            notices: VecDeque::new(),
            noticed: 0,
            channels: None,
            check: None,
            answers: Arc::default(),
            recording: None,
        }
    }
}

impl Outbox {
    /// What was left last, whatever happened to a thread that held it.
    pub(super) fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, report: Report) {
        self.latest().report = Some(Arc::new(report));
        (self.wake)();
    }

    /// Changes the answers to what was asked.
    pub(super) fn answer(&self, change: impl FnOnce(&mut DepthAnswers)) {
        change(Arc::make_mut(&mut self.latest().answers));
        (self.wake)();
    }

    pub(super) fn set_recording(&self, state: Option<FlightState>) {
        self.latest().recording = state;
    }

    pub(super) fn set_engine_state(&self, state: EngineState) {
        self.latest().engine = state;
        (self.wake)();
    }

    /// Leaves a notice, unless it repeats the last one.
    pub(super) fn notify(&self, about: About, text: &str) {
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
