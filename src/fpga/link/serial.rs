//! Serial lines: the ports of boards, and how one is opened.

use super::LinkError;
use super::packets::{PacketLink, Patience};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serialport::{ErrorKind, SerialPort, SerialPortType};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Bits a second: the highest rate of an FT231X.
const BAUD: u32 = 3_000_000;
/// How long a port waits for something to read.
const READ_WAIT: Duration = Duration::from_millis(5);
/// FTDI's number among USB vendors.
const FTDI: u16 = 0x0403;
/// FTDI's two- and four-port chips, FT232H, FT231X (ULX3S).
const FTDI_PRODUCTS: [u16; 4] = [0x6010, 0x6011, 0x6014, 0x6015];

/// Something to write bytes to and to read bytes from; reading waits some milliseconds.
pub trait Port: Read + Write + Send {}

impl<P: Read + Write + Send> Port for P {}

/// A board on any port.
pub type AnyLink = PacketLink<Box<dyn Port>>;

/// A port that may be a board's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPort {
    /// Its path.
    pub path: String,
    /// What it calls itself.
    pub name: String,
}

/// The USB serial ports with a chip that FPGA boards have, in the order of their paths. A port is only looked at, not opened.
pub fn ports() -> Vec<FoundPort> {
    // Linux's list, without which the crate would panic.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    // Where the system gives no list, there is nothing to choose from.
    let mut found: Vec<FoundPort> = serialport::available_ports()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|port| match port.port_type {
            SerialPortType::UsbPort(usb) if usb.vid == FTDI && FTDI_PRODUCTS.contains(&usb.pid) => {
                let name = usb.product.unwrap_or_else(|| format!("{:04x}:{:04x}", usb.vid, usb.pid));
                Some(FoundPort { path: port.port_name, name })
            }
            _ => None,
        })
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Opens a port, for this process alone. Writing never waits for a board that takes nothing any longer.
///
/// # Errors
/// [`LinkError`], which tells a port that is not there from one that is denied or in use.
pub fn open_port(path: &str) -> Result<Box<dyn SerialPort>, LinkError> {
    let port = || path.to_owned();
    let opened = serialport::new(path, BAUD).timeout(READ_WAIT).open_native().map_err(|error| match error.kind() {
        ErrorKind::Io(io::ErrorKind::NotFound) => LinkError::Absent { port: port() },
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => LinkError::Denied { port: port() },
        // A lock that another process holds.
        ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::WouldBlock) => LinkError::InUse { port: port() },
        _ => LinkError::Port { port: port(), error: error.into() },
    })?;
    // The crate leaves it so that a write returns only when all of it was taken.
    fcntl(opened.as_raw_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
        .map_err(|error| LinkError::Port { port: port(), error: error.into() })?;
    Ok(Box::new(opened))
}

/// Opens a session with the board on a port.
///
/// # Errors
/// [`LinkError`].
pub fn connect(path: &str, patience: Patience) -> Result<AnyLink, LinkError> {
    PacketLink::open(Box::new(open_port(path)?), patience, session_seed())
}

/// A number that was hardly used a moment ago.
pub(super) fn session_seed() -> u8 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_millis() / 16) as u8
}
