//! Pictures, folders of pictures and video files as sources.

use super::error::{SourceError, shown};
use super::picture::{Picture, io_error, read_picture};
use super::video::{Mjpeg, Y4m};
use super::{Polled, Source};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a window shows each picture of a folder.
const DWELL: Duration = Duration::from_secs(2);

/// Opens a picture, a folder of pictures or a video, and reads its first frame, so that what is open is worth showing.
///
/// # Errors
/// Whatever keeps the first frame from being read.
pub fn open(path: &Path) -> Result<Box<dyn Source>, SourceError> {
    let metadata = fs::metadata(path).map_err(|error| io_error(path, &error))?;
    if metadata.is_dir() {
        return Ok(Box::new(Primed::new(Stills::folder(path)?)?));
    }
    match extension(path).as_str() {
        "y4m" => Ok(Box::new(Primed::new(Y4m::open(path)?)?)),
        "mjpeg" | "mjpg" => Ok(Box::new(Primed::new(Mjpeg::open(path)?)?)),
        _ => Ok(Box::new(Primed::new(Stills::one(path))?)),
    }
}

/// The file name's extension in lower case.
fn extension(path: &Path) -> String {
    path.extension().map_or_else(String::new, |e| e.to_string_lossy().to_lowercase())
}

/// A source whose first picture has been read ahead.
struct Primed<S> {
    first: Option<Picture>,
    source: S,
}

impl<S: Source> Primed<S> {
    fn new(mut source: S) -> Result<Self, SourceError> {
        match source.next(Duration::ZERO)? {
            Polled::Picture(first) => Ok(Self { first: Some(first), source }),
            Polled::NotYet | Polled::End => {
                Err(SourceError::Damaged { path: source.name(), why: "there is no whole picture in it".to_owned() })
            }
        }
    }
}

impl<S: Source> Source for Primed<S> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn rate(&self) -> Option<f32> {
        self.source.rate()
    }

    fn dwell(&self) -> Option<Duration> {
        self.source.dwell()
    }

    fn next(&mut self, patience: Duration) -> Result<Polled, SourceError> {
        match self.first.take() {
            Some(picture) => Ok(Polled::Picture(Picture { captured: std::time::Instant::now(), ..picture })),
            None => self.source.next(patience),
        }
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.first = None;
        self.source.rewind()
    }
}

/// One picture or the pictures of a folder, in the order of their names.
struct Stills {
    path: PathBuf,
    pictures: Vec<PathBuf>,
    next: usize,
    /// Pictures read well since the start or the last rewind.
    good: usize,
}

impl Stills {
    fn one(path: &Path) -> Self {
        Self { path: path.to_owned(), pictures: vec![path.to_owned()], next: 0, good: 0 }
    }

    fn folder(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |error: &std::io::Error| io_error(path, error);
        let mut pictures = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| unreadable(&error))? {
            let file = entry.map_err(|error| unreadable(&error))?.path();
            let is_picture = matches!(extension(&file).as_str(), "png" | "jpg" | "jpeg" | "webp" | "bmp");
            if is_picture && file.is_file() {
                pictures.push(file);
            }
        }
        if pictures.is_empty() {
            return Err(SourceError::EmptyFolder { path: shown(path) });
        }
        pictures.sort();
        Ok(Self { path: path.to_owned(), pictures, next: 0, good: 0 })
    }
}

impl Source for Stills {
    fn name(&self) -> String {
        shown(&self.path)
    }

    fn rate(&self) -> Option<f32> {
        Some(30.0)
    }

    fn dwell(&self) -> Option<Duration> {
        Some(if self.pictures.len() == 1 { Duration::MAX } else { DWELL })
    }

    /// A damaged picture among others is left out, with a line in the log.
    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        while let Some(path) = self.pictures.get(self.next) {
            self.next += 1;
            match read_picture(path) {
                Ok(picture) => {
                    self.good += 1;
                    return Ok(Polled::Picture(picture));
                }
                Err(error) if self.next == self.pictures.len() && self.good == 0 => return Err(error),
                Err(error) => tracing::warn!("left out: {error}"),
            }
        }
        Ok(Polled::End)
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        (self.next, self.good) = (0, 0);
        Ok(())
    }
}
