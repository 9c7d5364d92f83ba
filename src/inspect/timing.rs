//! Times of the last frames.

use std::collections::VecDeque;
use std::time::Duration;
use web_time::Instant;

/// Values of the last seconds, with the figures that are shown of them.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    window: Duration,
    most: usize,
    values: VecDeque<(Instant, f32)>,
    sorted: Vec<f32>,
}

impl Recent {
    /// Keeps values for `window`, at most `most` of them.
    pub(crate) fn new(window: Duration, most: usize) -> Self {
        Self { window, most, values: VecDeque::with_capacity(most + 1), sorted: Vec::with_capacity(most + 1) }
    }

    /// Takes a value of the moment `now`.
    pub(crate) fn push(&mut self, now: Instant, value: f32) {
        self.values.push_back((now, value));
        if self.values.len() > self.most {
            self.values.pop_front();
        }
        self.forget(now);
    }

    /// Drops what is older than the window.
    pub(crate) fn forget(&mut self, now: Instant) {
        while self.values.front().is_some_and(|(then, _)| now.duration_since(*then) > self.window) {
            self.values.pop_front();
        }
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value that the fraction `q` of the values does not exceed; `None` without values.
    pub(crate) fn quantile(&mut self, q: f32) -> Option<f32> {
        self.sorted.clear();
        self.sorted.extend(self.values.iter().map(|(_, value)| value));
        quantile(&mut self.sorted, q)
    }

    /// The median; 0 without values.
    pub(crate) fn median(&mut self) -> f32 {
        self.quantile(0.5).unwrap_or(0.0)
    }

    /// The mean; 0 without values.
    pub(crate) fn mean(&self) -> f32 {
        self.values.iter().map(|(_, v)| v).sum::<f32>() / self.values.len().max(1) as f32
    }

    /// Values a second, from the first to the last of them.
    pub(crate) fn rate(&self) -> f32 {
        match (self.values.front(), self.values.back()) {
            (Some((first, _)), Some((last, _))) if last > first => {
                (self.values.len() - 1) as f32 / last.duration_since(*first).as_secs_f32()
            }
            _ => 0.0,
        }
    }
}

/// A time as figures tell it.
pub(crate) fn milliseconds(elapsed: Duration) -> f32 {
    elapsed.as_secs_f32() * 1e3
}

/// The value that the fraction `q` of `values` does not exceed; `None` without values. Sorts them.
pub(crate) fn quantile(values: &mut [f32], q: f32) -> Option<f32> {
    values.sort_unstable_by(f32::total_cmp);
    let last = values.len().checked_sub(1)?;
    values.get((last as f32 * q).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_values_are_forgotten() {
        let start = Instant::now();
        let mut recent = Recent::new(Duration::from_secs(1), 100);
        for i in 0..20 {
            recent.push(start + Duration::from_millis(100 * i), i as f32);
        }
        assert_eq!(recent.len(), 11);
        assert_eq!(recent.median(), 14.0);
        assert!((recent.rate() - 10.0).abs() < 1e-3);
    }

    #[test]
    fn quantiles_of_few_values() {
        assert_eq!(quantile(&mut [], 0.5), None);
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 1.0), Some(3.0));
    }
}
