//! Why a picture cannot be decoded.

use super::error::SourceError;
use crate::text::one_line;
use image::ImageError;

/// Why a picture cannot be decoded.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// Width and height as claimed, and the most pixels that a picture of this kind may have.
    TooLarge { width: u32, height: u32, limit: u64 },
    /// Too much memory is needed for something else than pixels.
    TooMuch,
    /// A kind that no decoder here knows, and what to do about it.
    Unsupported { what: String, remedy: &'static str },
    /// In words.
    Damaged(String),
}

impl DecodeError {
    /// In a few words.
    #[cfg(feature = "camera")]
    pub(crate) fn reason(self) -> String {
        match self {
            Self::TooLarge { width, height, .. } => format!("{width}×{height} pixels are too many"),
            Self::TooMuch => "it takes too much memory".to_owned(),
            Self::Unsupported { what, .. } => what,
            Self::Damaged(why) => why,
        }
    }

    /// Of the picture or video with this name.
    pub(crate) fn of(self, path: String) -> SourceError {
        match self {
            Self::TooLarge { width, height, limit } => {
                SourceError::TooLarge { path, width, height, megapixels: limit / 1_000_000 }
            }
            Self::TooMuch => SourceError::TooMuch { path },
            Self::Unsupported { what, remedy } => SourceError::Unsupported { path, what, remedy: remedy.to_owned() },
            Self::Damaged(why) => SourceError::Damaged { path, why },
        }
    }
}

impl From<jpeg_decoder::Error> for DecodeError {
    fn from(error: jpeg_decoder::Error) -> Self {
        match error {
            jpeg_decoder::Error::Unsupported(_) => Self::Unsupported {
                what: "a JPEG with an unusual number of samples".to_owned(),
                remedy: "save it again as an ordinary JPEG",
            },
            error => Self::Damaged(one_line(&error.to_string())),
        }
    }
}

impl From<ImageError> for DecodeError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooMuch,
            ImageError::Unsupported(error) => {
                Self::Unsupported { what: one_line(&error.to_string()), remedy: "save it again as PNG or JPEG" }
            }
            error => Self::Damaged(one_line(&error.to_string())),
        }
    }
}
