//! The recording's file, `.ernflight`: what the network saw, what it answered, and CRCs of what its layers held.
//!
//! All numbers are little endian. A file is its header and records behind it:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `89 45 52 4e 46 4c 0d 0a` (`\x89ERNFL\r\n`) |
//! | 4 | format version, 1 |
//! | 4 | length n of the JSON, at most 4 MiB |
//! | n | JSON, as below |
//! | 4 | CRC-32 of all bytes before |
//!
//! ```json
//! { "program": "ernscope 0.1.0", "network": {"name": "cards", "crc32": 305419896}, "edge": 64,
//!   "labels": ["apple", "…", "nothing"], "layers": ["pixel_embedding", "backbone.act1", "…"], "logits": 34,
//!   "engine": "cpu:avx2", "source": "demo 1, 640×480", "began": 1790000000,
//!   "frames": 1800, "events": 1, "seconds": 59.97 }
//! ```
//!
//! `crc32` is that of the network's own model file (`network/file.rs`), `edge` the edge at which it ran, `logits` their number: those
//! of the labels, then those of the classifier's rows of no class. `engine` and `source` are what they were before the first event of the
//! file, `began` is when the recorder was switched on in seconds since 1970, `seconds` how long the frames took from the first to the last.
//! A file is of one network at one edge: where either changes, recording begins anew.
//!
//! A record:
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | kind: 1 frame, 2 event, 3 end |
//! | 4 | length n of the content |
//! | n | content |
//! | 4 | CRC-32 of kind, length and content |
//!
//! A **frame**, in the order of their numbers:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | number of the prediction, from 0 with the run; higher than that of the frame before |
//! | 8 | microseconds since the recorder was switched on; not less than those of the frame before |
//! | ⌈layers/8⌉ | bit i of byte j: a CRC of layer 8j + i follows; spare bits 0 |
//! | 4 each | CRC-32 of these layers' codes, CHW, a byte each |
//! | 4 · logits | the logits, f32 |
//! | the rest | the square that the network saw, a PNG of `edge` × `edge` pixels, RGB, 8 bits |
//!
//! An **event** is JSON, `{"frame": 17, "at_us": 566000, "kind": "source" | "engine" | "network", "text": "…"}`; it stands before the frame
//! of that number. The **end** is the last record, and the file's: the numbers of frames and of events, 8 bytes each, and the CRC-32 of
//! all bytes before this record. Anything else in the file is refused.

use super::error::FlightError;
use crate::network::{MAX_CHANNELS, MAX_CLASSES, MAX_EDGE, MAX_LAYERS};
use serde::{Deserialize, Serialize};

/// How every recording begins.
pub(super) const MAGIC: [u8; 8] = *b"\x89ERNFL\r\n";
/// The version of the format.
pub(super) const VERSION: u32 = 1;
/// The most bytes of JSON, in the header and in an event.
pub(super) const MAX_JSON: u32 = 4 << 20;
/// Kinds of records.
pub(super) const FRAME: u8 = 1;
pub(super) const EVENT: u8 = 2;
pub(super) const END: u8 = 3;
/// Bytes of an end's content.
pub(super) const END_BYTES: usize = 20;
/// Bytes of a record beside its content.
const RECORD_BYTES: u64 = 9;

/// Whether a file that begins so is a recording, or at least wants to be one.
pub(crate) fn begins_a_flight(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// What stands in front of the frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlightHeader {
    /// Name and version of the program that wrote it.
    pub program: String,
    /// The network.
    pub network: FlightNetwork,
    /// The edge at which it ran, in pixels.
    pub edge: usize,
    /// Its labels.
    pub labels: Vec<String>,
    /// The names of its layers.
    pub layers: Vec<String>,
    /// How many logits an answer has.
    pub logits: usize,
    /// What computed before the first event.
    pub engine: String,
    /// What the source did before the first event.
    pub source: String,
    /// When the recorder was switched on, in seconds since 1970.
    pub began: u64,
    /// How many frames there are.
    pub frames: u64,
    /// How many events.
    pub events: u64,
    /// From the first frame to the last.
    pub seconds: f64,
}

