//! Serial lines: the ports of boards, and how one is opened.

use crate::fpga::link::LinkError;
use crate::fpga::link::packets::{PacketLink, Patience};
use crate::fpga::link::port::{AnyLink, BAUD, FoundPort, READ_WAIT, session_seed};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serialport::{ErrorKind, SerialPort, SerialPortInfo, SerialPortType};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// FTDI's number among USB vendors.
const FTDI: u16 = 0x0403;
/// FTDI's two- and four-port chips, FT232H, FT231X (ULX3S).
const FTDI_PRODUCTS: [u16; 4] = [0x6010, 0x6011, 0x6014, 0x6015];
/// How the boards call themselves that there is a bitstream for: `ULX3S FPGA 85K v3.0.8`. All else with such a chip may be
/// anything, a printer or a machine that obeys what it is sent.
const BOARDS: [&str; 1] = ["ULX3S"];

/// The USB serial ports with a chip that FPGA boards have, in the order of their paths. A port is only looked at, not opened.
pub(crate) fn ports() -> Vec<FoundPort> {
    // Linux's list, without which the crate would panic.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    // Where the system gives no list, there is nothing to choose from.
    choose(serialport::available_ports().unwrap_or_default())
}

/// Those with a chip that boards have.
fn choose(ports: Vec<SerialPortInfo>) -> Vec<FoundPort> {
    let found = ports.into_iter().filter_map(|port| match port.port_type {
        SerialPortType::UsbPort(usb) if usb.vid == FTDI && FTDI_PRODUCTS.contains(&usb.pid) => {
            let is_board = usb.product.as_ref().is_some_and(|name| BOARDS.iter().any(|board| name.starts_with(board)));
            let name = usb.product.unwrap_or_else(|| format!("{:04x}:{:04x}", usb.vid, usb.pid));
            Some(FoundPort { path: port.port_name, name, is_board })
        }
        _ => None,
    });
    let mut found: Vec<FoundPort> = found.collect();
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
pub(crate) fn connect(path: &str, patience: Patience) -> Result<AnyLink, LinkError> {
    PacketLink::open(Box::new(open_port(path)?), patience, session_seed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serialport::UsbPortInfo;

    fn port(path: &str, vid: u16, pid: u16, product: Option<&str>) -> SerialPortInfo {
        let product = product.map(str::to_owned);
        let usb = UsbPortInfo { vid, pid, serial_number: None, manufacturer: Some("FTDI".into()), product };
        SerialPortInfo { port_name: path.into(), port_type: SerialPortType::UsbPort(usb) }
    }

    #[test]
    fn only_ports_of_known_boards_are_taken_for_boards() {
        let found = choose(vec![
            port("/dev/ttyUSB4", FTDI, 0x6015, Some("ULX3S FPGA 85K v3.0.8")),
            port("/dev/ttyUSB0", FTDI, 0x6015, Some("FT231X USB UART")),
            port("/dev/ttyUSB1", FTDI, 0x6010, Some("Laser cutter, ULX3S inside")),
            port("/dev/ttyUSB2", FTDI, 0x6014, None),
            port("/dev/ttyUSB3", FTDI, 0x6001, Some("FT232R USB UART")),
            port("/dev/ttyACM0", 0x2341, 0x0043, Some("ULX3S")),
            SerialPortInfo { port_name: "/dev/ttyS0".into(), port_type: SerialPortType::PciPort },
        ]);
        let told: Vec<_> = found.iter().map(|port| (port.path.as_str(), port.name.as_str(), port.is_board)).collect();
        let expected = [
            ("/dev/ttyUSB0", "FT231X USB UART", false),
            ("/dev/ttyUSB1", "Laser cutter, ULX3S inside", false),
            ("/dev/ttyUSB2", "0403:6014", false),
            ("/dev/ttyUSB4", "ULX3S FPGA 85K v3.0.8", true),
        ];
        assert_eq!(told, expected);
    }
}
