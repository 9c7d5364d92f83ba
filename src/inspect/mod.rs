//! What a probe records and what can be asked of it.
//!
//! [`Sampler`] takes a histogram and a time of every layer, and everything of one. [`dump`] and [`diff`] see every layer whole,
//! one after the other, as all of them at a time may be more than the memory holds.

pub mod bench;
pub mod clock;
pub mod diff;
pub mod dump;
pub mod peers;
pub mod sampler;
pub mod timing;
pub mod values;

pub use sampler::{LayerSample, Sampler};
pub use timing::Recent;
pub use values::{LayerValues, SumValues};
