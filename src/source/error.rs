//! What can go wrong with a source, each as one sentence with its cause and its remedy.

use super::reader::DENIED;
use crate::text::one_line;
use std::path::Path;
use thiserror::Error;

/// Why a source cannot be used, or not any longer. Its text is one line for the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// `demo:` or `camera:` with something that is no number.
    #[error("'{text}' names no source: after '{kind}:' comes a whole number, as in {kind}:2")]
    BadChoice {
        /// What the user wrote.
        text: String,
        /// `demo` or `camera`.
        kind: String,
    },
    /// A path that leads nowhere.
    #[error("{path} does not exist: name a picture, a folder of pictures, a .y4m or .mjpeg video, 'demo' or 'camera'")]
    NotFound {
        /// The path.
        path: String,
    },
    /// A file or a folder that the system does not let us read.
    #[error("{path} cannot be read ({why}): check its permissions, or name another file")]
    Unreadable {
        /// The path.
        path: String,
        /// The system's words.
        why: String,
    },
    /// A file without a byte in it.
    #[error("{path} is an empty file: name a picture or a video")]
    Empty {
        /// The path.
        path: String,
    },
    /// A folder in which no file is a picture.
    #[error("{path} holds no picture: put PNG, JPEG, WebP or BMP files into it, or name another folder")]
    EmptyFolder {
        /// The path.
        path: String,
    },
    /// Neither a picture nor a video of a kind that we read.
    #[error("{path} is no picture or video of a kind that is read here: use PNG, JPEG, WebP, BMP, .y4m or .mjpeg")]
    UnknownKind {
        /// The path.
        path: String,
    },
    /// More pixels than we are willing to hold.
    #[error("{path} has {width}×{height} pixels, more than {megapixels} megapixels: scale it down first")]
    TooLarge {
        /// The path.
        path: String,
        /// In pixels, as the file claims.
        width: u32,
        /// In pixels, as the file claims.
        height: u32,
        /// The most that a file of this kind may have, in millions.
        megapixels: u64,
    },
    /// What is no pixel in it takes too much memory.
    #[error("{path} takes too much memory to decode: scale it down first, or save it without profiles and comments")]
    TooMuch {
        /// The path.
        path: String,
    },
    /// A kind of picture or video that no decoder here knows.
    #[error("{path} is of a kind that is not supported here ({what}): {remedy}")]
    Unsupported {
        /// The path.
        path: String,
        /// What it is.
        what: String,
        /// What can be done about it.
        remedy: String,
    },
    /// A folder whose pictures are all bad, or a video whose frames are.
    #[error("none of the {count} {what} in {path} can be read; the first: {first}")]
    NoneGood {
        /// The folder or the video.
        path: String,
        /// `pictures` or `frames`.
        what: String,
        /// How many there are.
        count: u64,
        /// What is wrong with the first one.
        first: Box<SourceError>,
    },
    /// A file that starts well and then makes no sense.
    #[error("{path} is damaged ({why}): get the file again, or name another one")]
    Damaged {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The program was built without cameras.
    #[error(
        "this build has no cameras: build it with the cargo feature 'camera', or use 'demo' or a file as the source"
    )]
    NoCameraSupport,
    /// No camera at all.
    #[error("no camera is connected: plug one in, or use 'demo' or a file as the source")]
    NoCamera,
    /// A camera that exists and does not work.
    #[error("{name} {fault}: {}{}", fault.remedy(), detail_in_brackets(detail))]
    Camera {
        /// `camera 0`.
        name: String,
        /// What is wrong with it.
        fault: CameraFault,
        /// The system's own words, may be empty.
        detail: String,
    },
    /// The system refused a thread or a process.
    #[error("the system gives no {what} for the source ({why}): close other programs and try again")]
    System {
        /// `thread` or `capture process`.
        what: String,
        /// The system's words.
        why: String,
    },
}

/// What a camera suffers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CameraFault {
    /// There is no such device (any more).
    #[error("is not connected")]
    Missing,
    /// Another program has it.
    #[error("is in use by another program")]
    Busy,
    /// We may not open it.
    #[error("{}", DENIED[0])]
    Denied,
    /// A browser gives none to a page that anybody on the way may have written.
    #[error("may not be used from this address")]
    Insecure,
    /// It offers nothing that we can decode.
    #[error("offers no picture format that is understood here")]
    Format,
    /// What it delivers is damaged.
    #[error("delivers no picture that can be decoded")]
    Undecodable,
    /// It failed while it was delivering.
    #[error("broke off")]
    Lost,
    /// It says nothing and delivers nothing.
    #[error("stopped delivering")]
    Stalled,
    /// The capture process ended without a word, or wrote nonsense.
    #[error("made the capture process fail")]
    Crashed,
}

impl CameraFault {
    /// What a person can do about it.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Missing => "plug it in, or choose another source",
            Self::Busy => "close the program that uses it",
            Self::Denied => DENIED[1],
            Self::Insecure => "open the page over https, or from localhost",
            Self::Undecodable => "check its cable and its port, or choose another camera",
            Self::Format => "choose another camera (one with MJPEG, YUYV or GREY at a whole number of frames a second)",
            Self::Lost | Self::Stalled => "if it does not come back by itself, unplug it and plug it in again",
            Self::Crashed => "if this goes on, choose another camera",
        }
    }
}

/// `detail` as an afterthought.
fn detail_in_brackets(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}

/// `path` for a message of one line.
pub(crate) fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}
