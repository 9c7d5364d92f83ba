//! Where frames come from: the demo, a camera, pictures, a folder of them, a video file, a recording.
//!
//! A [`Source`] makes pictures one after the other and knows nothing of threads. The [`supervisor::Supervisor`] runs one on a
//! thread of its own, paces it, looks after a camera that fails, and says at any time what is going on
//! ([`state::SourceStatus`]). [`SourceChoice`] is what a user asks for.

mod camera_info;
mod choice;
mod decode_error;
pub mod demo;
pub(crate) mod error;
pub(crate) mod files;
mod interface;
mod jpeg;
mod mjpeg;
pub(crate) mod picture;
pub(crate) mod reader;
mod recording;
mod rendered;
pub(crate) mod state;
pub(crate) mod supervisor;
mod webp;
mod y4m;

pub use camera_info::CameraInfo;
pub(crate) use choice::DEFAULT_SEED;
pub use choice::SourceChoice;
pub use error::{CameraFault, SourceError};
pub use interface::{Polled, Source};
pub use picture::{Picture, read_picture};
pub use state::{LeftOut, SourceState, SourceStatus};
pub use supervisor::{Delivery, Supervisor};
