//! What a flight recorder wrote, as a source: the squares that a network saw.

use super::error::{SourceError, shown};
use super::interface::{Polled, Source, USUAL_RATE};
use super::picture::{Picture, io_error};
use crate::flight::{self, FlightError, FlightReader};
use crate::host::files::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Frames a second between which a recording is believed to be of what somebody watched.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=120.0;

/// A recording, from its first frame to its last. What was recorded is shown, however it was cut and resampled then.
pub(super) struct Recording {
    path: PathBuf,
    reader: FlightReader<BufReader<File>>,
    /// Frames that it gave.
    given: u64,
}

impl Recording {
    /// # Errors
    /// A file that cannot be read, or whose header makes no sense.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let reader = flight::open(path).map_err(|error| in_our_words(path, &error))?;
        Ok(Self { path: path.to_owned(), reader, given: 0 })
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
        self.given += u64::from(frame.is_some());
        Ok(frame.map_or(Polled::End, |frame| Polled::Picture(Picture::new(edge, edge, frame.pixels.into()))))
    }

    fn position(&self) -> Option<[u64; 2]> {
        Some([self.given.saturating_sub(1), self.reader.header().frames])
    }

    /// Reads from the start: every frame of the longest recording in a quarter of a second.
    fn seek(&mut self, to: u64) -> Result<(), SourceError> {
        if to < self.given {
            self.rewind()?;
        }
        let to = to.min(self.reader.header().frames - 1);
        while self.given < to {
            if matches!(self.next(Duration::ZERO)?, Polled::End) {
                break;
            }
        }
        Ok(())
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flight::{FlightLimits, FlightRecorder, FlightSeen};
    use crate::frame::InputImage;
    use crate::network::shipped::Shipped;
    use std::sync::Arc;

    /// A recording of so many frames of `cards`, each of a shade of its own.
    fn recorded(path: &Path, frames: u8) {
        let network = Arc::new(Shipped::named("cards").expect("shipped").load().expect("well formed"));
        let mut recorder = FlightRecorder::new(FlightLimits::default());
        let logits = vec![0.0; network.labels().len()];
        for shade in 0..frames {
            let input = InputImage::from_rgb(64, vec![shade; 64 * 64 * 3]).expect("square");
            let (number, answer) = (u64::from(shade), [&logits[..], &[]]);
            recorder.record(&FlightSeen {
                number,
                network: &network,
                engine: "cpu",
                input: &input,
                answer,
                look: None,
            });
        }
        flight::write(recorder.flight().expect("frames"), path).expect("written");
    }

    #[test]
    fn one_can_go_to_any_frame() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ernflight");
        recorded(&path, 20);
        let mut source = Recording::open(&path).expect("a recording");
        let shown = |source: &mut Recording| match source.next(Duration::ZERO) {
            Ok(Polled::Picture(picture)) => picture.rgb[0],
            other => panic!("{other:?}"),
        };
        assert_eq!((shown(&mut source), source.position()), (0, Some([0, 20])));
        for to in [7, 7, 3, 19, 0, 12] {
            source.seek(to).expect("there");
            assert_eq!((u64::from(shown(&mut source)), source.position()), (to, Some([to, 20])));
        }
        source.seek(1000).expect("the last one");
        assert_eq!(shown(&mut source), 19);
        assert!(matches!(source.next(Duration::ZERO), Ok(Polled::End)));
        source.rewind().expect("there");
        assert_eq!(shown(&mut source), 0);
    }
}
