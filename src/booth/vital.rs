//! Whether a stage lives, told by its heartbeat.

use super::heartbeat::Heartbeat;
use super::restarts::RestartCause;
use web_time::{Duration, Instant};

/// A stage that painted so many frames has begun to paint: the first ones may take seconds each, while shaders are built.
pub(super) const FIRST_FRAMES: u64 = 3;

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StageTimes {
    /// From the start to the first frames that are painted and the first that is predicted.
    pub start: Duration,
    /// From the start to the first beat, which nothing that takes long stands before.
    pub birth: Duration,
    /// Between two beats: their thread waits for nothing, so a process that says nothing does not run.
    pub silence: Duration,
    /// Between two frames that are painted, or predicted.
    pub hang: Duration,
    /// To end when asked to.
    pub farewell: Duration,
    /// A stage that lived so long was well: the next one need not wait.
    pub well: Duration,
}

impl Default for StageTimes {
    fn default() -> Self {
        let [start, birth, hang, farewell, well] = [20, 5, 5, 2, 10].map(Duration::from_secs);
        Self { start, birth, silence: Duration::from_millis(2500), hang, farewell, well }
    }
}

/// What is counted, and when it last became more.
#[derive(Clone, Copy, Debug)]
struct LastProgress {
    count: u64,
    at: Instant,
}

impl LastProgress {
    fn see(&mut self, count: u64, now: Instant) {
        if count != self.count {
            *self = Self { count, at: now };
        }
    }
}

/// One stage's signs of life.
#[derive(Debug)]
pub(super) struct VitalSigns {
    started: Instant,
    heard: Option<Instant>,
    painted: LastProgress,
    predicted: LastProgress,
}

impl VitalSigns {
    pub(super) fn new(now: Instant) -> Self {
        let nothing = LastProgress { count: 0, at: now };
        Self { started: now, heard: None, painted: nothing, predicted: nothing }
    }

    pub(super) fn hear(&mut self, beat: &Heartbeat, now: Instant) {
        self.heard = Some(now);
        self.painted.see(beat.painted, now);
        self.predicted.see(beat.predicted, now);
        if beat.held {
            self.predicted.at = now;
        }
    }

    /// Time in which the supervisor itself did not run is not the stage's.
    pub(super) fn excuse(&mut self, time: Duration) {
        let all = [&mut self.started, &mut self.painted.at, &mut self.predicted.at];
        all.into_iter().chain(&mut self.heard).for_each(|at| *at += time);
    }

    /// Whether it painted and predicted.
    pub(super) fn is_live(&self) -> bool {
        self.painted.count >= FIRST_FRAMES && self.predicted.count > 0
    }

    /// What is wrong, and more of it in words.
    pub(super) fn fault(&self, times: &StageTimes, now: Instant) -> Option<(RestartCause, String)> {
        let since = |then: Instant| now.saturating_duration_since(then);
        let (silent, most) = self.heard.map_or((self.started, times.birth), |heard| (heard, times.silence));
        if since(silent) > most {
            return Some((RestartCause::Hung, format!("nothing was heard of it for {} s", most.as_secs_f32())));
        }
        if !self.is_live() {
            let what = if self.painted.count < FIRST_FRAMES { "paint" } else { "predict" };
            let words = || format!("it did not begin to {what} within {} s", times.start.as_secs_f32());
            return (since(self.started) > times.start).then(|| (RestartCause::NeverLive, words()));
        }
        let still = [(self.painted, "painted"), (self.predicted, "predicted")];
        let (_, what) = still.into_iter().find(|(progress, _)| since(progress.at) > times.hang)?;
        Some((RestartCause::Hung, format!("nothing was {what} for {} s", times.hang.as_secs_f32())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_lives_by_what_it_paints_and_predicts() {
        let (times, start) = (StageTimes::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let beat = |painted, predicted, held| Heartbeat { painted, predicted, held, ..Heartbeat::default() };
        let cause = |signs: &VitalSigns, seconds| signs.fault(&times, at(seconds)).map(|fault| fault.0);
        let beats = |signs: &mut VitalSigns, painted, predicted, seconds: std::ops::RangeInclusive<u64>| {
            seconds.for_each(|second| signs.hear(&beat(painted, predicted, false), at(second)));
        };
        let says =
            |signs: &VitalSigns, seconds| signs.fault(&times, at(seconds)).map_or(String::new(), |fault| fault.1);
        let mut signs = VitalSigns::new(start);
        assert_eq!((cause(&signs, 5), cause(&signs, 6)), (None, Some(RestartCause::Hung)));
        beats(&mut signs, 2, 1, 1..=21);
        assert_eq!((cause(&signs, 19), cause(&signs, 21)), (None, Some(RestartCause::NeverLive)));
        assert_eq!(says(&signs, 21), "it did not begin to paint within 20 s");
        let mut signs = VitalSigns::new(start);
        beats(&mut signs, 3, 0, 1..=21);
        assert_eq!((cause(&signs, 20), cause(&signs, 21)), (None, Some(RestartCause::NeverLive)));
        beats(&mut signs, 4, 1, 10..=15);
        assert_eq!((cause(&signs, 15), cause(&signs, 16)), (None, Some(RestartCause::Hung)));
        signs.hear(&beat(4, 90, false), at(15));
        beats(&mut signs, 4, 90, 16..=16);
        assert_eq!(says(&signs, 16), "nothing was painted for 5 s");
        signs.hear(&beat(90, 90, false), at(20));
        beats(&mut signs, 91, 90, 21..=21);
        assert_eq!(says(&signs, 21), "nothing was predicted for 5 s");
        signs.hear(&beat(92, 90, true), at(22));
        assert_eq!(cause(&signs, 24), None);
        assert_eq!(says(&signs, 25), "nothing was heard of it for 2.5 s");
        signs.excuse(Duration::from_secs(3600));
        assert_eq!(cause(&signs, 3624), None);
    }
}
