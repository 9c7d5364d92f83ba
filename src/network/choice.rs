//! Which network to run: one inside the binary, a file, or a random one of a published shape.

use super::file;
use super::network::{Network, NetworkError};
use super::published::{FLOAT_INPUT, PublishedShape};
use super::shipped::{SHIPPED, Shipped};
use crate::host::files;
use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;

/// Which network to run, and how it is written: a name of [`SHIPPED`], `random:SHAPE[:SEED]`, or else the path of a model file.
///
/// SHAPE is `erns18-0.75x`, `erns18`, `erns34`, `erns50` or `erns101`, with `-float-input` behind it for the twin without pixel
/// embedding; SEED is a number, 1 where it is left out.
///
/// ```
/// use ernscope::network::ModelChoice;
///
/// let choice: ModelChoice = "random:erns18-float-input:7".parse()?;
/// assert!(matches!(choice, ModelChoice::Random { seed: 7, float_input: true, .. }));
/// assert_eq!("cards".parse(), Ok(ModelChoice::Shipped("cards")));
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelChoice {
    /// One inside the binary.
    Shipped(&'static str),
    /// A model file.
    File(PathBuf),
    /// A published shape with random weights.
    Random {
        /// The published shape.
        shape: PublishedShape,
        /// Whether it starts with a float layer.
        float_input: bool,
        /// Seed of the weights.
        seed: u64,
    },
    /// `random:` with something behind it that is no published shape; kept to be refused when loaded.
    UnknownRandom(String),
}

/// Why a network could not be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// No such name, no such file.
    #[error("network `{0}` is neither shipped nor a file that is there: choose {names}, or check the path", names = names())]
    Unknown(String),
    /// No such published shape.
    #[error("`random:{0}` is no published shape: use random:erns18[:SEED], erns18-0.75x, erns34, erns50 or erns101")]
    UnknownShape(String),
    /// The file is no network.
    #[error("model file {}: {why}: {remedy}", path.display(), remedy = why.remedy())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: file::FileError,
    },
    /// A random network is not well formed.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

fn names() -> String {
    SHIPPED.iter().map(|shipped| shipped.name).collect::<Vec<_>>().join(" or ")
}

impl Default for ModelChoice {
    /// The first one inside the program.
    fn default() -> Self {
        Self::Shipped(SHIPPED[0].name)
    }
}

impl FromStr for ModelChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if let Some(shipped) = Shipped::named(text) {
            return Ok(Self::Shipped(shipped.name));
        }
        let Some(random) = text.strip_prefix("random:") else {
            return Ok(Self::File(text.into()));
        };
        let (name, seed) = random.split_once(':').unwrap_or((random, "1"));
        let plain = name.strip_suffix(FLOAT_INPUT).unwrap_or(name);
        Ok(match (PublishedShape::named(plain), seed.parse()) {
            (Some(shape), Ok(seed)) => Self::Random { shape, float_input: plain != name, seed },
            _ => Self::UnknownRandom(random.into()),
        })
    }
}

/// An argument of the command line: a path need not be UTF-8.
impl From<OsString> for ModelChoice {
    fn from(argument: OsString) -> Self {
        match argument.to_str().map(str::parse) {
            Some(Ok(choice)) => choice,
            _ => Self::File(argument.into()),
        }
    }
}

impl fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
            Self::Random { shape, float_input, seed } => {
                let ending = if *float_input { FLOAT_INPUT } else { "" };
                write!(f, "random:{}{ending}:{seed}", shape.name())
            }
            Self::UnknownRandom(text) => write!(f, "random:{text}"),
        }
    }
}

impl ModelChoice {
    /// Reads and checks the network.
    ///
    /// # Errors
    /// [`LoadError`] names the network and what is wrong with it.
    pub fn load(&self) -> Result<Network, LoadError> {
        #[cfg(test)]
        crate::done::LOADS.count();
        match self {
            Self::Shipped(name) => load_shipped(name),
            Self::File(path) if !files::exists(path) => Err(LoadError::Unknown(path.display().to_string())),
            Self::File(path) => file::read(path).map_err(|why| LoadError::File { path: path.clone(), why }),
            Self::Random { shape, float_input, seed } => Ok(shape.random(*seed, *float_input)?),
            Self::UnknownRandom(text) => Err(LoadError::UnknownShape(text.clone())),
        }
    }

    /// The twin that differs in its first layer only, by its name: `NAME` and `NAME-float-input` belong together, a file's
    /// twin lies beside it. `None` where there is none; whether it really is the twin, its family must tell.
    pub(crate) fn twin(&self) -> Option<Self> {
        match self {
            Self::Shipped(name) => Shipped::named(&twin_name(name)).map(|shipped| Self::Shipped(shipped.name)),
            Self::File(path) => {
                twin_path(path).filter(|path| files::is_folder(path).is_ok_and(|is| !is)).map(Self::File)
            }
            Self::Random { shape, float_input, seed } => {
                Some(Self::Random { shape: *shape, float_input: !float_input, seed: *seed })
            }
            Self::UnknownRandom(_) => None,
        }
    }
}

fn load_shipped(name: &str) -> Result<Network, LoadError> {
    let shipped = Shipped::named(name).ok_or_else(|| LoadError::Unknown(name.into()))?;
    shipped.load().map_err(|why| LoadError::File { path: name.into(), why })
}

fn twin_name(name: &str) -> String {
    name.strip_suffix(FLOAT_INPUT).map_or_else(|| format!("{name}{FLOAT_INPUT}"), str::to_owned)
}

fn twin_path(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_str()?;
    let extension = path.extension()?.to_str()?;
    Some(path.with_file_name(format!("{}.{extension}", twin_name(stem))))
}
