//! What a probe records and what can be asked of it.
//!
//! [`Sampler`] takes a histogram and a time of every layer, and everything of one. What the program dumps and compares it sees
//! whole, one layer after the other, as all of them at a time may be more than the memory holds.

#[cfg(feature = "cli")]
pub(crate) mod bench;
#[cfg(feature = "cli")]
pub(crate) mod clock;
#[cfg(feature = "cli")]
pub(crate) mod diff;
#[cfg(feature = "cli")]
pub(crate) mod dump;
#[cfg(feature = "cli")]
pub(crate) mod isolate;
#[cfg(feature = "cli")]
mod pattern;
#[cfg(feature = "cli")]
pub(crate) mod peers;
pub(crate) mod sampler;
#[cfg(feature = "cli")]
pub(crate) mod timing;
pub(crate) mod values;

pub use sampler::{LayerSample, Sampler};
#[cfg(feature = "cli")]
pub(crate) use timing::Recent;
pub use values::{LayerValues, SumValues};
