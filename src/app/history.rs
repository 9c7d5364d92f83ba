//! Rings of the last seconds, for lines over time.

use crate::pipeline::Report;
use std::collections::VecDeque;
use web_time::{Duration, Instant};

/// How far back lines go.
pub(crate) const SPAN: Duration = Duration::from_secs(30);
/// One point of a line gathers the reports of this long: lines stay cheap at any frame rate.
const STEP: Duration = Duration::from_millis(125);

/// The means of the reports of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryPoint {
    /// When it began.
    pub at: Instant,
    /// Predictions a second.
    pub predicted_per_s: f32,
    /// From the capture to the prediction.
    pub latency_ms: f32,
    /// The twin with pixel embedding and the one with a float first layer, frames a second; `None` without comparison.
    pub twins_per_s: Option<[f32; 2]>,
    reports: u32,
}

/// The last [`SPAN`].
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    points: VecDeque<HistoryPoint>,
    predicted: VecDeque<(Instant, u64)>,
    /// The source that they are of.
    source: u64,
    newest: Option<Instant>,
}

impl History {
    /// Takes a report that arrived at `now`.
    pub(crate) fn push(&mut self, report: &Report, now: Instant) {
        self.newest = Some(now);
        let predicted_per_s = self.rate(report, now);
        let twins_per_s = report.comparison.as_ref().and_then(|comparison| {
            let times = [comparison.embedded.last_ms, comparison.float_input.last_ms];
            times.iter().all(|&ms| ms > 0.0).then(|| times.map(|ms| 1e3 / ms))
        });
        let latency_ms = report.timing.latency_ms;
        let new = HistoryPoint { at: now, predicted_per_s, latency_ms, twins_per_s, reports: 1 };
        match self.points.back_mut().filter(|last| now.duration_since(last.at) < STEP) {
            Some(last) => last.merge(&new),
            None => self.points.push_back(new),
        }
        while self.points.front().is_some_and(|first| now.duration_since(first.at) > SPAN) {
            self.points.pop_front();
        }
    }

    /// All points with their age in seconds, the oldest first.
    pub(crate) fn points(&self) -> impl Iterator<Item = (f32, &HistoryPoint)> {
        let newest = self.newest;
        self.points.iter().map(move |point| {
            let age = newest.map_or(Duration::ZERO, |newest| newest.duration_since(point.at));
            (age.as_secs_f32(), point)
        })
    }

    /// Predictions a second over the last second, from the pipeline's own count: the window may see fewer reports.
    fn rate(&mut self, report: &Report, now: Instant) -> f32 {
        let count = report.counts.predicted;
        let is_of_another = std::mem::replace(&mut self.source, report.frame.source) != report.frame.source;
        if is_of_another || self.predicted.back().is_some_and(|(_, last)| *last > count) {
            // Counting began anew with another source, network or engine.
            self.predicted.clear();
        }
        self.predicted.push_back((now, count));
        while self.predicted.len() > 2 && now.duration_since(self.predicted[1].0) >= Duration::from_secs(1) {
            self.predicted.pop_front();
        }
        let (since, before) = self.predicted[0];
        let seconds = now.duration_since(since).as_secs_f32();
        if seconds > 0.0 { (count - before) as f32 / seconds } else { report.rates.predicted_per_s }
    }
}

impl HistoryPoint {
    fn merge(&mut self, new: &Self) {
        let (old, all) = (self.reports as f32, (self.reports + 1) as f32);
        let mean = |before: f32, now: f32| (before * old + now) / all;
        self.predicted_per_s = new.predicted_per_s;
        self.latency_ms = mean(self.latency_ms, new.latency_ms);
        self.twins_per_s = match (self.twins_per_s, new.twins_per_s) {
            (Some([a, b]), Some([c, d])) => Some([mean(a, c), mean(b, d)]),
            (before, now) => now.or(before),
        };
        self.reports += 1;
    }
}
