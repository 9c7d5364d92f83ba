//! What a board is reached through: the system's serial ports, or those that a browser gives a page.

#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod serial;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod simulated;

#[cfg(target_arch = "wasm32")]
pub(crate) use page::{serial, simulated};
#[cfg(not(target_arch = "wasm32"))]
pub use {serial::open_port, simulated::SimulatedBoard};
