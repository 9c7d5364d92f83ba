//! What the supervisor knows, for whoever looks from afar.

use super::config::PrivacyConfig;
use super::counts::DayCounts;
use super::heartbeat::Heartbeat;
use super::restarts::RestartMemory;
use super::vital::FIRST_FRAMES;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use web_time::{Duration, Instant};

/// Between two points of the curves.
pub(super) const POINT_EVERY: Duration = Duration::from_secs(10);
/// The points of an hour.
pub(super) const POINTS: usize = 360;
/// A stage that painted and predicted within this time is live. A beat comes every quarter of a second.
const LIVE_WITHIN: Duration = Duration::from_secs(2);

/// A picture that is older is not shown. One comes every second.
const PICTURE_WITHIN: Duration = Duration::from_secs(5);

/// Shared by the supervisor, which writes, and the status page, which reads.
#[derive(Clone, Debug)]
pub(crate) struct BoothFigures(Arc<Mutex<StageFigures>>);

#[derive(Debug)]
pub(super) struct StageFigures {
    /// When the supervisor began, by the clock on the wall, and by one that nobody sets.
    pub(super) since: (SystemTime, Instant),
    /// When the stage that runs began; `None` while none does.
    pub(super) stage_since: Option<Instant>,
    /// The last beat of this stage, and when it came.
    pub(super) beat: Option<(Heartbeat, Instant)>,
    pub(super) memory_mb: Option<u64>,
    /// What the morning check found, in words; empty before it came to its end.
    pub(super) selftest: String,
    pub(super) counts: DayCounts,
    /// What the camera sees, as a JPEG, and since when; `None` where `booth.toml` does not want it shown.
    picture: Option<(Vec<u8>, Instant)>,
    pub(super) restarts: RestartMemory,
    /// What is wrong with the newest `booth.toml`, which is not in force.
    pub(super) config_fault: Option<String>,
    /// The oldest first.
    pub(super) history: VecDeque<CurvePoint>,
}

/// What was, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub(super) struct CurvePoint {
    pub(super) frames_per_s: f32,
    pub(super) latency_ms: f32,
    pub(super) memory_mb: u64,
}

impl BoothFigures {
    pub(crate) fn new(restarts: RestartMemory, counts: DayCounts) -> Self {
        Self(Arc::new(Mutex::new(StageFigures {
            since: (SystemTime::now(), Instant::now()),
            stage_since: None,
            beat: None,
            memory_mb: None,
            selftest: String::new(),
            counts,
            picture: None,
            restarts,
            config_fault: None,
            history: VecDeque::with_capacity(POINTS),
        })))
    }

    pub(super) fn get(&self) -> MutexGuard<'_, StageFigures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StageFigures {
    /// Takes a beat that came just now; of what the camera saw no more than is wanted.
    pub(super) fn take(&mut self, mut beat: Heartbeat, now: Instant, wanted: &PrivacyConfig) {
        if !beat.selftest.is_empty() {
            self.selftest = std::mem::take(&mut beat.selftest);
        }
        let card = std::mem::take(&mut beat.card);
        if wanted.counts {
            self.counts.see(&card);
        }
        let picture = std::mem::take(&mut beat.picture);
        if !wanted.picture_on_status_page {
            self.picture = None;
        } else if !picture.is_empty() {
            self.picture = Some((picture, now));
        }
        self.beat = Some((beat, now));
    }

    /// Whether the stage painted and predicted just now.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        let (Some((beat, _)), Some([painted, predicted])) = (&self.beat, self.ages(now)) else { return false };
        let paints = beat.painted >= FIRST_FRAMES && painted <= LIVE_WITHIN;
        paints && beat.predicted > 0 && (beat.held || predicted <= LIVE_WITHIN)
    }

    /// How long ago the stage painted, and predicted, at most; `None` while nothing was heard of it.
    pub(super) fn ages(&self, now: Instant) -> Option<[Duration; 2]> {
        let (beat, heard) = self.beat.as_ref()?;
        let since = now.saturating_duration_since(*heard);
        Some([beat.painted_ms_ago, beat.predicted_ms_ago].map(|ms| Duration::from_millis(ms).saturating_add(since)))
    }

    /// What the camera sees, where it may be shown: nothing that is long over.
    pub(super) fn picture(&self, now: Instant) -> Option<&[u8]> {
        let (picture, since) = self.picture.as_ref()?;
        (now.saturating_duration_since(*since) <= PICTURE_WITHIN).then_some(picture)
    }

    /// Adds a point of now to the curves: zeros where nothing is live.
    pub(super) fn remember(&mut self, now: Instant) {
        if self.history.len() == POINTS {
            self.history.pop_front();
        }
        let live = self.beat.as_ref().map(|(beat, _)| beat).filter(|_| self.is_live(now));
        let (frames_per_s, latency_ms) = live.map_or((0.0, 0.0), |beat| (beat.frames_per_s, beat.latency_ms));
        self.history.push_back(CurvePoint { frames_per_s, latency_ms, memory_mb: self.memory_mb.unwrap_or(0) });
    }
}
