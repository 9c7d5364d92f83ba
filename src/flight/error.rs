//! What can be wrong with a recording, each with its remedy.

use crate::host::RegularFileError;
use crate::network::MAX_EDGE;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a recording is not read; [`FlightError::remedy`] tells what to do about it.
#[derive(Debug, Error)]
pub(crate) enum FlightError {
    /// The system says no.
    #[error("cannot be read ({0})")]
    Io(#[from] io::Error),
    /// A folder, a device.
    #[error("is not a regular file")]
    NotAFile,
    /// Something else.
    #[error("does not begin as a recording does")]
    NotAFlight,
    /// Made by a newer program.
    #[error("has format version {found} where this program reads version {read}")]
    Version {
        /// In the file.
        found: u32,
        /// The one that is read.
        read: u32,
    },
    /// The header makes no sense.
    #[error("has a header that cannot be read ({0})")]
    Header(String),
    /// Pictures of a size that no network reads.
    #[error("claims pictures of {0}×{0} pixels where networks read at most {MAX_EDGE}×{MAX_EDGE}")]
    Edge(u64),
    /// More frames than the file has room for.
    #[error("claims {claimed} frames where its {bytes} bytes have room for {most} at most")]
    Frames {
        /// In its header.
        claimed: u64,
        /// That many bytes.
        bytes: u64,
        /// Frames that they can hold.
        most: u64,
    },
    /// It ends too early.
    #[error("is cut short {0}")]
    Cut(Place),
    /// Bytes are not those that were written.
    #[error("is damaged: the CRC {0} is wrong")]
    Crc(Place),
    /// The bytes are as they were written, and mean nothing.
    #[error("is damaged {0}: {1}")]
    Record(Place, String),
    /// Bytes behind its end.
    #[error("goes on behind its end")]
    Surplus,
}

impl FlightError {
    /// What a person can do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Io(_) => "check its path and its permissions, or name another file",
            Self::NotAFile | Self::NotAFlight => "name an .ernflight file, as `run --headless --record` writes it",
            Self::Version { .. } => "update Ernscope",
            _ => "copy the file again, or record anew",
        }
    }
}

impl From<RegularFileError> for FlightError {
    fn from(error: RegularFileError) -> Self {
        match error {
            RegularFileError::Io(error) => Self::Io(error),
            RegularFileError::Folder | RegularFileError::Device => Self::NotAFile,
        }
    }
}

/// Where in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Place {
    /// Its first bytes and the JSON.
    #[error("in its header")]
    Header,
    /// Behind so many whole records.
    #[error("behind {0} records")]
    Behind(u64),
}

/// Why a recording is not written.
#[derive(Debug, Error)]
pub(crate) enum FlightWriteError {
    /// The file system says no.
    #[error("cannot write {} ({why}): name a file that may be written, where there is room for it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: io::Error,
    },
    /// Nothing was recorded yet.
    #[error("nothing was recorded yet: wait for a frame")]
    Empty,
}
