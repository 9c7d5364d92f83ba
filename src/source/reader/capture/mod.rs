//! The capture process: a camera is read by a process of its own (our own binary with the hidden subcommand
//! [`SUBCOMMAND`]), because a camera that stops delivering blocks its reader for ever, a thread cannot be killed, and the
//! layers below may panic. The process writes messages to its standard output; we believe none of them unchecked.
//!
//! A message is a header of [`HEADER`] bytes, integers little-endian, and then its content:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `ERNCAP1\n` |
//! | 4 | kind: 1 a frame, 2 a frame that cannot be decoded, 16 and above a fault |
//! | 4, 4 | width and height in pixels (of a frame only) |
//! | 4 | length of the content: `3 · width · height` bytes RGB, or up to 1024 bytes of UTF-8 about what is wrong |
//! | 8 | the frame's number, rising; gaps are frames that got lost on the way (0 for a fault) |
//! | 4 | the frame's age when the header was written, in microseconds |
//!
//! The process ends when its standard input does, so that none outlives us.

pub(crate) mod process;

use crate::source::error::CameraFault;
use crate::source::picture::{Limits, black, only_owner};
use crate::text::one_line;
#[cfg(any(feature = "camera", test, fuzzing))]
use std::io::Write;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// The hidden subcommand of our binary that runs a capture process; the camera's number follows it.
pub(crate) const SUBCOMMAND: &str = "capture-camera";

/// The length of a header in bytes.
pub(crate) const HEADER: usize = 36;

const MAGIC: [u8; 8] = *b"ERNCAP1\n";
const KIND_FRAME: u32 = 1;
const KIND_UNDECODABLE: u32 = 2;
const MAX_SIDE: u32 = 16_384;
const MAX_PIXELS: u64 = Limits::ONE_OF_MANY.pixels;
const MAX_TEXT: u32 = 1024;
/// A frame that claims to be older is not believed.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Faults and their kinds in the header.
const FAULTS: [(u32, CameraFault); 8] = [
    (16, CameraFault::Missing),
    (17, CameraFault::Busy),
    (18, CameraFault::Denied),
    (19, CameraFault::Format),
    (20, CameraFault::Lost),
    (21, CameraFault::Stalled),
    (22, CameraFault::Crashed),
    (23, CameraFault::Undecodable),
];

/// What a capture process says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    /// A picture of the camera.
    Frame(CapturedFrame),
    /// A frame of the camera that cannot be decoded.
    Undecodable {
        /// Counts the frames of the camera, as that of a frame.
        sequence: u64,
        /// What is wrong with it, one line.
        why: String,
    },
    /// The camera cannot be read (any longer); the process ends.
    Fault {
        /// What is wrong.
        fault: CameraFault,
        /// The system's words, one line.
        detail: String,
    },
}

/// A frame on its way from the capture process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CapturedFrame {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Counts the frames of the camera.
    pub sequence: u64,
    /// How long ago the camera delivered it, at most a second.
    pub age: Duration,
    /// `3 · width · height` bytes.
    pub rgb: Arc<[u8]>,
}

