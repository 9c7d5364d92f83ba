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
//! # In a program of one's own
//!
//! ```toml
//! [dependencies]
//! ernscope = { path = "../ernscope", default-features = false, features = ["shipped"] }
//! ```
//!
//! The path is that of a clone; `git = "URL"` in its place takes the repository itself. With these features pixels from anywhere are
//! classified so:
//!
//! ```
//! # #[cfg(feature = "shipped")] {
//! use ernscope::engine::{Engine, cpu::{CpuEngine, Level}, softmax};
//! use ernscope::{frame::InputImage, network::shipped::Shipped, preprocess::Preprocessor};
//! use std::sync::Arc;
//!
//! // RGB bytes, row by row, of any size: the square in the middle is what the network sees.
//! let (width, height) = (320, 240);
//! let rgb = vec![128; width as usize * height as usize * 3];
//!
//! let network = Arc::new(Shipped::named("objects").ok_or("no such network")?.load()?);
//! let mut input = InputImage::black(network.edge());
//! Preprocessor::new(1).run(&rgb, width, height, &mut input)?;
//! let mut engine = CpuEngine::new(network.clone(), network.edge(), Level::best(), 1)?;
//! let outcome = engine.run(&input)?;
//!
//! let mut probabilities = Vec::new();
//! softmax(outcome.logits, &mut probabilities);
//! let class = outcome.class();
//! println!("{}: {:.0} %", network.labels()[class], 100.0 * probabilities[class]);
//! println!("sure: {}", network.knowing(outcome.logits, outcome.others).sure);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the default features, or `cli` alone, pictures are read from files, and networks are chosen as on the command line:
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
//! The networks inside are `cards`, `cifar100` and `objects`, each with a twin that starts with a float layer,
//! `cards-float-input` and so on. A choice may also be `random:SHAPE` or `random:SHAPE:SEED`, a network of a published shape with random
//! weights (`random:erns18`, `random:erns50-float-input:7`), or the path of a model file.
//!
//! # Features
//!
//! | feature | brings |
//! | --- | --- |
//! | none | [`network`] with model files from memory (`network::file::parse`), [`engine`], [`frame`], [`preprocess`], [`inspect`]: no file, process or device, seven dependencies; for browsers, Windows and macOS too |
//! | `cards` | `network::shipped` with the network of the cards and its twin |
//! | `shipped` | all networks inside: 6 MB |
//! | `import` | `network::import`, published checkpoints; model files from disk (`network::file::read`) |
//! | `fpga` | `fpga`, boards |
//! | `live` | `source` with `read_picture`, `network::ModelChoice`, `engines`, `pipeline`, and all of the above but `shipped`; Linux, browsers |
//! | `cli` | `commands`, with `live` and `shipped`; Linux |
//! | `camera` | cameras as a source |
//! | `app` | `app`, the window, with `live`; with `cli` and `camera` it is the default |
//! | `web` | the window as a page in a browser |
//!
//! `pictures` and `demo` are parts of `live` and bring nothing alone.
//!
//! # The house
//!
//! Who may know whom, arrows down only: `app` → `pipeline`, `evaluate` → `engines` → `source`, [`inspect`],
//! `fpga` → [`engine`] → [`network`], [`frame`] → `host`. See `ARCHITECTURE.md` for a sentence about each room.

// Without the terminal, what only its commands ask for is unused.
#![cfg_attr(all(feature = "live", not(feature = "cli")), allow(dead_code, unused_imports))]

// The recipes of networks, which the tests outside share, know this crate by its name.
#[cfg(any(test, fuzzing))]
extern crate self as ernscope;

#[cfg(feature = "app")]
pub mod app;
pub mod board;
#[cfg(all(feature = "app", feature = "cli"))]
mod booth;
#[cfg(feature = "cli")]
pub mod commands;
#[cfg(test)]
mod done;
pub mod engine;
#[cfg(feature = "live")]
pub mod engines;
#[cfg(feature = "cli")]
mod evaluate;
#[cfg(feature = "live")]
mod flight;
#[cfg(feature = "fpga")]
pub mod fpga;
pub mod frame;
#[cfg(all(any(test, fuzzing), feature = "cli"))]
pub mod fuzzing;
#[cfg(any(feature = "live", feature = "import"))]
mod host;
pub mod inspect;
pub mod network;
#[cfg(feature = "live")]
pub mod pipeline;
pub mod preprocess;
#[cfg(all(feature = "live", not(target_arch = "wasm32")))]
mod selftest;
#[cfg(feature = "live")]
pub mod source;
mod splitmix64;
#[cfg(feature = "live")]
mod teach;
#[cfg(feature = "live")]
mod text;
