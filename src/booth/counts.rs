//! What is kept of what the camera saw: how many cards were shown on which day, and how often which. Numbers alone.

use super::kept_file::KeptFile;
use jiff::ZonedDateTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

/// So many days are kept.
const DAYS: usize = 31;
/// So many classes of a day are told apart; more count as cards alone.
const CLASSES: usize = 1000;
/// No honest file is larger.
const MOST_BYTES: u64 = 8 << 20;

/// One day's numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DayCount {
    /// Where the booth stands: `2026-11-30`.
    pub day: String,
    /// How often something was shown that the network named.
    pub cards: u64,
    /// How often which, by label.
    pub classes: BTreeMap<String, u64>,
}

/// All of them, the newest last.
#[derive(Debug, Default)]
pub(crate) struct DayCounts {
    file: KeptFile,
    days: VecDeque<DayCount>,
    /// What stands on the stage; it is counted once.
    now: String,
}

impl DayCounts {
    /// What the file remembers. One that cannot be read is begun anew.
    pub(crate) fn open(file: Option<PathBuf>) -> Self {
        let file = KeptFile(file);
        let mut days: VecDeque<DayCount> = file.read(MOST_BYTES);
        days.drain(..days.len().saturating_sub(DAYS));
        Self { file, days, now: String::new() }
    }

    /// Counts `card`, the label that stands on the stage, where it did not stand there before; empty is none.
    pub(super) fn see(&mut self, card: &str) {
        if card == self.now {
            return;
        }
        card.clone_into(&mut self.now);
        if !card.is_empty() {
            self.count(card, &ZonedDateTime::now().date().to_string());
        }
    }

    fn count(&mut self, card: &str, today: &str) {
        if self.days.back().is_none_or(|last| last.day != today) {
            // A clock that jumps comes back to a day that was.
            let before = self.days.iter().position(|day| day.day == today).and_then(|place| self.days.remove(place));
            self.days.push_back(before.unwrap_or_else(|| DayCount { day: today.to_owned(), ..DayCount::default() }));
            self.days.drain(..self.days.len().saturating_sub(DAYS));
        }
        let Some(day) = self.days.back_mut() else { return };
        day.cards += 1;
        if day.classes.len() < CLASSES || day.classes.contains_key(card) {
            *day.classes.entry(card.to_owned()).or_default() += 1;
        }
        self.file.write(&self.days, "the day's counts are not kept");
    }

    /// Every day that is kept, the newest last.
    pub(super) fn days(&self) -> &VecDeque<DayCount> {
        &self.days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_counts_once_while_it_lies_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("deep").join("days.json");
        let mut counts = DayCounts::open(Some(file.clone()));
        for card in ["", "apple", "apple", "", "apple", "star", "star", ""] {
            counts.see(card);
        }
        let again = DayCounts::open(Some(file));
        let [day] = again.days().iter().collect::<Vec<_>>()[..] else { panic!("{again:?}") };
        assert_eq!((day.cards, day.classes["apple"], day.classes["star"], day.day.len()), (3, 2, 1, 10));
    }

    #[test]
    fn a_month_is_kept_and_a_clock_that_jumps_loses_nothing() {
        let mut counts = DayCounts::default();
        for day in 0..40 {
            counts.count("apple", &format!("day {day}"));
        }
        counts.count("star", "day 20");
        assert_eq!((counts.days().len(), counts.days().back().map(|day| day.cards)), (DAYS, Some(2)));
        for class in 0..2000 {
            counts.count(&class.to_string(), "day 20");
        }
        assert_eq!(counts.days().back().map(|day| (day.cards, day.classes.len())), Some((2002, CLASSES)));
    }

    #[test]
    fn a_broken_file_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("days.json");
        for text in ["", "{", "{}", "[{\"day\": 3}]"] {
            std::fs::write(&file, text).expect("written");
            assert!(DayCounts::open(Some(file.clone())).days().is_empty(), "{text}");
        }
    }
}
