//! What a board is reached through.

use super::packets::PacketLink;
use std::io::{Read, Write};
use thiserror::Error;
use web_time::{Duration, SystemTime};

/// Bits a second: the highest rate of an FT231X.
pub(crate) const BAUD: u32 = 3_000_000;
/// How long a port waits for something to read.
pub(super) const READ_WAIT: Duration = Duration::from_millis(5);

/// Something to write bytes to and to read bytes from; reading waits some milliseconds.
pub trait Port: Read + Write + Send {}

impl<P: Read + Write + Send> Port for P {}

/// A board on any port.
pub(crate) type AnyLink = PacketLink<Box<dyn Port>>;

/// A port that may be a board's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPort {
    /// Its path.
    pub path: String,
    /// What it calls itself.
    pub name: String,
    /// Whether that is a board's name; to any other port nothing is written that nobody has named.
    pub is_board: bool,
}

/// The simulated board's process is gone: what its port's error says where that of a cable would be an unplugged board.
#[derive(Debug, Error)]
#[error("the process has ended")]
pub(in crate::fpga) struct Ended;

/// A number that was hardly used a moment ago.
pub(super) fn session_seed() -> u8 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_millis() / 16) as u8
}
