//! Why the stage was started anew: the last hundred times, in a file too, so that a new supervisor knows.

use super::kept_file::KeptFile;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use web_time::Duration;

/// So many are remembered.
const REMEMBERED: usize = 100;
/// No honest file is larger.
const MOST_BYTES: u64 = 1 << 20;

/// What the supervisor saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RestartCause {
    /// It ended, and nobody left.
    Crashed,
    /// It painted or predicted nothing any longer.
    Hung,
    /// It never painted or predicted anything.
    NeverLive,
    /// It took too much memory.
    Grew,
    /// It had no display, or lost it.
    NoDisplay,
    /// The system gave no process.
    Unstartable,
}

impl fmt::Display for RestartCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crashed => "crashed",
            Self::Hung => "hung",
            Self::NeverLive => "did not come to life",
            Self::Grew => "took too much memory",
            Self::NoDisplay => "had no display",
            Self::Unstartable => "could not be started",
        })
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restart {
    /// When, in seconds since 1970.
    pub at_s: u64,
    pub cause: RestartCause,
    /// More of it, in words.
    pub words: String,
    /// How long the stage had run.
    pub lived_s: u64,
}

/// A moment in seconds since 1970; 0 before that.
pub(super) fn epoch_s(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// All that is remembered of them.
#[derive(Debug, Default)]
pub(crate) struct RestartMemory {
    file: KeptFile,
    kept: RestartFile,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct RestartFile {
    /// All there ever were.
    count: u64,
    /// The newest last.
    last: VecDeque<Restart>,
}

impl RestartMemory {
    /// What the file remembers. One that cannot be read is begun anew.
    pub(crate) fn open(file: Option<PathBuf>) -> Self {
        let file = KeptFile(file);
        let mut kept: RestartFile = file.read(MOST_BYTES);
        kept.last.drain(..kept.last.len().saturating_sub(REMEMBERED));
        Self { file, kept }
    }

    /// Adds one of now.
    pub(super) fn add(&mut self, cause: RestartCause, words: String, lived: Duration) {
        let at_s = epoch_s(SystemTime::now());
        if self.kept.last.len() == REMEMBERED {
            self.kept.last.pop_front();
        }
        self.kept.last.push_back(Restart { at_s, cause, words, lived_s: lived.as_secs() });
        self.kept.count += 1;
        self.file.write(&self.kept, "the restart is not remembered");
    }

    /// All there ever were.
    pub(super) fn count(&self) -> u64 {
        self.kept.count
    }

    /// The last ones, the newest last.
    pub(super) fn last(&self) -> &VecDeque<Restart> {
        &self.kept.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_supervisor_knows_the_last_hundred() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("deep").join("restarts.json");
        let mut memory = RestartMemory::open(Some(file.clone()));
        for number in 0..103 {
            memory.add(RestartCause::Hung, format!("{number}"), Duration::from_secs(number));
        }
        let again = RestartMemory::open(Some(file.clone()));
        assert_eq!((again.count(), again.last().len(), again.last()), (103, 100, memory.last()));
        assert_eq!(again.last().back().map(|last| (last.cause, last.lived_s)), Some((RestartCause::Hung, 102)));
        for text in ["", "{", "[]", "{\"count\": -1, \"last\": []}"] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(RestartMemory::open(Some(file.clone())).count(), 0, "{text}");
        }
    }
}
