//! What a probe records and what can be asked of it.
//!
//! [`Sampler`] takes a histogram and a time of every layer, and everything of one. [`dump`] and [`diff`] see every layer whole,
//! one after the other, as all of them at a time may be more than the memory holds.

pub(crate) mod bench;
pub(crate) mod clock;
pub(crate) mod diff;
pub(crate) mod dump;
pub(crate) mod peers;
pub(crate) mod sampler;
pub(crate) mod timing;
pub(crate) mod values;

pub use sampler::{LayerSample, Sampler};
pub use timing::Recent;
pub use values::{LayerValues, SumValues};
