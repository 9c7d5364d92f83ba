//! The FPGA path: an open accelerator, the compiler of its programs, and the engine that drives it.
//!
//! `rtl/` holds the accelerator (SystemVerilog; its README tells the schedule), `sim/` what makes a simulated board of it.
//! [`compiler`] makes the [`program`] of a network for a board of given [`capabilities`]; [`schedule`] predicts its cycles;
//! [`board`] uploads it and runs frames over a [`link`]; [`attached`] finds boards and says what becomes of them.

pub mod attached;
pub mod board;
pub mod capabilities;
pub mod compiler;
pub mod link;
pub mod program;
pub mod schedule;
