//! Motion JPEG files: JPEGs one after the other.

use super::decode_error::DecodeError;
use super::error::{SourceError, shown};
use super::interface::{Polled, Source, USUAL_RATE};
use super::jpeg::{self, Extent};
use super::picture::{Limits, decode_jpeg, io_error, open_regular};
use crate::host::files::File;
use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest JPEG in such a file, in bytes.
const MAX_JPEG: usize = 16 << 20;

/// Of the JPEGs in it, where up to twice the longest one is read ahead.
const LIMITS: Limits = Limits { bytes: Limits::ONE_OF_MANY.bytes - 2 * MAX_JPEG as u64, ..Limits::ONE_OF_MANY };

/// JPEGs one after the other, with or without bytes between them.
pub(crate) struct Mjpeg {
    path: PathBuf,
    file: File,
    ahead: Vec<u8>,
    /// How many bytes of `ahead` have been used.
    used: usize,
    at_end: bool,
    /// Pictures so far, those that were left out included.
    number: u64,
}

impl Mjpeg {
    /// # Errors
    /// An unreadable file.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        let (file, _) = open_regular(path)?;
        Ok(Self { path: path.to_owned(), file, ahead: Vec::new(), used: 0, at_end: false, number: 0 })
    }

    /// Reads on by as much as is there already (and 64 KiB at least), so that a JPEG that comes in many pieces is not looked
    /// through again for each of them.
    fn read_on(&mut self) -> Result<(), SourceError> {
        self.ahead.drain(..self.used);
        self.used = 0;
        let more = self.ahead.len().max(64 << 10) as u64;
        let read = (&mut self.file).take(more).read_to_end(&mut self.ahead);
        self.at_end = read.map_err(|error| io_error(&self.path, &error))? == 0;
        Ok(())
    }

    /// Goes on to where a picture starts; `false` where none follows.
    fn find_start(&mut self) -> Result<bool, SourceError> {
        loop {
            if let Some(start) = jpeg::find_start(&self.ahead, self.used) {
                self.used = start;
                return Ok(true);
            }
            if self.at_end {
                return Ok(false);
            }
            self.used = self.used.max(self.ahead.len().saturating_sub(2));
            self.read_on()?;
        }
    }

    /// How long the picture that starts here is; `None` for too long.
    fn length(&mut self) -> Result<Option<usize>, SourceError> {
        loop {
            let here = &self.ahead[self.used..];
            match jpeg::extent(here) {
                Extent::Whole(length) | Extent::Cut(length) => return Ok(Some(length)),
                Extent::Open if self.at_end => return Ok(Some(here.len())),
                Extent::Open if here.len() > MAX_JPEG => return Ok(None),
                Extent::Open => self.read_on()?,
            }
        }
    }
}

impl Source for Mjpeg {
    fn name(&self) -> String {
        shown(&self.path)
    }

    fn rate(&self) -> Option<f32> {
        Some(USUAL_RATE)
    }

    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        if !self.find_start()? {
            return Ok(Polled::End);
        }
        self.number += 1;
        let length = self.length()?;
        let end = length.map_or(self.ahead.len(), |length| self.used + length);
        let picture = &self.ahead[self.used..end];
        self.used = end;
        let decoded = match length {
            Some(_) => decode_jpeg(Cow::Borrowed(picture), LIMITS),
            None => Err(DecodeError::Damaged("it does not end".to_owned())),
        };
        let name = || format!("frame {} of {}", self.number, self.name());
        Ok(decoded.map_or_else(|error| Polled::left_out(error.of(name())), Polled::Picture))
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::jpeg::{SOI, made};
    use super::*;
    use tempfile::TempDir;

    /// The grey of every frame, and why others were left out.
    fn read(bytes: &[u8]) -> (Vec<u8>, Vec<String>) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.mjpeg");
        std::fs::write(&path, bytes).unwrap();
        let mut source = Mjpeg::open(&path).unwrap();
        let (mut greys, mut left_out) = (Vec::new(), Vec::new());
        loop {
            match source.next(Duration::ZERO).unwrap() {
                Polled::Picture(picture) => greys.push(picture.rgb[0]),
                Polled::LeftOut { count: 1, why } => left_out.push(why.to_string()),
                Polled::End => return (greys, left_out),
                other => panic!("{other:?}"),
            }
        }
    }

    #[track_caller]
    fn check(file: &[u8], shades: &[u8], left_out: usize) {
        let (greys, reasons) = read(file);
        assert!(greys.iter().map(|grey| grey / 10).eq(shades.iter().map(|shade| shade / 10)), "{greys:?}");
        assert_eq!(reasons.len(), left_out, "{reasons:?}");
    }

    /// A picture of one grey, which ends in 5.
    fn jpeg(shade: u8) -> Vec<u8> {
        made::grey(shade)
    }

    #[test]
    fn frames_have_fewer_pixels_than_a_picture_alone() {
        let mut large = jpeg(45);
        let frame = large.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        large[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
        let (pixels, reasons) = read(&large);
        assert!(pixels.is_empty() && reasons[0].contains("10000×10000 pixels, more than 32 mega"), "{reasons:?}");
        assert!(reasons[0].starts_with("frame 1 of "), "{reasons:?}");
    }

    #[test]
    fn jpegs_are_found_between_other_bytes() {
        let file = [b"--boundary\r\n\r\n".to_vec(), jpeg(45), vec![0; 99], jpeg(205), b"\xff\xd8".to_vec()].concat();
        check(&file, &[45, 205], 0);
        check(b"no picture at all", &[], 0);
    }

    #[test]
    fn a_jpeg_cut_short_is_left_out_wherever_it_stands() {
        let shades = [45, 95, 145, 205];
        for bad in 0..shades.len() {
            let rest: Vec<u8> = shades.iter().copied().filter(|&shade| shade != shades[bad]).collect();
            // Its last blocks, most of its blocks, all of them, and a table.
            for cut in [-3, -20, 620, 100] {
                let mut frames = shades.map(jpeg);
                let length = if cut < 0 { frames[bad].len().saturating_add_signed(cut) } else { cut as usize };
                frames[bad].truncate(length);
                check(&frames.concat(), &rest, 1);
            }
        }
    }

    #[test]
    fn end_markers_and_usual_tables_may_be_missing() {
        let shades = [45, 95, 145];
        let without_end = shades.map(|shade| jpeg(shade)[..jpeg(shade).len() - 2].to_vec());
        check(&without_end.concat(), &shades, 0);
        check(&without_end.join(&b"\r\n--boundary\r\n"[..]), &shades, 0);
        let without_tables = shades.map(|shade| made::without_tables(&jpeg(shade)));
        check(&without_tables.concat(), &shades, 0);
        let neither = without_end.map(|jpeg| made::without_tables(&jpeg));
        check(&neither.concat(), &shades, 0);
    }

    #[test]
    fn what_does_not_end_is_passed_over_at_once() {
        // Additions, each of them with the start of a picture in it.
        let endless = [0xff, 0xe1, 0, 5, 0xff, 0xd8, 0xff].repeat(MAX_JPEG / 7 + 20_000);
        let start = web_time::Instant::now();
        let (greys, reasons) = read(&[jpeg(45), SOI.to_vec(), endless].concat());
        assert!(greys.len() == 1 && !reasons.is_empty() && reasons.len() < 10, "{} reasons", reasons.len());
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}
