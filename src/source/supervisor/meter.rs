//! Frames a second.

use std::collections::VecDeque;
use web_time::{Duration, Instant};

/// The time that the rate is taken over.
const WINDOW: Duration = Duration::from_secs(1);

/// The most frames that are remembered, so that an unpaced source costs no memory.
const MOST: usize = 256;

/// Measures the rate of frames over the last second.
#[derive(Default)]
pub(crate) struct Meter {
    times: VecDeque<Instant>,
}

impl Meter {
    /// A frame came at `now`; gives frames a second, 0 after the first.
    pub(crate) fn tick(&mut self, now: Instant) -> f32 {
        self.times.push_back(now);
        while self.times.len() > MOST || self.times.front().is_some_and(|&first| now - first > WINDOW) {
            self.times.pop_front();
        }
        let span = self.times.front().map_or(0.0, |&first| (now - first).as_secs_f32());
        if span > 0.0 { (self.times.len() - 1) as f32 / span } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_is_measured_and_a_change_is_seen_within_two_seconds() {
        let start = Instant::now();
        let mut meter = Meter::default();
        assert!(meter.tick(start) == 0.0);
        let rates: Vec<f32> = (1..90).map(|i| meter.tick(start + Duration::from_millis(i * 40))).collect();
        assert!((rates[88] - 25.0).abs() < 0.5, "{}", rates[88]);
        let later = start + Duration::from_millis(90 * 40);
        let rates: Vec<f32> = (1..21).map(|i| meter.tick(later + Duration::from_millis(i * 100))).collect();
        assert!((rates[19] - 10.0).abs() < 0.5, "{}", rates[19]);
    }
}
