//! What a flight recorder wrote, as a source: the squares that a network saw.

use super::error::{SourceError, shown};
use super::interface::{Polled, Source, USUAL_RATE};
use super::picture::{Picture, io_error};
use crate::flight::{self, FlightError, FlightReader};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Frames a second between which a recording is believed to be of what somebody watched.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=120.0;

/// A recording, from its first frame to its last. What was recorded is shown, however it was cut and resampled then.
pub(super) struct Recording {
    path: PathBuf,
    reader: FlightReader<BufReader<File>>,
}

impl Recording {
    /// # Errors
    /// A file that cannot be read, or whose header makes no sense.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let reader = flight::open(path).map_err(|error| in_our_words(path, &error))?;
        Ok(Self { path: path.to_owned(), reader })
    }
}

fn in_our_words(path: &Path, error: &FlightError) -> SourceError {
    let path_shown = shown(path);
    match error {
        FlightError::Io(error) => io_error(path, error),
        FlightError::NotAFile => SourceError::Unreadable { path: path_shown, why: "it is no regular file".into() },
        FlightError::Version { .. } => {
            let (what, remedy) = (format!("a recording that {error}"), error.remedy().to_owned());
            SourceError::Unsupported { path: path_shown, what, remedy }
        }
        other => SourceError::Damaged { path: path_shown, why: format!("the recording {other}") },
    }
}

impl Source for Recording {
    fn name(&self) -> String {
        shown(&self.path)
    }

    fn rate(&self) -> Option<f32> {
        let header = self.reader.header();
        let rate = (header.frames - 1) as f64 / header.seconds;
        Some(if RATES.contains(&rate) { rate as f32 } else { USUAL_RATE })
    }

    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        let edge = self.reader.header().edge as u32;
        let frame = self.reader.next_frame().map_err(|error| in_our_words(&self.path, &error))?;
        Ok(frame.map_or(Polled::End, |frame| Polled::Picture(Picture::new(edge, edge, frame.pixels.into()))))
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        *self = Self::open(&self.path)?;
        Ok(())
    }
}
