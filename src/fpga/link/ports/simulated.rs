//! The simulated board: a process that runs the Verilated RTL behind a pseudo-terminal (`sim/board.cpp`). The driver reaches it
//! as it reaches a serial line.

use super::serial::open_port;
use crate::fpga::link::LinkError;
use crate::fpga::link::packets::{PacketLink, Patience, is_waiting};
use crate::fpga::link::port::{AnyLink, Ended, session_seed};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// The program's name.
const PROGRAM: &str = "ernscope-board-sim";
/// Bytes of the longest path that it may tell.
const LONGEST_PATH: u64 = 4096;

/// A running simulated board. It ends with this.
pub struct SimulatedBoard {
    child: Child,
    controls: ChildStdin,
    port: String,
}

impl SimulatedBoard {
    /// Starts a program that `packaging/build-board-sim` built.
    ///
    /// # Errors
    /// [`LinkError::Start`].
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self, LinkError> {
        let failed = |error| LinkError::Start { program: program.display().to_string(), error };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C is for us: the board ends with us, when its input does.
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let gone = || failed(io::ErrorKind::BrokenPipe.into());
        let controls = child.stdin.take().ok_or_else(gone)?;
        let says = child.stdout.take().ok_or_else(gone)?;
        let mut board = Self { child, controls, port: String::new() };
        BufReader::new(says.take(LONGEST_PATH)).read_line(&mut board.port).map_err(failed)?;
        board.port.truncate(board.port.trim_end().len());
        if board.port.is_empty() { Err(gone()) } else { Ok(board) }
    }

    /// The terminal that takes the place of a serial port.
    pub fn port(&self) -> &str {
        &self.port
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// What the process listens to: `reset` presses the reset button, `stop` stops the clock, `go` lets it run again; a line each.
    pub fn controls(&mut self) -> &mut impl Write {
        &mut self.controls
    }
}

impl Drop for SimulatedBoard {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end or to wait for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port, and the board behind it.
struct OwnedPort<P> {
    port: P,
    _board: SimulatedBoard,
}

/// What a port says that may have lost its board.
fn of_board(moved: io::Result<usize>) -> io::Result<usize> {
    match moved {
        Ok(count @ 1..) => Ok(count),
        Err(error) if is_waiting(&error) => Err(error),
        Ok(0) | Err(_) => Err(io::Error::other(Ended)),
    }
}

impl<P: Read> Read for OwnedPort<P> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        of_board(self.port.read(bytes))
    }
}

impl<P: Write> Write for OwnedPort<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        of_board(self.port.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.port.flush()
    }
}

/// Starts a simulated board of its own and opens a session with it; the board ends with the session.
///
/// # Errors
/// [`LinkError`], where it is not built or does not start.
pub(crate) fn connect() -> Result<AnyLink, LinkError> {
    let mut board = SimulatedBoard::start(&program()?, &[])?;
    let port = match open_port(board.port()) {
        Err(_) if board.has_ended() => return Err(LinkError::Ended),
        port => port?,
    };
    PacketLink::open(Box::new(OwnedPort { port, _board: board }), Patience::SIMULATION, session_seed())
}

/// The simulated board's program: beside this one, in the build folder that this one lies in, or in the current folder's.
///
/// # Errors
/// [`LinkError::NotBuilt`].
pub(crate) fn program() -> Result<PathBuf, LinkError> {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.with_file_name(PROGRAM);
    let built = own.ancestors().skip(2).take(2).map(|folder| folder.join("board-sim").join(PROGRAM));
    let here = Path::new("target/board-sim").join(PROGRAM);
    let mut candidates = [beside].into_iter().chain(built).chain([here.clone()]);
    let found = candidates.find(|candidate| candidate.is_file());
    found.ok_or_else(|| LinkError::NotBuilt { program: here.display().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_simulated_board_that_has_ended_says_so() {
        let board = SimulatedBoard::start(Path::new("/bin/sh"), &["-c", "echo /dev/pts/none"]).expect("started");
        assert_eq!(board.port(), "/dev/pts/none");
        let port = OwnedPort { port: Cursor::new(Vec::new()), _board: board };
        let refused = PacketLink::open(port, Patience::SIMULATION, 1).err().expect("nothing answers");
        assert_eq!(refused.to_string(), "the simulated board has ended");
        // A cable's end is another thing.
        let refused =
            PacketLink::open(Cursor::new(Vec::new()), Patience::SIMULATION, 1).err().expect("nothing answers");
        assert!(matches!(refused, LinkError::Unplugged(_)), "{refused}");
    }
}
