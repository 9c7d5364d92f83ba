//! What a source is.

use super::error::SourceError;
use super::picture::Picture;
use std::time::Duration;

/// What a source answers when asked for a picture.
#[derive(Debug)]
#[non_exhaustive]
pub enum Polled {
    /// The next picture.
    Picture(Picture),
    /// The next ones cannot be decoded and are left out; ask again.
    LeftOut {
        /// How many, at least one.
        count: u64,
        /// What is wrong with the first of them.
        why: SourceError,
    },
    /// None came in the time allowed; ask again.
    NotYet,
    /// There are no more.
    End,
}

impl Polled {
    /// One picture that cannot be decoded.
    pub(super) fn left_out(why: SourceError) -> Self {
        Self::LeftOut { count: 1, why }
    }
}

/// Makes pictures, one after the other; the supervisor numbers them and makes them frames.
pub trait Source: Send {
    /// What to call it in front of a user: `demo`, `camera 0`, a file's name.
    fn name(&self) -> String;

    /// Whether it has files of a picture each, not frames.
    fn is_files(&self) -> bool {
        false
    }

    /// How many frames a second it is meant to be watched at; `None` where the source itself sets the pace (a camera).
    fn rate(&self) -> Option<f32>;

    /// How long a picture stays in a window before the next one follows, where that is longer than one beat of [`Source::rate`]: the
    /// pictures of a folder.
    fn dwell(&self) -> Option<Duration> {
        None
    }

    /// The next picture. Waits at most `patience` for one (only a camera waits at all).
    ///
    /// # Errors
    /// Where the source breaks: a file that cannot be read on, a camera that is lost. A camera may be asked again.
    fn next(&mut self, patience: Duration) -> Result<Polled, SourceError>;

    /// The number of the picture that was given last, from 0, and how many there are, where one can go to any of them.
    fn position(&self) -> Option<[u64; 2]> {
        None
    }

    /// Goes to the picture of this number, or the last one: it is the next.
    ///
    /// # Errors
    /// Where the file cannot be read again.
    fn seek(&mut self, _to: u64) -> Result<(), SourceError> {
        Ok(())
    }

    /// Starts over after the end, where there is one.
    ///
    /// # Errors
    /// Where the file cannot be opened again.
    fn rewind(&mut self) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Frames a second where a video does not say anything usable.
pub(super) const USUAL_RATE: f32 = 30.0;