/// Which network was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlightNetwork {
    /// Its name.
    pub name: String,
    /// Of its model file.
    pub crc32: u32,
}

impl FlightHeader {
    /// Refuses what no network can be, and more than `bytes`, the whole file, can hold.
    ///
    /// # Errors
    /// [`FlightError`].
    pub(super) fn check(&self, bytes: u64) -> Result<(), FlightError> {
        let Self { program, network, edge, labels, layers, logits, engine, source, frames, seconds, .. } = self;
        let refuse = |what: String| Err(FlightError::Header(what));
        if !(1..=MAX_EDGE).contains(edge) {
            return Err(FlightError::Edge(*edge as u64));
        }
        if !(1..=MAX_CLASSES).contains(&labels.len()) || !(1..=MAX_LAYERS).contains(&layers.len()) {
            return refuse(format!("{} labels and {} layers are no network's", labels.len(), layers.len()));
        }
        if !(labels.len()..=labels.len() + MAX_CHANNELS).contains(logits) {
            return refuse(format!("{logits} logits for {} labels", labels.len()));
        }
        let texts = [program, &network.name, engine, source].into_iter().chain(labels).chain(layers);
        if texts.into_iter().any(|text| text.contains(char::is_control)) {
            return refuse("a name in it has control characters".into());
        }
        if !(seconds.is_finite() && *seconds >= 0.0) {
            return refuse(format!("{seconds} seconds"));
        }
        let most = bytes / self.least_frame_bytes();
        match *frames {
            0 => refuse("it has no frame".into()),
            claimed if claimed > most => Err(FlightError::Frames { claimed, bytes, most }),
            _ => Ok(()),
        }
    }

    /// Bytes of the mask that tells of which layers there are CRCs.
    pub(super) fn mask_bytes(&self) -> usize {
        self.layers.len().div_ceil(8)
    }

    /// The fewest bytes that a frame's record takes: a PNG has more than 40.
    fn least_frame_bytes(&self) -> u64 {
        RECORD_BYTES + 16 + (self.mask_bytes() + 4 * self.logits) as u64 + 40
    }

    /// More bytes than a frame's content takes, noise or not.
    pub(super) fn most_frame_bytes(&self) -> u64 {
        let pixels = (self.edge * self.edge * 3) as u64;
        (16 + self.mask_bytes() + 4 * self.layers.len() + 4 * self.logits) as u64 + 2 * pixels + 4096
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> FlightHeader {
        FlightHeader {
            program: "ernscope 0.1.0".into(),
            network: FlightNetwork { name: "cards".into(), crc32: 7 },
            edge: 64,
            labels: vec!["a".into(), "b".into()],
            layers: vec!["conv".into()],
            logits: 3,
            engine: "reference".into(),
            source: String::new(),
            began: 0,
            frames: 2,
            events: 0,
            seconds: 0.03,
        }
    }

    #[test]
    fn what_no_network_can_be_is_refused() {
        header().check(1000).unwrap();
        let refused = |change: fn(&mut FlightHeader)| {
            let mut changed = header();
            change(&mut changed);
            changed.check(1000).unwrap_err().to_string()
        };
        assert!(refused(|h| h.edge = 60_000).contains("60000×60000"));
        assert!(refused(|h| h.edge = 0).contains("0×0"));
        assert!(refused(|h| h.frames = 1_000_000_000).contains("1000000000 frames"));
        assert!(refused(|h| h.frames = 0).contains("no frame"));
        assert!(refused(|h| h.logits = 1).contains("1 logits"));
        assert!(refused(|h| h.logits = usize::MAX).contains("logits"));
        assert!(refused(|h| h.labels.clear()).contains("0 labels"));
        assert!(refused(|h| h.layers = vec![String::new(); 1025]).contains("1025 layers"));
        assert!(refused(|h| h.network.name = "a\nb".into()).contains("control"));
        assert!(refused(|h| h.seconds = -1.0).contains("-1 seconds"));
    }
}