/// Why no further message can be read.
#[derive(Debug, Error)]
pub(crate) enum ProtocolError {
    /// The process closed its output between two messages.
    #[error("it ended without a word")]
    Ended,
    /// It ended within a message.
    #[error("it ended within a message")]
    CutShort,
    /// It wrote something that is no message.
    #[error("it wrote no valid message: {0}")]
    Garbage(&'static str),
    /// It wrote a frame that cannot be the next one.
    #[error("it wrote frame {0} after frame {1}")]
    OutOfOrder(u64, u64),
    /// Its output cannot be read.
    #[error("its output cannot be read: {0}")]
    Io(io::Error),
}

/// How many frames in a row may get lost on the way; more are not believed.
const MOST_LOST: u64 = 10_000;

/// Checks that frames come in their order.
#[derive(Debug, Default)]
pub(crate) struct Order {
    last: Option<u64>,
}

impl Order {
    /// How many frames got lost before the one with the number `sequence`.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfOrder`] where it was there before, or is further on than can be believed.
    pub(crate) fn lost_before(&mut self, sequence: u64) -> Result<u64, ProtocolError> {
        let Some(last) = self.last.replace(sequence) else { return Ok(0) };
        let step = sequence.checked_sub(last).filter(|step| (1..=MOST_LOST + 1).contains(step));
        step.map(|step| step - 1).ok_or(ProtocolError::OutOfOrder(sequence, last))
    }
}

/// Reads the next message. Allocates nothing before the header is found good, and then at most 96 MB.
///
/// # Errors
/// [`ProtocolError`]; nothing more can be read after any of them.
pub(crate) fn read_message(reader: &mut impl Read) -> Result<Message, ProtocolError> {
    let mut bytes = [0; HEADER];
    read_header(reader, &mut bytes)?;
    let header = MessageHeader::parse(&bytes)?;
    if header.kind == KIND_FRAME {
        let mut rgb = black(header.length as usize);
        reader.read_exact(only_owner(&mut rgb)).map_err(cut_short)?;
        let MessageHeader { width, height, sequence, age, .. } = header;
        return Ok(Message::Frame(CapturedFrame { width, height, sequence, age, rgb }));
    }
    let mut text = vec![0; header.length as usize];
    reader.read_exact(&mut text).map_err(cut_short)?;
    let detail = one_line(&String::from_utf8_lossy(&text));
    if header.kind == KIND_UNDECODABLE {
        return Ok(Message::Undecodable { sequence: header.sequence, why: detail });
    }
    let fault = FAULTS.into_iter().find(|(kind, _)| *kind == header.kind);
    let (_, fault) = fault.ok_or(ProtocolError::Garbage("a kind that does not exist"))?;
    Ok(Message::Fault { fault, detail })
}

/// Writes a frame of `width` × `height` pixels.
///
/// # Errors
/// Where the reader is gone, or the frame is one that it would not believe.
#[cfg(any(feature = "camera", test, fuzzing))]
pub(crate) fn write_frame(writer: &mut impl Write, frame: &CapturedFrame) -> io::Result<()> {
    let CapturedFrame { width, height, sequence, age, rgb } = frame;
    let length = u32::try_from(rgb.len()).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    let header =
        MessageHeader { kind: KIND_FRAME, width: *width, height: *height, length, sequence: *sequence, age: *age };
    header.check().map_err(|error| io::Error::new(ErrorKind::InvalidInput, error.to_string()))?;
    writer.write_all(&header.to_bytes())?;
    writer.write_all(rgb)?;
    writer.flush()
}

/// Writes what is wrong with the camera. Of a long `detail` only the start.
///
/// # Errors
/// Where the reader is gone.
#[cfg(any(feature = "camera", test, fuzzing))]
pub(crate) fn write_fault(writer: &mut impl Write, fault: CameraFault, detail: &str) -> io::Result<()> {
    let kind = FAULTS.into_iter().find(|(_, f)| *f == fault).map_or(0, |(kind, _)| kind);
    write_text(writer, kind, 0, detail)
}

/// Writes that the frame number `sequence` cannot be decoded. Of a long `why` only the start.
///
/// # Errors
/// Where the reader is gone.
#[cfg(any(feature = "camera", test, fuzzing))]
pub(crate) fn write_undecodable(writer: &mut impl Write, sequence: u64, why: &str) -> io::Result<()> {
    write_text(writer, KIND_UNDECODABLE, sequence, why)
}

#[cfg(any(feature = "camera", test, fuzzing))]
fn write_text(writer: &mut impl Write, kind: u32, sequence: u64, text: &str) -> io::Result<()> {
    let text: String = one_line(text).chars().take(MAX_TEXT as usize / 4).collect();
    let header = MessageHeader { kind, width: 0, height: 0, length: text.len() as u32, sequence, age: Duration::ZERO };
    writer.write_all(&header.to_bytes())?;
    writer.write_all(text.as_bytes())?;
    writer.flush()
}

/// What stands before the content of a message.
struct MessageHeader {
    kind: u32,
    width: u32,
    height: u32,
    length: u32,
    sequence: u64,
    age: Duration,
}

impl MessageHeader {
    fn parse(bytes: &[u8; HEADER]) -> Result<Self, ProtocolError> {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if bytes[..8] != MAGIC {
            return Err(ProtocolError::Garbage("it does not start like one"));
        }
        let header = Self {
            kind: number(8),
            width: number(12),
            height: number(16),
            length: number(20),
            sequence: u64::from(number(24)) | u64::from(number(28)) << 32,
            age: Duration::from_micros(number(32).into()).min(MAX_AGE),
        };
        header.check()?;
        Ok(header)
    }

