//! The flight recorder: what the network saw in the last minutes, bit for bit, and what it answered.
//!
//! [`FlightRecorder`] keeps frames in a ring in memory; nothing is written until somebody asks for it. The file that is then written is
//! described in `file.rs`. [`FlightReader`] reads one, record by record, and [`replay`] has an engine compute it again.

mod error;
mod file;
#[cfg(any(test, fuzzing))]
mod forge;
mod frame;
mod reader;
mod recorder;
mod replay;
mod ring;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use error::{FlightError, FlightWriteError};
pub(crate) use file::begins_a_flight;
#[cfg(any(test, fuzzing))]
pub(crate) use forge::forged;
#[cfg(test)]
pub(crate) use forge::taken_apart;
#[cfg(any(test, fuzzing))]
pub(crate) use reader::FlightRecord;
pub(crate) use reader::{FlightReader, open};
pub(crate) use recorder::{FlightRecorder, FlightSeen, FlightState};
pub(crate) use replay::{ReplayError, Replayed, check_network, replay};
pub(crate) use ring::FlightLimits;
#[cfg(test)]
pub(crate) use writer::write_to;
pub(crate) use writer::{Written, check_place, write};
