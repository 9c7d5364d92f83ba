//! Writes a recording.

use super::error::FlightWriteError;
use super::file::{END, EVENT, FRAME, FlightHeader, FlightNetwork, MAGIC, VERSION};
use super::frame::FlightFrame;
use super::ring::Flight;
use crate::host::files;
use crate::network::file;
use crc32fast::Hasher;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

/// What a file has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Frames.
    pub frames: u64,
    /// Those of them that were looked at layer by layer.
    pub looked_at: u64,
    /// From the first to the last.
    pub span: Duration,
    /// The file's.
    pub bytes: u64,
}

/// Whether a recording may be written there, as far as can be told before it is.
///
/// # Errors
/// [`FlightWriteError::File`], where something else is there, or no folder around it.
pub(crate) fn check_place(path: &Path) -> Result<(), FlightWriteError> {
    let failed = |why| FlightWriteError::File { path: path.to_owned(), why };
    files::check_place(path).map_err(failed)
}

/// Writes a recording as a file that is there whole or not at all. Each frame is let go as soon as it is written.
///
/// # Errors
/// [`FlightWriteError::File`].
pub(crate) fn write(flight: Flight, path: &Path) -> Result<Written, FlightWriteError> {
    check_place(path)?;
    let failed = |why| FlightWriteError::File { path: path.to_owned(), why };
    files::write_whole_by(path, |file| write_to(flight, BufWriter::new(file))).map_err(failed)
}

/// The file's bytes.
pub(crate) fn write_to(mut flight: Flight, to: impl Write) -> io::Result<Written> {
    let header = header(&flight)?;
    let mut out = Out { to, bytes: 0, crc: Hasher::new() };
    let json = serde_json::to_vec(&header)?;
    let mut start = [&MAGIC[..], &VERSION.to_le_bytes(), &length_of(&json)?, &json].concat();
    start.extend(crc32fast::hash(&start).to_le_bytes());
    out.put(&start)?;
    let mut looked_at = 0;
    let mut content = Vec::new();
    while let Some(frame) = flight.frames.pop_front() {
        while let Some(event) = flight.events.pop_front_if(|event| event.frame <= frame.number) {
            out.record(EVENT, &serde_json::to_vec(&event)?)?;
        }
        looked_at += u64::from(frame.is_looked_at());
        frame_content(&frame, &header, &mut content)?;
        out.record(FRAME, &content)?;
    }
    for event in &flight.events {
        out.record(EVENT, &serde_json::to_vec(event)?)?;
    }
    let crc = out.crc.clone().finalize();
    out.record(END, &[&header.frames.to_le_bytes()[..], &header.events.to_le_bytes(), &crc.to_le_bytes()].concat())?;
    out.to.flush()?;
    let span = Duration::from_secs_f64(header.seconds);
    Ok(Written { frames: header.frames, looked_at, span, bytes: out.bytes })
}

fn header(flight: &Flight) -> io::Result<FlightHeader> {
    let network = &flight.network;
    let crc32 = crc32fast::hash(&file::serialize(network).map_err(io::Error::other)?);
    let readout = network.classifier().1.readout();
    let seconds = match (flight.frames.front(), flight.frames.back()) {
        (Some(first), Some(last)) => last.at.saturating_sub(first.at).as_secs_f64(),
        _ => 0.0,
    };
    Ok(FlightHeader {
        program: format!("ernscope {}", env!("ERNSCOPE_VERSION")),
        network: FlightNetwork { name: network.name().into(), crc32 },
        edge: flight.edge,
        labels: network.labels().to_vec(),
        layers: network.layers().iter().map(|layer| layer.name.clone()).collect(),
        logits: readout.classes() + readout.others(),
        engine: flight.engine.clone(),
        source: flight.source.clone(),
        began: flight.began,
        frames: flight.frames.len() as u64,
        events: flight.events.len() as u64,
        seconds,
    })
}

/// The content of a frame's record.
fn frame_content(frame: &FlightFrame, header: &FlightHeader, content: &mut Vec<u8>) -> io::Result<()> {
    content.clear();
    content.extend(frame.number.to_le_bytes());
    content.extend((frame.at.as_micros() as u64).to_le_bytes());
    let mask = content.len();
    content.resize(mask + header.mask_bytes(), 0);
    for (layer, crc) in frame.layers.iter().enumerate() {
        if let Some(crc) = crc {
            content[mask + layer / 8] |= 1 << (layer % 8);
            content.extend(crc.to_le_bytes());
        }
    }
    frame.answer.iter().for_each(|bits| content.extend(bits.to_le_bytes()));
    let encoder = PngEncoder::new_with_quality(content, CompressionType::Fast, FilterType::Adaptive);
    let edge = header.edge as u32;
    encoder.write_image(&frame.pixels, edge, edge, ExtendedColorType::Rgb8).map_err(io::Error::other)
}

fn length_of(bytes: &[u8]) -> io::Result<[u8; 4]> {
    Ok(u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes())
}

/// Counts the bytes that go out, and keeps their CRC.
struct Out<W> {
    to: W,
    bytes: u64,
    crc: Hasher,
}

impl<W: Write> Out<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.crc.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn record(&mut self, kind: u8, content: &[u8]) -> io::Result<()> {
        let start = [&[kind][..], &length_of(content)?].concat();
        let mut crc = Hasher::new();
        crc.update(&start);
        crc.update(content);
        self.put(&start)?;
        self.put(content)?;
        self.put(&crc.finalize().to_le_bytes())
    }
}
