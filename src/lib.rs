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
//! A picture, classified:
//!
//! ```
//! # #[cfg(feature = "cli")] {
//! # use std::{path::Path, sync::Arc};
//! use ernscope::engine::{Engine, cpu::{CpuEngine, Level}};
//! use ernscope::{frame::InputImage, network::ModelChoice, preprocess::Preprocessor, source::read_picture};
//!
//! let picture = read_picture(Path::new("assets/screenshot.png"))?;
//! let network = Arc::new("objects".parse::<ModelChoice>()?.load()?);
//! let mut input = InputImage::black(network.edge());
//! Preprocessor::new(1).run(&picture.rgb, picture.width, picture.height, &mut input)?;
//! let mut engine = CpuEngine::new(network.clone(), network.edge(), Level::best(), 1)?;
//! let class = engine.run(&input)?.class();
//! println!("{}", network.labels()[class]);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/` has this as a program, one that watches a layer, and one with a source of its own.
//!
//! Without the Cargo feature `cli` only the lower half is built: [`network`], [`engine`], [`frame`], [`preprocess`] and [`inspect`],
//! which know of no file, process or device.
//!
//! Who may know whom, arrows down only: `app` → [`pipeline`], `evaluate` → [`engines`] → [`source`], [`inspect`],
//! [`fpga`] → [`engine`] → [`network`], [`frame`] → `regular`. See `ARCHITECTURE.md` for a sentence about each room.

// The recipes of networks, which the tests outside share, know this crate by its name.
#[cfg(any(test, fuzzing))]
extern crate self as ernscope;

#[cfg(feature = "app")]
pub mod app;
pub mod board;
#[cfg(feature = "cli")]
pub mod commands;
#[cfg(test)]
mod done;
pub mod engine;
#[cfg(feature = "cli")]
pub mod engines;
#[cfg(feature = "cli")]
mod evaluate;
#[cfg(feature = "fpga")]
pub mod fpga;
pub mod frame;
#[cfg(all(any(test, fuzzing), feature = "cli"))]
pub mod fuzzing;
pub mod inspect;
pub mod network;
#[cfg(feature = "cli")]
pub mod pipeline;
pub mod preprocess;
#[cfg(any(feature = "cli", feature = "import"))]
mod regular;
#[cfg(feature = "cli")]
pub mod source;
mod splitmix64;
#[cfg(feature = "cli")]
mod text;
