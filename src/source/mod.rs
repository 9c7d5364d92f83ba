//! Where frames come from: the demo, a camera, pictures, a folder of them, a video file.
//!
//! A [`Source`] makes pictures one after the other and knows nothing of threads. The [`supervisor::Supervisor`] runs one on a
//! thread of its own, paces it, looks after a camera that fails, and says at any time what is going on
//! ([`state::SourceStatus`]). [`SourceChoice`] is what a user asks for.

#[cfg(feature = "camera")]
pub(crate) mod camera;
pub(crate) mod capture;
mod decode_error;
pub mod demo;
pub(crate) mod error;
pub(crate) mod files;
mod jpeg;
mod mjpeg;
pub(crate) mod picture;
mod rendered;
pub(crate) mod state;
pub(crate) mod supervisor;
#[cfg(all(feature = "camera", target_os = "linux"))]
mod v4l2;
mod webp;
mod y4m;

use crate::text::one_line;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub use error::{CameraFault, SourceError};
pub use picture::{Picture, read_picture};
pub use state::{LeftOut, SourceState, SourceStatus};
pub use supervisor::{Delivery, Supervisor};

/// Frames a second where a video does not say anything usable.
const USUAL_RATE: f32 = 30.0;

/// What a source answers when asked for a picture.
#[derive(Debug)]
#[non_exhaustive]
pub enum Polled {
    /// The next picture.
    Picture(Picture),
    /// The next ones cannot be decoded and are left out; ask again.
    LeftOut {
        /// How many, at least one.
        count: u64,
        /// What is wrong with the first of them.
        why: SourceError,
    },
    /// None came in the time allowed; ask again.
    NotYet,
    /// There are no more.
    End,
}

impl Polled {
    /// One picture that cannot be decoded.
    fn left_out(why: SourceError) -> Self {
        Self::LeftOut { count: 1, why }
    }
}

/// Makes pictures, one after the other; the supervisor numbers them and makes them frames.
pub trait Source: Send {
    /// What to call it in front of a user: `demo`, `camera 0`, a file's name.
    fn name(&self) -> String;

    /// Whether it has files of a picture each, not frames.
    fn is_files(&self) -> bool {
        false
    }

    /// How many frames a second it is meant to be watched at; `None` where the source itself sets the pace (a camera).
    fn rate(&self) -> Option<f32>;

    /// How long a picture stays in a window before the next one follows, where that is longer than one beat of [`Source::rate`]: the
    /// pictures of a folder.
    fn dwell(&self) -> Option<Duration> {
        None
    }

    /// The next picture. Waits at most `patience` for one (only a camera waits at all).
    ///
    /// # Errors
    /// Where the source breaks: a file that cannot be read on, a camera that is lost. A camera may be asked again.
    fn next(&mut self, patience: Duration) -> Result<Polled, SourceError>;

    /// Starts over after the end, where there is one.
    ///
    /// # Errors
    /// Where the file cannot be opened again.
    fn rewind(&mut self) -> Result<(), SourceError> {
        Ok(())
    }
}

/// A camera that the system knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraInfo {
    /// The number after `camera:`.
    pub index: u32,
    /// What the camera calls itself.
    pub name: String,
}

impl fmt::Display for CameraInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => write!(f, "camera {}", self.index),
            name => write!(f, "camera {} ({})", self.index, one_line(name)),
        }
    }
}

/// The cameras that the system knows, lowest number first; none in a build without the feature `app`. Opens none of them.
pub(crate) fn cameras() -> Vec<CameraInfo> {
    #[cfg(feature = "camera")]
    return camera::list();
    #[cfg(not(feature = "camera"))]
    Vec::new()
}

/// What a user asks for: `demo[:SEED]`, `camera[:N]`, or the path of a picture, a folder or a video.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceChoice {
    /// Rendered scenes with picture cards; the same seed gives the same frames.
    Demo {
        /// Of the random generator.
        seed: u64,
    },
    /// A camera by its number; the first one where none is given.
    Camera {
        /// See [`CameraInfo::index`].
        index: Option<u32>,
    },
    /// A picture, a folder of pictures, a `.y4m` or an `.mjpeg` file.
    File(PathBuf),
}

/// The seed of the demo where none is given. Training never uses it.
pub(crate) const DEFAULT_SEED: u64 = 1;

impl FromStr for SourceChoice {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let number_after = |kind: &str, number: &str| {
            let bad = |_| SourceError::BadChoice { text: one_line(text), kind: kind.to_owned() };
            number.parse::<u64>().map_err(bad)
        };
        match text.split_once(':') {
            None if text == "demo" => Ok(Self::Demo { seed: DEFAULT_SEED }),
            None if text == "camera" => Ok(Self::Camera { index: None }),
            Some(("demo", seed)) => Ok(Self::Demo { seed: number_after("demo", seed)? }),
            Some(("camera", number)) => {
                let index = number_after("camera", number)?;
                let bad = |_| SourceError::BadChoice { text: one_line(text), kind: "camera".to_owned() };
                Ok(Self::Camera { index: Some(u32::try_from(index).map_err(bad)?) })
            }
            _ => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

impl SourceChoice {
    /// From an argument of the command line: a path need not be UTF-8.
    ///
    /// # Errors
    /// As [`SourceChoice::from_str`].
    pub(crate) fn from_argument(argument: OsString) -> Result<Self, SourceError> {
        match argument.to_str() {
            Some(text) => text.parse(),
            None => Ok(Self::File(argument.into())),
        }
    }
}

impl fmt::Display for SourceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo { seed } => write!(f, "demo:{seed}"),
            Self::Camera { index: None } => write!(f, "camera"),
            Self::Camera { index: Some(index) } => write!(f, "camera:{index}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}
