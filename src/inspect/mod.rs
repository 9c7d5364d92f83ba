//! What a probe records and what can be asked of it.
//!
//! [`Sampler`] takes a histogram and a time of every layer, and everything of one. What the program dumps and compares it sees
//! whole, one layer after the other, as all of them at a time may be more than the memory holds.

#[cfg(feature = "cli")]
pub(crate) mod bench;
#[cfg(feature = "cli")]
pub(crate) mod channels;
#[cfg(feature = "cli")]
pub(crate) mod check;
#[cfg(feature = "cli")]
pub(crate) mod clock;
#[cfg(feature = "cli")]
pub(crate) mod diff;
#[cfg(feature = "cli")]
pub(crate) mod dump;
#[cfg(feature = "cli")]
pub(crate) mod evidence;
#[cfg(feature = "cli")]
pub(crate) mod explain;
#[cfg(feature = "cli")]
pub(crate) mod held;
#[cfg(feature = "cli")]
pub(crate) mod isolate;
#[cfg(feature = "cli")]
pub(crate) mod moments;
#[cfg(feature = "cli")]
pub(crate) mod occlusion;
#[cfg(feature = "cli")]
pub(crate) mod overlay;
#[cfg(feature = "cli")]
mod pattern;
#[cfg(feature = "cli")]
pub(crate) mod peers;
#[cfg(feature = "cli")]
pub(crate) mod probe_list;
#[cfg(feature = "cli")]
pub(crate) mod receptive;
pub(crate) mod sampler;
#[cfg(feature = "cli")]
pub(crate) mod timing;
pub(crate) mod values;

pub use sampler::{LayerSample, Sampler};
#[cfg(feature = "cli")]
pub(crate) use timing::Recent;
pub use values::{LayerValues, SumValues};
