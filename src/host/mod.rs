//! What the program runs on: a system with files and threads, or a page in a browser, which has neither.
//!
//! The two sides have the same functions. Natively a thread takes the steps of what runs beside the window; in the browser
//! a timer takes them between two repaints (`page/threads.rs`), one of each. Files that a page reads are those that a person gave
//! it; what it writes becomes a download.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod page;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use page::*;

use std::io;
use thiserror::Error;

/// Why a path opens no file.
#[derive(Debug, Error)]
pub(crate) enum RegularFileError {
    /// The system refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A folder.
    #[error("it is a folder, not a file")]
    Folder,
    /// A pipe, a socket, a device.
    #[error("it is a device or a pipe, not a file")]
    Device,
}

/// What goes on beside the window, in steps that wait for nothing.
#[cfg(feature = "live")]
pub(crate) trait Steps: Send {
    /// Does what can be done now. Whether there will be more to do.
    fn step(&mut self) -> bool;

    /// Waits until a step may find something to do; only where there are threads.
    fn wait(&mut self);
}
