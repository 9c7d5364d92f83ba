//! What the window draws from: read-only for every panel, filled once a frame.

use super::history::History;
use crate::flight::FlightState;
use crate::fpga::FoundPort;
use crate::inspect::Recent;
use crate::pipeline::{ChannelReport, CheckState, DepthAnswers, EngineState, Notice, Pipeline, Report, Settings};
use crate::source::{CameraInfo, SourceStatus};
use crate::teach::Progress;
use std::sync::Arc;
use web_time::{Duration, Instant};

/// How long figures stand before they are refreshed: steady enough to read.
const STEADY: Duration = Duration::from_millis(250);
/// A frame that takes longer than this is worth a sentence.
pub(crate) const SLOW_FRAME: Duration = Duration::from_millis(400);

/// Everything the panels know.
#[derive(Clone, Debug)]
pub struct Model {
    /// The newest report: pictures, bars and lines.
    pub report: Option<Arc<Report>>,
    /// A report of the last quarter of a second: figures.
    pub steady: Option<Arc<Report>>,
    /// The last seconds.
    pub(crate) history: History,
    /// What the engine thread does.
    pub engine: EngineState,
    /// What the source does.
    pub source: SourceStatus,
    /// Messages of the pipeline, the newest last.
    pub notices: Vec<Notice>,
    /// What runs or is about to.
    pub settings: Settings,
    /// The cameras of this machine, as found last.
    pub cameras: Vec<CameraInfo>,
    /// The ports of this machine with boards, as found last.
    pub ports: Vec<FoundPort>,
    /// Frames a second that the window shows, refreshed with [`Model::steady`].
    pub shown_per_s: f32,
    /// Whether the window is drawn without a graphics card.
    pub software_rendering: bool,
    /// What was asked to see why.
    pub(crate) answers: Arc<DepthAnswers>,
    /// The watched layer's channels over time; `None` before the first sample.
    pub(crate) channels: Option<Arc<ChannelReport>>,
    /// How an engine's check by another stands, where there is one.
    pub(crate) check: Option<CheckState>,
    /// How much is recorded; `None` while nothing is.
    pub(crate) recording: Option<FlightState>,
    /// How teaching stands; `None` before it was begun.
    pub(crate) teaching: Option<Arc<Progress>>,
    /// How long ago the layers were looked at that are shown.
    pub(crate) sample_age: Duration,
    shown: Recent,
    steady_since: Option<Instant>,
    /// The number of the last sample, and when its first report came.
    sampled: Option<(u64, Instant)>,
}

impl Model {
    /// Before the first report.
    pub fn new(settings: Settings, source: SourceStatus) -> Self {
        Self {
            report: None,
            steady: None,
            history: History::default(),
            engine: EngineState::Loading(settings.model.to_string()),
            source,
            notices: Vec::new(),
            settings,
            cameras: Vec::new(),
            ports: Vec::new(),
            shown_per_s: 0.0,
            software_rendering: false,
            answers: Arc::default(),
            channels: None,
            check: None,
            recording: None,
            teaching: None,
            sample_age: Duration::ZERO,
            shown: Recent::new(Duration::from_secs(2), 256),
            steady_since: None,
            sampled: None,
        }
    }

    /// Brings it to the present of what runs.
    pub(crate) fn follow(&mut self, pipeline: &Pipeline) {
        self.engine = pipeline.engine_state();
        if let EngineState::Running(settings) = &self.engine {
            self.settings = settings.clone();
        }
        self.source = pipeline.source_status();
        self.notices = pipeline.notices();
        if let Some(report) = pipeline.report() {
            self.take(report, Instant::now());
        }
        self.answers = pipeline.answers();
        self.channels = pipeline.channels();
        self.check = pipeline.check();
        self.recording = pipeline.recording();
    }

    /// Whether the last report is of the past, because the source fails: it must not look like what is seen now.
    pub(crate) fn is_past(&self) -> bool {
        self.source.state.is_fault()
    }

    /// Takes the newest report at the moment `now`; one that is known already changes nothing.
    pub fn take(&mut self, report: Arc<Report>, now: Instant) {
        let known = self.report.as_ref().is_some_and(|known| Arc::ptr_eq(known, &report));
        if known {
            return;
        }
        self.history.push(&report, now);
        self.shown.push(now, 1.0);
        if self.steady_since.is_none_or(|since| now.duration_since(since) >= STEADY) {
            self.steady_since = Some(now);
            self.steady = Some(report.clone());
            self.shown_per_s = self.shown.rate();
        }
        let sampled = self.sampled.filter(|sampled| sampled.0 == report.detail.sample);
        let (_, since) = *self.sampled.insert(sampled.unwrap_or((report.detail.sample, now)));
        self.sample_age = now.duration_since(since);
        self.report = Some(report);
    }
}
