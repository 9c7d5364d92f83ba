//! Why a checkpoint becomes no network.

use super::pickle::PickleError;
use crate::host::RegularFileError;
use crate::network::NetworkError;
use crate::network::published::{PublishedShape, SHAPES};
use thiserror::Error;

/// Why a checkpoint did not become a network.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The operating system says no.
    #[error("cannot be read ({0}): check its path and who may read it")]
    Io(#[from] std::io::Error),
    /// Not a file at all.
    #[error("is not a regular file: name a .ckpt or .pth file")]
    NotAFile,
    /// Empty.
    #[error("is empty: copy the checkpoint again")]
    Empty,
    /// Something else.
    #[error("is no PyTorch checkpoint, a zip archive with a data.pkl: name a .ckpt or .pth file")]
    Foreign,
    /// Not a zip archive yet.
    #[error("is in PyTorch's old format or a bare pickle: load it with PyTorch 1.6 or newer and save it again")]
    OldFormat,
    /// The archive is broken.
    #[error("is damaged or cut off ({0}): copy the file again")]
    Damaged(String),
    /// An entry of the archive is missing, broken or too large.
    #[error("`{entry}` in its archive {what}")]
    Entry {
        /// The entry's path.
        entry: String,
        /// What is wrong.
        what: String,
    },
    /// From another kind of machine.
    #[error("has the byte order `{0}`; only little-endian files can be read: save it again on such a machine")]
    ByteOrder(String),
    /// The pickle is broken, or wants something done.
    #[error("its pickle {0}")]
    Pickle(PickleError),
    /// Nothing in it that has names.
    #[error("holds no dictionary of tensors (`state_dict`): save the network's state_dict()")]
    NoStateDict,
    /// An exponential moving average of a network, and not the network.
    #[error("holds only an averaged copy of a network (`{0}`): save that one's state_dict() alone")]
    OnlyAverage(String),
    /// Two networks in one file.
    #[error(
        "has two tensors that may be the network's `{tensor}`, {one} and {other}: save the one network's state_dict() alone"
    )]
    Twice {
        /// The tensor, by its name in a network.
        tensor: String,
        /// Where one stands.
        one: String,
        /// Where the other one stands.
        other: String,
    },
    /// A tensor is missing, of another shape, or holds numbers that it must not.
    #[error("tensor `{tensor}` {what}")]
    Tensor {
        /// Its name in the checkpoint.
        tensor: String,
        /// What is wrong.
        what: String,
    },
    /// Not one of the networks that we know.
    #[error("has {0}: it is none of the published ERNs, {names}", names = SHAPES.map(PublishedShape::name).join(", "))]
    Architecture(String),
    /// Labels for another network.
    #[error("has {classes} classes, but there are {labels} labels: give one line a class")]
    Labels {
        /// Labels given.
        labels: usize,
        /// Classes of the checkpoint.
        classes: usize,
    },
    /// The parts do not make a network.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl From<RegularFileError> for ImportError {
    fn from(error: RegularFileError) -> Self {
        match error {
            RegularFileError::Io(error) => Self::Io(error),
            RegularFileError::Folder | RegularFileError::Device => Self::NotAFile,
        }
    }
}
