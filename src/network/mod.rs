//! The network as data. Knows nothing of SIMD, boards, windows or cameras.
//!
//! [`Network`] is the well-formed thing: one that exists has had every shape, bound and table checked. [`mod@file`] reads
//! and writes it, [`published`] knows the published shapes and makes random ones. With the features of these names `import` makes
//! one of a published checkpoint, and `shipped` holds those inside the library.

#[cfg(feature = "live")]
mod choice;
pub mod file;
#[cfg(feature = "import")]
pub mod import;
mod known;
#[expect(clippy::module_inception, reason = "the network itself is the first thing in its room")]
mod network;
pub mod published;
mod random;
mod readout;
#[cfg(feature = "cards")]
pub mod shipped;

#[cfg(feature = "live")]
pub use choice::{LoadError, ModelChoice};
pub use known::{Knowing, KnownScore};
#[cfg(feature = "import")]
pub(crate) use network::MAX_CLASSES;
pub use network::{
    BinaryConv, Classifier, CodeTable, FloatConv, Geometry, Layer, LayerShape, MAX_EDGE, Network, NetworkError,
    NetworkParts, Op, Thresholds, TrunkMode,
};
#[cfg(feature = "live")]
pub(crate) use network::{MAX_CHANNELS, MAX_LAYERS, NOTHING};
pub(crate) use readout::Logits;
pub use readout::Readout;
