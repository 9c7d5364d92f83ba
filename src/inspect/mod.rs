//! What a probe records and what can be asked of it.
//!
//! [`Sampler`] takes a histogram and a time of every layer, and everything of one. What the program dumps and compares it sees
//! whole, one layer after the other, as all of them at a time may be more than the memory holds.

#[cfg(feature = "live")]
pub(crate) mod bench;
#[cfg(feature = "live")]
pub(crate) mod channels;
#[cfg(feature = "live")]
pub(crate) mod check;
#[cfg(feature = "live")]
pub(crate) mod clock;
#[cfg(feature = "live")]
pub(crate) mod diff;
#[cfg(feature = "live")]
pub(crate) mod dump;
#[cfg(feature = "live")]
pub(crate) mod evidence;
#[cfg(feature = "live")]
pub(crate) mod explain;
#[cfg(feature = "live")]
pub(crate) mod first_layers;
#[cfg(feature = "live")]
pub(crate) mod held;
#[cfg(feature = "live")]
pub(crate) mod isolate;
#[cfg(feature = "live")]
pub(crate) mod moments;
#[cfg(feature = "live")]
pub(crate) mod occlusion;
#[cfg(feature = "live")]
pub(crate) mod overlay;
#[cfg(feature = "live")]
mod pattern;
#[cfg(feature = "live")]
pub(crate) mod peers;
#[cfg(feature = "live")]
pub(crate) mod probe_list;
#[cfg(feature = "live")]
pub(crate) mod receptive;
pub(crate) mod sampler;
#[cfg(feature = "live")]
pub(crate) mod timing;
pub(crate) mod values;

pub use sampler::{LayerSample, Sampler};
#[cfg(feature = "live")]
pub(crate) use timing::Recent;
pub use values::{LayerValues, SumValues};
