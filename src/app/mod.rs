//! The window: one file a panel, all drawing from a read-only [`model::Model`] that is filled from the pipeline once a frame.
//!
//! [`window::Window`] is everything that is drawn and asked for; `run` puts it on a screen in front of a running
//! [`crate::pipeline::Pipeline`]. A panel is a function that takes the model, the window's own `state::State` and a `Ui`,
//! and leaves [`state::Action`]s. Nothing here waits: pictures come from memory, files are written on helper threads.

pub(crate) mod arrangement;
pub(crate) mod choices;
mod comparison;
pub(crate) mod export;
pub(crate) mod format;
mod histogram;
pub(crate) mod history;
pub(crate) mod keys;
mod layer_detail;
mod lines;
pub(crate) mod lister;
pub(crate) mod model;
mod mosaic;
mod network_strip;
pub(crate) mod notices;
mod picture_panel;
mod place;
mod prediction;
pub(crate) mod settings;
mod settings_file;
mod shell;
mod square;
#[cfg(feature = "cli")]
pub(crate) mod stage;
pub(crate) mod state;
pub(crate) mod teach_panel;
pub(crate) mod teaching;
pub(crate) mod theme;
mod timeline;
mod toolbar;
mod why;
mod widgets;
pub(crate) mod window;

pub use arrangement::zoom;
pub use model::Model;
#[cfg(feature = "web")]
pub use place::{answer, last_frame, start_page, status, tick};
#[cfg(feature = "cli")]
pub(crate) use shell::WindowError;
pub(crate) use shell::{Options, run};
pub use state::{Action, DialogAnswer, DialogKind};
pub use theme::apply;
pub use window::Window;