    #[cfg(any(feature = "camera", test, fuzzing))]
    fn to_bytes(&self) -> [u8; HEADER] {
        let age = u32::try_from(self.age.min(MAX_AGE).as_micros()).unwrap_or(u32::MAX);
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.kind.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.width.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.height.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.length.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[32..].copy_from_slice(&age.to_le_bytes());
        bytes
    }

    /// Whether the content may have the length that is claimed.
    fn check(&self) -> Result<(), ProtocolError> {
        let &Self { kind, width, height, length, .. } = self;
        let pixels = u64::from(width) * u64::from(height);
        match kind {
            KIND_FRAME if width == 0 || height == 0 => Err(ProtocolError::Garbage("a frame without pixels")),
            KIND_FRAME if width > MAX_SIDE || height > MAX_SIDE || pixels > MAX_PIXELS => {
                Err(ProtocolError::Garbage("a frame that is too large"))
            }
            KIND_FRAME if u64::from(length) != pixels * 3 => {
                Err(ProtocolError::Garbage("a frame's length that does not fit its size"))
            }
            KIND_FRAME => Ok(()),
            _ if length > MAX_TEXT => Err(ProtocolError::Garbage("a text that is too long")),
            _ => Ok(()),
        }
    }
}

/// Fills `header`; an end before its first byte is a clean one.
fn read_header(reader: &mut impl Read, header: &mut [u8; HEADER]) -> Result<(), ProtocolError> {
    loop {
        match reader.read(&mut header[..1]) {
            Ok(0) => return Err(ProtocolError::Ended),
            Ok(_) => return reader.read_exact(&mut header[1..]).map_err(cut_short),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(ProtocolError::Io(error)),
        }
    }
}

fn cut_short(error: io::Error) -> ProtocolError {
    if error.kind() == ErrorKind::UnexpectedEof { ProtocolError::CutShort } else { ProtocolError::Io(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(width: u32, height: u32) -> CapturedFrame {
        let rgb = (0..width * height * 3).map(|i| i as u8).collect();
        CapturedFrame { width, height, sequence: 1 << 40 | 7, age: Duration::from_micros(1234), rgb }
    }

    fn written(frame: &CapturedFrame) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, frame).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = written(&frame(5, 3));
        write_fault(&mut bytes, CameraFault::Busy, "Device or resource\nbusy").unwrap();
        let mut reader = bytes.as_slice();
        assert_eq!(read_message(&mut reader).unwrap(), Message::Frame(frame(5, 3)));
        let detail = "Device or resource\\nbusy".to_owned();
        assert_eq!(read_message(&mut reader).unwrap(), Message::Fault { fault: CameraFault::Busy, detail });
        assert!(matches!(read_message(&mut reader), Err(ProtocolError::Ended)));
    }

    #[test]
    fn every_fault_has_a_kind() {
        for (_, fault) in FAULTS {
            let mut bytes = Vec::new();
            write_fault(&mut bytes, fault, &"ü".repeat(5000)).unwrap();
            assert!(matches!(read_message(&mut bytes.as_slice()), Ok(Message::Fault { fault: f, .. }) if f == fault));
        }
    }

    #[test]
    fn frames_that_cannot_be_decoded_are_told_of() {
        let mut bytes = Vec::new();
        write_undecodable(&mut bytes, 1 << 33, "it is cut\nshort").unwrap();
        let expected = Message::Undecodable { sequence: 1 << 33, why: "it is cut\\nshort".to_owned() };
        assert_eq!(read_message(&mut bytes.as_slice()).unwrap(), expected);
    }

    #[test]
    fn frames_come_in_their_order() {
        let mut order = Order::default();
        let lost = [7, 8, 11, 12, 12 + 1 + MOST_LOST].map(|sequence| order.lost_before(sequence).unwrap());
        assert_eq!(lost, [0, 0, 2, 0, MOST_LOST]);
        for (first, second) in [(5, 5), (5, 4), (0, u64::MAX), (u64::MAX, 0), (5, 5 + 2 + MOST_LOST)] {
            let mut order = Order::default();
            assert_eq!(order.lost_before(first).unwrap(), 0);
            let error = order.lost_before(second).unwrap_err();
            assert!(matches!(error, ProtocolError::OutOfOrder(..)), "{second} after {first}");
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_an_error() {
        let whole = written(&frame(4, 4));
        for end in 1..whole.len() {
            assert!(matches!(read_message(&mut &whole[..end]), Err(ProtocolError::CutShort)), "cut at {end}");
        }
    }

    #[test]
    fn sizes_are_checked_before_anything_is_allocated() {
        for (at, value) in [(12, u32::MAX), (16, u32::MAX), (12, 0), (20, u32::MAX), (20, 47), (8, 3), (8, 99)] {
            let mut bytes = written(&frame(4, 4));
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            assert!(matches!(read_message(&mut bytes.as_slice()), Err(ProtocolError::Garbage(_))), "{value} at {at}");
        }
        let mut huge = written(&frame(4, 4));
        huge[12..16].copy_from_slice(&16_000u32.to_le_bytes());
        huge[16..20].copy_from_slice(&16_000u32.to_le_bytes());
        huge[20..24].copy_from_slice(&768_000_000u32.to_le_bytes());
        assert!(matches!(read_message(&mut huge.as_slice()), Err(ProtocolError::Garbage("a frame that is too large"))));
    }

    #[test]
    fn a_frame_that_nobody_would_believe_is_not_written() {
        let mut wrong = frame(4, 4);
        wrong.width = 5;
        assert!(write_frame(&mut Vec::new(), &wrong).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read_message(&mut bytes.as_slice()).is_err());
        }

        #[test]
        fn any_damage_is_taken(at in 0usize..HEADER + 48, value: u8) {
            let mut bytes = written(&frame(4, 4));
            bytes[at] = value;
            let mut reader = bytes.as_slice();
            // Whatever is believed keeps its promises, and reading always comes to an end.
            while let Ok(message) = read_message(&mut reader) {
                if let Message::Frame(f) = message {
                    prop_assert_eq!(f.rgb.len() as u64, u64::from(f.width) * u64::from(f.height) * 3);
                    prop_assert!(f.age <= MAX_AGE);
                }
            }
        }

        #[test]
        fn any_frame_survives(width in 1u32..40, height in 1u32..40, sequence: u64, age in 0u64..2_000_000) {
            let frame = CapturedFrame { sequence, age: Duration::from_micros(age), ..frame(width, height) };
            let expected = CapturedFrame { age: frame.age.min(MAX_AGE), ..frame.clone() };
            prop_assert_eq!(read_message(&mut written(&frame).as_slice()).unwrap(), Message::Frame(expected));
        }
    }
}
