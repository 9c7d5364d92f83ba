//! What is read for us: cameras, by a process of our own or by the browser, and videos that the browser decodes. Both sides have the
//! same names.

#[cfg(all(feature = "camera", not(target_arch = "wasm32")))]
pub(crate) mod camera;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod capture;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(not(target_arch = "wasm32"))]
mod system;
#[cfg(all(feature = "camera", target_os = "linux"))]
mod v4l2;
#[cfg(all(feature = "camera", not(target_os = "linux")))]
#[path = "no_v4l2.rs"]
mod v4l2;

#[cfg(target_arch = "wasm32")]
pub(crate) use page::*;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use system::*;
