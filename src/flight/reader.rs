//! Reads a recording, record by record. Whatever the file claims, no more is held than one record and one picture.

use super::error::{FlightError, Place};
use super::file::{END, END_BYTES, EVENT, FRAME, FlightHeader, MAGIC, MAX_JSON, VERSION};
use super::frame::{FlightEvent, FlightFrame};
use crate::host::files::{self, File};
use crc32fast::Hasher;
use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::time::Duration;

/// What a decoder may hold of a picture beside its pixels.
const MAX_PNG_EXTRAS: u64 = 16 << 20;

/// A file's next.
#[derive(Debug, PartialEq)]
pub(crate) enum FlightRecord {
    /// What the network saw once.
    Frame(FlightFrame),
    /// What happened before the next frame.
    Event(FlightEvent),
}

/// Opens a recording and reads its header.
///
/// # Errors
/// [`FlightError`]; the path is the caller's to name.
pub(crate) fn open(path: &Path) -> Result<FlightReader<BufReader<File>>, FlightError> {
    let file = files::open(path)?;
    let bytes = files::length(&file)?;
    FlightReader::new(BufReader::new(file), bytes)
}

/// A recording whose header was read.
pub(crate) struct FlightReader<R> {
    input: Checked<R>,
    header: FlightHeader,
    /// Frames and events that came.
    frames: u64,
    events: u64,
    /// Number and time of the last frame.
    last: Option<(u64, Duration)>,
    content: Vec<u8>,
    at_end: bool,
}

impl<R: BufRead> FlightReader<R> {
    /// Reads the header; all of the file has so many bytes.
    ///
    /// # Errors
    /// [`FlightError`].
    pub(crate) fn new(input: R, bytes: u64) -> Result<Self, FlightError> {
        let mut input = Checked { input, crc: Hasher::new(), place: Place::Header };
        let mut magic = Vec::new();
        input.take(MAGIC.len(), &mut magic).map_err(|error| match error {
            FlightError::Cut(_) => FlightError::NotAFlight,
            other => other,
        })?;
        if magic != MAGIC {
            return Err(FlightError::NotAFlight);
        }
        let found = u32::from_le_bytes(input.array()?);
        if found != VERSION {
            return Err(FlightError::Version { found, read: VERSION });
        }
        let length = u32::from_le_bytes(input.array()?);
        if length > MAX_JSON {
            return Err(FlightError::Header(format!("{length} bytes of JSON where at most {MAX_JSON} are read")));
        }
        let mut json = Vec::new();
        input.take(length as usize, &mut json)?;
        let crc = input.crc.clone().finalize();
        if u32::from_le_bytes(input.array()?) != crc {
            return Err(FlightError::Crc(Place::Header));
        }
        let header: FlightHeader =
            serde_json::from_slice(&json).map_err(|error| FlightError::Header(error.to_string()))?;
        header.check(bytes)?;
        input.place = Place::Behind(0);
        Ok(Self { input, header, frames: 0, events: 0, last: None, content: Vec::new(), at_end: false })
    }

    /// What stands in front of the frames.
    pub(crate) fn header(&self) -> &FlightHeader {
        &self.header
    }

