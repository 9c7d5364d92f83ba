//! Pictures, folders of pictures and video files as sources.

use super::error::{SourceError, shown};
use super::picture::{Limits, Picture, extension, io_error, is_picture, read_within};
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
    limits: Limits,
    progress: Progress,
}

/// Since the start or the last rewind.
#[derive(Default)]
struct Progress {
    /// The next picture's number.
    next: usize,
    /// Pictures read well.
    good: usize,
    /// What is wrong with the first of those that stand before the first good one.
    first_bad: Option<SourceError>,
}

impl Stills {
    fn one(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            pictures: vec![path.to_owned()],
            limits: Limits::ALONE,
            progress: Progress::default(),
        }
    }

    fn folder(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |error: &std::io::Error| io_error(path, error);
        let mut pictures = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| unreadable(&error))? {
            let file = entry.map_err(|error| unreadable(&error))?.path();
            if is_picture(&file) && file.is_file() {
                pictures.push(file);
            }
        }
        if pictures.is_empty() {
            return Err(SourceError::EmptyFolder { path: shown(path) });
        }
        pictures.sort();
        Ok(Self { path: path.to_owned(), pictures, limits: Limits::ONE_OF_MANY, progress: Progress::default() })
    }

    /// Remembers the first of the bad pictures that no good one has come before, and tells of all later ones.
    fn leave_out(&mut self, error: SourceError) {
        if self.progress.good > 0 {
            tracing::warn!("left out: {error}");
        } else {
            self.progress.first_bad.get_or_insert(error);
        }
    }

    /// Tells of the bad pictures before the first good one.
    fn count_good(&mut self) {
        if let Some(first) = self.progress.first_bad.take() {
            tracing::warn!("left out {} of the pictures, the first: {first}", self.progress.next - 1);
        }
        self.progress.good += 1;
    }

    /// The end; an error where no picture is good.
    fn end(&mut self) -> Result<Polled, SourceError> {
        match self.progress.first_bad.take() {
            None => Ok(Polled::End),
            Some(only) if self.pictures.len() == 1 => Err(only),
            Some(first) => {
                let (path, count) = (shown(&self.path), self.pictures.len());
                Err(SourceError::NoGoodPicture { path, count, first: Box::new(first) })
            }
        }
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

    /// A damaged picture among good ones is left out, with a line in the log.
    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        while let Some(path) = self.pictures.get(self.progress.next) {
            self.progress.next += 1;
            match read_within(path, self.limits) {
                Ok(picture) => {
                    self.count_good();
                    return Ok(Polled::Picture(picture));
                }
                Err(error) => self.leave_out(error),
            }
        }
        self.end()
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.progress = Progress::default();
        Ok(())
    }
}
