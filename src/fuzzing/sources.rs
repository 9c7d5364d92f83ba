//! Pictures, videos, and what a capture process says.

use super::with_file;
use crate::source::picture::{Limits, decode_jpeg};
use crate::source::reader::capture::{Message, read_message, write_fault, write_frame, write_undecodable};
use crate::source::{Picture, Polled, Source, SourceError, files, read_picture};
use std::borrow::Cow;
use std::time::Duration;

/// Frames after which a video has shown enough.
const FRAMES: usize = 8;

/// A JPEG, as a camera or a video hands it over.
pub fn jpeg(data: &[u8]) {
    match decode_jpeg(Cow::Borrowed(data), Limits::ONE_OF_MANY) {
        Ok(picture) => check(&picture, Limits::ONE_OF_MANY),
        Err(error) => check_error(&error.of("a.jpg".to_owned())),
    }
}

/// A file that may be a PNG, JPEG, WebP or BMP.
pub fn picture(data: &[u8]) {
    match with_file(data, "png", read_picture) {
        Ok(picture) => check(&picture, Limits::ALONE),
        Err(error) => check_error(&error),
    }
}

/// A YUV4MPEG2 file.
pub fn y4m(data: &[u8]) {
    video(data, "y4m");
}

/// A file of JPEGs.
pub fn mjpeg(data: &[u8]) {
    video(data, "mjpeg");
}

fn video(data: &[u8], ending: &str) {
    with_file(data, ending, |path| {
        let mut source = match files::open(path) {
            Ok(source) => source,
            Err(error) => return check_error(&error),
        };
        assert!(source.rate().is_none_or(|rate| (1.0..=1000.0).contains(&rate)), "{:?}", source.rate());
        let first = frames(source.as_mut());
        assert!(!first.pictures.is_empty() || first.error.is_some(), "it ended without a frame");
        source.rewind().expect("the file is there");
        assert_eq!(frames(source.as_mut()), first, "after a rewind");
    });
}

/// What a video shows: the frames' sizes and the sums of their bytes, how many were left out, and what ended it too early.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    pictures: Vec<(u32, u32, u64)>,
    left_out: u64,
    error: Option<SourceError>,
}

fn frames(source: &mut dyn Source) -> Shown {
    let mut shown = Shown::default();
    while shown.pictures.len() < FRAMES {
        match source.next(Duration::ZERO) {
            Ok(Polled::Picture(picture)) => {
                check(&picture, Limits::ONE_OF_MANY);
                let sum = picture.rgb.iter().map(|&byte| u64::from(byte)).sum();
                shown.pictures.push((picture.width, picture.height, sum));
            }
            Ok(Polled::LeftOut { count, why }) => {
                assert!(count > 0, "nothing was left out");
                check_error(&why);
                shown.left_out += count;
            }
            Ok(Polled::NotYet) => panic!("a file makes nobody wait"),
            Ok(Polled::End) => break,
            Err(error) => {
                check_error(&error);
                shown.error = Some(error);
                break;
            }
        }
    }
    shown
}

fn check(picture: &Picture, limits: Limits) {
    let pixels = u64::from(picture.width) * u64::from(picture.height);
    assert!((1..=limits.pixels).contains(&pixels), "{}×{}", picture.width, picture.height);
    assert_eq!(picture.rgb.len() as u64, pixels * 3);
}

/// An error of a source is one line, wherever it is shown.
fn check_error(error: &dyn std::fmt::Display) {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.contains(char::is_control), "no line: {text:?}");
}

/// What a capture process writes.
pub fn capture(data: &[u8]) {
    let mut reader = data;
    loop {
        match read_message(&mut reader) {
            Ok(Message::Frame(frame)) => {
                let mut written = Vec::new();
                write_frame(&mut written, &frame).expect("it was believed");
                assert_eq!(read_message(&mut written.as_slice()).expect("ours"), Message::Frame(frame));
            }
            Ok(Message::Undecodable { sequence, why }) => {
                assert!(!why.contains(char::is_control), "{why:?}");
                let mut written = Vec::new();
                write_undecodable(&mut written, sequence, &why).expect("there is room");
                let again = read_message(&mut written.as_slice()).expect("ours");
                assert!(matches!(again, Message::Undecodable { sequence: s, .. } if s == sequence), "{again:?}");
            }
            Ok(Message::Fault { fault, detail }) => {
                assert!(!detail.contains(char::is_control), "{detail:?}");
                let mut written = Vec::new();
                write_fault(&mut written, fault, &detail).expect("there is room");
                let again = read_message(&mut written.as_slice()).expect("ours");
                assert!(matches!(again, Message::Fault { fault: f, .. } if f == fault), "{again:?}");
            }
            Err(error) => return check_error(&error),
        }
    }
}
