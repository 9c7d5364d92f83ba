//! Pictures, folders of pictures, video files and recordings as sources.

use super::error::{SourceError, shown};
use super::interface::{Polled, Source};
use super::mjpeg::Mjpeg;
use super::picture::{Limits, Picture, extension, io_error, open_regular, pictures_in, read_within};
use super::reader::video;
use super::recording::Recording;
use super::y4m::Y4m;
use crate::flight;
use crate::host;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a window shows each picture of a folder.
const DWELL: Duration = Duration::from_secs(2);

/// So many bad pictures are read before a source is believed to have good ones further on; commands wait meanwhile.
const MOST_BAD_AHEAD: usize = 16;

/// Opens a picture, a folder of pictures, a video or a recording, and reads its first frame, so that what is open is worth showing.
///
/// # Errors
/// Whatever keeps the first frame from being read.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Source>, SourceError> {
    if host::files::is_folder(path).map_err(|error| io_error(path, &error))? {
        return Ok(Box::new(Primed::new(Stills::folder(path)?)?));
    }
    if let Some(video) = video(path) {
        return Ok(video);
    }
    match extension(path).as_str() {
        "y4m" => Ok(Box::new(Primed::new(Y4m::open(path)?)?)),
        "mjpeg" | "mjpg" => Ok(Box::new(Primed::new(Mjpeg::open(path)?)?)),
        "ernflight" => Ok(Box::new(Primed::new(Recording::open(path)?)?)),
        _ if is_recording(path)? => Ok(Box::new(Primed::new(Recording::open(path)?)?)),
        _ => Ok(Box::new(Primed::new(Stills::one(path))?)),
    }
}

/// Whether a file begins as a recording does, whatever its name.
fn is_recording(path: &Path) -> Result<bool, SourceError> {
    let (file, _) = open_regular(path)?;
    let mut start = Vec::new();
    file.take(64).read_to_end(&mut start).map_err(|error| io_error(path, &error))?;
    Ok(flight::begins_a_flight(&start))
}

/// A source whose first picture has been read ahead, unless it stands behind many bad ones.
struct Primed<S> {
    /// What was left out before it, and what is wrong with the first of these.
    left_out: Option<(u64, SourceError)>,
    /// As long as nothing good came: how many bad ones did, and what is wrong with the first of them.
    none_good: Option<(u64, SourceError)>,
    /// Whether no good picture has come.
    nothing_came: bool,
    first: Option<Picture>,
    source: S,
}

impl<S: Source> Primed<S> {
    fn new(source: S) -> Result<Self, SourceError> {
        let mut primed = Self { left_out: None, none_good: None, nothing_came: true, first: None, source };
        for _ in 0..MOST_BAD_AHEAD {
            match primed.poll(Duration::ZERO)? {
                Polled::Picture(first) => {
                    primed.first = Some(first);
                    break;
                }
                Polled::LeftOut { count, why } => primed.left_out.get_or_insert((0, why)).0 += count,
                Polled::NotYet | Polled::End => return Err(none_good(&primed.source, None)),
            }
        }
        Ok(primed)
    }

    /// The source's next; its end is an error where nothing good came before.
    fn poll(&mut self, patience: Duration) -> Result<Polled, SourceError> {
        let polled = self.source.next(patience)?;
        match &polled {
            Polled::Picture(_) => self.none_good = None,
            Polled::LeftOut { count, why } if self.nothing_came => {
                self.none_good.get_or_insert((0, why.clone())).0 += count;
            }
            Polled::End if self.none_good.is_some() => return Err(none_good(&self.source, self.none_good.take())),
            _ => {}
        }
        self.nothing_came &= !matches!(polled, Polled::Picture(_));
        Ok(polled)
    }
}

/// Why a source without any good picture cannot be used.
fn none_good(source: &impl Source, left_out: Option<(u64, SourceError)>) -> SourceError {
    let path = source.name();
    match left_out {
        None => SourceError::Damaged { path, why: "there is no whole picture in it".to_owned() },
        Some((1, only)) => only,
        Some((count, first)) => {
            let what = if source.is_files() { "pictures" } else { "frames" };
            SourceError::NoneGood { path, what: what.to_owned(), count, first: Box::new(first) }
        }
    }
}

impl<S: Source> Source for Primed<S> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn is_files(&self) -> bool {
        self.source.is_files()
    }

    fn rate(&self) -> Option<f32> {
        self.source.rate()
    }

    fn dwell(&self) -> Option<Duration> {
        self.source.dwell()
    }

    fn next(&mut self, patience: Duration) -> Result<Polled, SourceError> {
        if let Some((count, why)) = self.left_out.take() {
            return Ok(Polled::LeftOut { count, why });
        }
        match self.first.take() {
            Some(picture) => Ok(Polled::Picture(Picture { captured: web_time::Instant::now(), ..picture })),
            None => self.poll(patience),
        }
    }

    fn position(&self) -> Option<[u64; 2]> {
        self.source.position()
    }

    fn seek(&mut self, to: u64) -> Result<(), SourceError> {
        self.first = None;
        self.source.seek(to)
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        (self.left_out, self.none_good, self.first) = (None, None, None);
        self.source.rewind()
    }
}

/// One picture or the pictures of a folder, in the order of their names.
struct Stills {
    path: PathBuf,
    pictures: Vec<PathBuf>,
    limits: Limits,
    /// The next picture's number.
    next: usize,
}

impl Stills {
    fn one(path: &Path) -> Self {
        Self { path: path.to_owned(), pictures: vec![path.to_owned()], limits: Limits::ALONE, next: 0 }
    }

    fn folder(path: &Path) -> Result<Self, SourceError> {
        Ok(Self { path: path.to_owned(), pictures: pictures_in(path)?, limits: Limits::ONE_OF_MANY, next: 0 })
    }
}

impl Source for Stills {
    fn name(&self) -> String {
        shown(&self.path)
    }

    fn is_files(&self) -> bool {
        true
    }

    fn rate(&self) -> Option<f32> {
        Some(30.0)
    }

    fn dwell(&self) -> Option<Duration> {
        Some(if self.pictures.len() == 1 { Duration::MAX } else { DWELL })
    }

    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        let Some(path) = self.pictures.get(self.next) else { return Ok(Polled::End) };
        self.next += 1;
        Ok(read_within(path, self.limits).map_or_else(Polled::left_out, Polled::Picture))
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.next = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Many bad pictures are not all read before the source is open, and are an error at their end as few are.
    #[test]
    fn many_bad_pictures_are_read_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let bad = MOST_BAD_AHEAD + 3;
        (0..bad).for_each(|at| std::fs::write(folder.path().join(format!("{at:03}.png")), b"no picture").unwrap());
        let mut source = open(folder.path()).unwrap();
        let mut left_out = 0;
        let error = loop {
            match source.next(Duration::ZERO) {
                Ok(Polled::LeftOut { count, .. }) => left_out += count,
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(left_out, bad as u64);
        assert!(matches!(error, SourceError::NoneGood { count, .. } if count == bad as u64), "{error}");
    }
}
