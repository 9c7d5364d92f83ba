//! The window: one file a panel, all drawing from a read-only [`model::Model`] that is filled from the pipeline once a frame.
//!
//! [`window::Window`] is everything that is drawn and asked for; [`run`] puts it on a screen in front of a running
//! [`crate::pipeline::Pipeline`]. A panel is a function that takes the model, the window's own [`state::State`] and a `Ui`,
//! and leaves [`state::Action`]s. Nothing here waits: pictures come from memory, files are written on helper threads.

pub mod arrangement;
pub mod choices;
mod comparison;
pub mod dialog;
pub mod export;
pub mod format;
mod histogram;
pub mod history;
pub mod keys;
mod layer_detail;
mod lines;
pub mod lister;
pub mod model;
mod mosaic;
mod network_strip;
pub mod notices;
mod picture_panel;
mod prediction;
pub mod settings;
mod shell;
pub mod state;
pub mod theme;
mod timeline;
mod toolbar;
mod widgets;
pub mod window;

pub use shell::{Options, WindowError, run};
