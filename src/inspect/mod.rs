//! What a probe records and what can be asked of it.
//!
//! [`Sampler`] is the window's probe: a histogram and a time of every layer, everything of one. [`Capture`] keeps every layer
//! whole, for dumps and for [`diff`].

pub mod bench;
pub mod capture;
pub mod diff;
pub mod dump;
pub mod sampler;
pub mod timing;

pub use capture::{Capture, LayerValues, SumValues};
pub use sampler::{LayerSample, Sampler};
pub use timing::Recent;
