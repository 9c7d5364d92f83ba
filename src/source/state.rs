//! What a source is doing, in a form that a window can show as one sentence.

use super::choice::SourceChoice;
use super::error::SourceError;
use std::fmt;
use std::time::Duration;

/// A snapshot of the supervisor.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceStatus {
    /// Which source this is of: what its frames have as [`crate::frame::Frame::source`].
    pub source: u64,
    /// What was asked for and was not refused; `None` is the first camera that works, or else the demo.
    pub choice: Option<SourceChoice>,
    /// What the source is doing.
    pub state: SourceState,
    /// Whether the user holds it.
    pub paused: bool,
    /// Why the source that was last switched to is not shown, where that is so; the one before keeps running.
    pub refusal: Option<SourceError>,
    /// Frames that the source made since it was chosen.
    pub produced: u64,
    /// Frames among them that gave way to a newer one before anybody took them.
    pub dropped: u64,
    /// What it had beside them since it was chosen and could not be decoded.
    pub left_out: LeftOut,
    /// Frames a second, measured over the last second; 0 before the second frame.
    pub fps: f32,
    /// The number of the last picture, from 0, and how many there are, where one can go to any of them: a recording.
    pub position: Option<[u64; 2]>,
}

impl Default for SourceStatus {
    fn default() -> Self {
        let state = SourceState::Starting { name: "the source".to_owned() };
        Self {
            source: 0,
            choice: None,
            state,
            paused: false,
            refusal: None,
            produced: 0,
            dropped: 0,
            left_out: LeftOut::default(),
            fps: 0.0,
            position: None,
        }
    }
}

/// What a source has and cannot be decoded. `Display` says so: `3 frames left out`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// Whether they are files of a picture each, not frames.
    pub files: bool,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = if self.files { "picture" } else { "frame" };
        write!(f, "{} {one}{} left out", self.count, if self.count == 1 { "" } else { "s" })
    }
}

/// What a source is doing. `Display` gives the sentence: what is, what the app does about it, what a person can do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SourceState {
    /// Opened, no frame yet.
    Starting {
        /// See [`super::Source::name`].
        name: String,
    },
    /// Frames arrive.
    Live {
        /// See [`super::Source::name`].
        name: String,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// Nobody named a source and no camera works: the demo runs, and a camera that is plugged in takes over.
    Fallback {
        /// Why no camera is used.
        reason: SourceError,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The camera never worked so far (busy, no permission, unplugged): asked again and again.
    Waiting {
        /// Why.
        error: SourceError,
        /// Until the next try.
        retry_in: Duration,
    },
    /// The camera delivered and does not any longer: opened again and again.
    Lost {
        /// Why.
        error: SourceError,
        /// Until the next try.
        retry_in: Duration,
    },
    /// The source came to its end, or broke after some frames.
    Ended {
        /// See [`super::Source::name`].
        name: String,
        /// How many frames it had.
        frames: u64,
        /// Why it ended early, where it did.
        error: Option<SourceError>,
    },
    /// The source cannot be used.
    Failed {
        /// Why.
        error: SourceError,
    },
}

impl SourceState {
    /// Whether no picture comes because of a fault: what was seen last is of the past.
    #[cfg(feature = "app")]
    pub(crate) fn is_fault(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Lost { .. } | Self::Failed { .. })
    }
}

impl fmt::Display for SourceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting { name } => write!(f, "Opening {name}"),
            Self::Live { name, width, height } => write!(f, "{name}, {width}×{height}"),
            Self::Fallback { reason, .. } => {
                write!(f, "Showing the demo because {reason}")
            }
            Self::Waiting { error, .. } => write!(f, "{}; trying again", sentence(error)),
            Self::Lost { error, .. } => write!(f, "{}; trying again", sentence(error)),
            Self::Ended { name, frames, error: None } => {
                write!(f, "{name} ended after {frames} frames; choose another source to go on")
            }
            Self::Ended { name, frames, error: Some(error) } => {
                write!(f, "{name} broke off after {frames} frames. {}", sentence(error))
            }
            Self::Failed { error } => write!(f, "{}", sentence(error)),
        }
    }
}

/// The error's text with a capital first letter.
fn sentence(error: &SourceError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_in_words() {
        let says = |count, files| LeftOut { count, files }.to_string();
        assert_eq!(says(3, false), "3 frames left out");
        assert_eq!(says(1, false), "1 frame left out");
        assert_eq!(says(1, true), "1 picture left out");
        assert_eq!(says(2, true), "2 pictures left out");
    }
}
