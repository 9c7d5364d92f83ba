//! The FPGA path: an open accelerator, the compiler of its programs, and the engine that drives it.
//!
//! `rtl/` holds the accelerator (SystemVerilog; its README tells the schedule), `sim/` what makes a simulated board of it.
//! `compiler` makes the `program` of a network for a board of given `capabilities`, of which `designs` has those of real boards; `schedule`
//! predicts its cycles, with the weights that `weight_feed` lets arrive; `board` uploads it and runs frames over a `link`, `isolated` one
//! layer by itself; `attached` finds boards, `live` says what becomes of them.

pub(crate) mod attached;
pub(crate) mod board;
pub(crate) mod capabilities;
mod choice;
pub(crate) mod compiler;
#[cfg(any(test, feature = "live"))]
pub(crate) mod designs;
#[cfg(feature = "live")]
mod isolated;
pub(crate) mod link;
#[cfg(feature = "live")]
mod live;
pub(crate) mod program;
pub(crate) mod schedule;
mod weight_feed;

pub use attached::AttachedBoard;
pub use board::{BoardEngine, BoardError, FRAMES_UNDER_WAY};
pub use capabilities::CapabilityError;
pub use choice::BoardChoice;
pub use compiler::CompileError;
pub use link::packets::{LineCounts, PacketLink, Patience};
pub use link::port::{FoundPort, Port};
#[allow(unreachable_pub, reason = "a page has none of these")]
pub use link::ports::*;
pub use link::{Beats, End, Link, LinkError, ReadBack};
#[cfg(feature = "live")]
pub use live::LiveBoard;
pub use program::FrameFormat;
pub use schedule::{frame_cycles, predict, utilisation};
