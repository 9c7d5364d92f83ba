//! What is read for us: cameras, by a process of our own or by the browser, and videos that the browser decodes. Both sides have the
//! same names.

#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(not(target_arch = "wasm32"))]
mod system;

#[cfg(target_arch = "wasm32")]
pub(crate) use page::*;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use system::*;
