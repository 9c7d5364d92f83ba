//! Which source, as the command line spells it.

use super::error::SourceError;
use crate::text::one_line;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What a user asks for: `demo[:SEED]`, `camera[:N]`, or the path of a picture, a folder, a video or a recording.
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
        /// See [`super::CameraInfo::index`].
        index: Option<u32>,
    },
    /// A picture, a folder of pictures, a `.y4m` or an `.mjpeg` file, or a recording (`.ernflight`).
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
