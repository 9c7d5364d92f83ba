//! Ernscope: see a fully binary network think, live.
//!
//! Data goes one way through the house:
//!
//! ```text
//! source ──Frame──▶ preprocess ──InputImage──▶ engine ──logits──▶ report ──▶ window / terminal
//!                                                 │ Probe: codes, accumulators, times, layer by layer
//!                                                 ▼
//!                                              inspect
//! ```
//!
//! Who may know whom, arrows down only: `app` → [`pipeline`], [`evaluate`] → [`engines`] → [`source`], [`inspect`],
//! [`fpga`] → [`engine`] → [`network`], [`frame`] → [`regular`]. See `ARCHITECTURE.md` for a sentence about each room.

// The recipes of networks, which the tests outside share, know this crate by its name.
#[cfg(any(test, fuzzing))]
extern crate self as ernscope;

#[cfg(feature = "app")]
pub mod app;
#[cfg(test)]
mod done;
pub mod engine;
pub mod engines;
pub mod evaluate;
pub mod fpga;
pub mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod inspect;
pub mod network;
pub mod pipeline;
pub mod preprocess;
pub mod regular;
pub mod source;