    /// The next record; `None` at the end, which is known then to be as it was written.
    ///
    /// # Errors
    /// [`FlightError`]: nothing that comes behind it can be read.
    pub(crate) fn next(&mut self) -> Result<Option<FlightRecord>, FlightError> {
        if self.at_end {
            return Ok(None);
        }
        let before = self.input.crc.clone().finalize();
        let kind = self.record()?;
        let content = std::mem::take(&mut self.content);
        let record = match kind {
            FRAME => Some(FlightRecord::Frame(self.frame(&content)?)),
            EVENT => Some(FlightRecord::Event(self.event(&content)?)),
            _ => {
                self.end(&content, before)?;
                None
            }
        };
        self.content = content;
        self.input.place = Place::Behind(self.frames + self.events);
        Ok(record)
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// As [`FlightReader::next`].
    pub(crate) fn next_frame(&mut self) -> Result<Option<FlightFrame>, FlightError> {
        loop {
            match self.next()? {
                Some(FlightRecord::Frame(frame)) => return Ok(Some(frame)),
                Some(FlightRecord::Event(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// Reads a record's content, and says of what kind it is.
    fn record(&mut self) -> Result<u8, FlightError> {
        let start: [u8; 5] = self.input.array()?;
        let [kind, length @ ..] = start;
        let length = u32::from_le_bytes(length);
        let most = match kind {
            FRAME => self.header.most_frame_bytes(),
            EVENT => u64::from(MAX_JSON),
            END => END_BYTES as u64,
            _ => return Err(self.damaged(format!("there is no record of kind {kind}"))),
        };
        if u64::from(length) > most {
            return Err(self.damaged(format!("a record of {length} bytes where at most {most} make sense")));
        }
        self.content.clear();
        self.input.take(length as usize, &mut self.content)?;
        let mut crc = Hasher::new();
        crc.update(&start);
        crc.update(&self.content);
        if u32::from_le_bytes(self.input.array()?) != crc.finalize() {
            return Err(FlightError::Crc(self.input.place));
        }
        Ok(kind)
    }

    fn damaged(&self, what: String) -> FlightError {
        FlightError::Record(self.input.place, what)
    }

    fn frame(&mut self, mut content: &[u8]) -> Result<FlightFrame, FlightError> {
        let short = || FlightError::Record(self.input.place, "a frame's record is too short".to_owned());
        let number = u64::from_le_bytes(split_first(&mut content).ok_or_else(short)?);
        let at = Duration::from_micros(u64::from_le_bytes(split_first(&mut content).ok_or_else(short)?));
        let mask = content.split_off(..self.header.mask_bytes()).ok_or_else(short)?;
        let has = |layer: usize| mask[layer / 8] >> (layer % 8) & 1 == 1;
        let count = self.header.layers.len();
        if (count..8 * mask.len()).any(has) {
            return Err(self.damaged("a frame has a CRC of a layer that is none".to_owned()));
        }
        let is_looked_at = mask.iter().any(|&byte| byte != 0);
        let mut layers = Vec::with_capacity(if is_looked_at { count } else { 0 });
        for layer in (0..count).take_while(|_| is_looked_at) {
            let crc = if has(layer) { Some(split_first(&mut content).ok_or_else(short)?) } else { None };
            layers.push(crc.map(u32::from_le_bytes));
        }
        let answer = content.split_off(..4 * self.header.logits).ok_or_else(short)?;
        let answer = answer.as_chunks().0.iter().map(|bits| u32::from_le_bytes(*bits)).collect();
        if self.last.is_some_and(|(last, then)| number <= last || at < then) {
            return Err(self.damaged(format!("frame {number} stands behind a later one")));
        }
        if self.frames == self.header.frames {
            return Err(self.damaged(format!("more frames than the {} of its header", self.frames)));
        }
        let pixels = pixels(content, self.header.edge)
            .map_err(|what| self.damaged(format!("the picture of frame {number}: {what}")))?;
        self.frames += 1;
        self.last = Some((number, at));
        Ok(FlightFrame { number, at, pixels, answer, layers })
    }

    fn event(&mut self, content: &[u8]) -> Result<FlightEvent, FlightError> {
        let event: FlightEvent =
            serde_json::from_slice(content).map_err(|error| self.damaged(format!("an event ({error})")))?;
        if event.text.contains(char::is_control) {
            return Err(self.damaged("an event's text has control characters".to_owned()));
        }
        self.events += 1;
        Ok(event)
    }

    /// Checks the last record, before which the file had the CRC `before`, and that nothing follows.
    fn end(&mut self, content: &[u8], before: u32) -> Result<(), FlightError> {
        let counted = [self.frames.to_le_bytes(), self.events.to_le_bytes()].concat();
        let expected = [&counted[..], &before.to_le_bytes()].concat();
        if content != expected {
            return Err(self.damaged("its end does not fit what stands before it".to_owned()));
        }
        let claimed = [self.header.frames, self.header.events];
        if claimed != [self.frames, self.events] {
            let what = format!("{} frames and {} events where its header claims {claimed:?}", self.frames, self.events);
            return Err(self.damaged(what));
        }
        if !self.input.input.fill_buf()?.is_empty() {
            return Err(FlightError::Surplus);
        }
        self.at_end = true;
        Ok(())
    }
}

/// The bytes in front, which are taken off.
fn split_first<const N: usize>(content: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = content.split_first_chunk()?;
    *content = rest;
    Some(*first)
}

/// Decodes a picture, which has to be a square of `edge` pixels.
fn pixels(png: &[u8], edge: usize) -> Result<Vec<u8>, String> {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(MAX_PNG_EXTRAS);
    let decoder = PngDecoder::with_limits(Cursor::new(png), limits).map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions();
    if [width, height] != [edge as u32; 2] || decoder.color_type() != ColorType::Rgb8 {
        return Err(format!("{width}×{height}, {:?}", decoder.color_type()));
    }
    let mut rgb = vec![0; edge * edge * 3];
    decoder.read_image(&mut rgb).map_err(|error| error.to_string())?;
    Ok(rgb)
}

/// What is read, and the CRC of all of it.
struct Checked<R> {
    input: R,
    crc: Hasher,
    place: Place,
}

impl<R: BufRead> Checked<R> {
    /// Reads so many bytes; of what is not there nothing is allocated.
    fn take(&mut self, count: usize, into: &mut Vec<u8>) -> Result<(), FlightError> {
        let start = into.len();
        (&mut self.input).take(count as u64).read_to_end(into)?;
        if into.len() - start < count {
            return Err(FlightError::Cut(self.place));
        }
        self.crc.update(&into[start..]);
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FlightError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => FlightError::Cut(self.place),
            _ => error.into(),
        })?;
        self.crc.update(&bytes);
        Ok(bytes)
    }
}
