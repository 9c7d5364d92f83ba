//! The simulated core alone: a process that runs the Verilated RTL (`sim/core.cpp` tells its requests). No line stands between,
//! so that the host never pauses unless it is told to.

use ernscope::fpga::{Beats, End, Link, LinkError, ReadBack};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{self, Child, ChildStdin, ChildStdout, Stdio};

/// A simulated core. It ends with this.
pub(crate) struct SimulatedCore {
    child: Child,
    requests: BufWriter<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl SimulatedCore {
    /// Starts the program that `packaging/build-board-sim --core` built.
    ///
    /// # Errors
    /// [`LinkError::Start`].
    pub(crate) fn start(program: &Path) -> Result<Self, LinkError> {
        let failed = |error| LinkError::Start { program: program.display().to_string(), error };
        let mut command = process::Command::new(program);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let gone = || failed(std::io::ErrorKind::BrokenPipe.into());
        let requests = BufWriter::new(child.stdin.take().ok_or_else(gone)?);
        let replies = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        Ok(Self { child, requests, replies })
    }

    /// From now on every stream of the core pauses in so many of a thousand cycles, at random.
    ///
    /// # Errors
    /// [`LinkError`].
    pub(crate) fn stall(&mut self, seed: u32, permille: u32) -> Result<(), LinkError> {
        self.request(b'S', seed)?;
        self.requests.write_all(&permille.to_le_bytes()).map_err(LinkError::Unplugged)
    }

    fn send_program(&mut self, words: &[u32]) -> Result<(), LinkError> {
        self.request(b'P', words.len() as u32)?;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.requests.write_all(&bytes).map_err(LinkError::Unplugged)
    }

    /// A request of one number, as `sim/requests.h` tells them.
    ///
    /// # Errors
    /// [`LinkError`].
    pub(crate) fn request(&mut self, kind: u8, number: u32) -> Result<(), LinkError> {
        let [a, b, c, d] = number.to_le_bytes();
        self.requests.write_all(&[kind, a, b, c, d]).map_err(LinkError::Unplugged)
    }

    fn reply(&mut self, kind: u8, count: usize) -> Result<(Vec<u32>, u64), LinkError> {
        self.request(kind, count as u32)?;
        self.requests.flush().map_err(LinkError::Unplugged)?;
        let mut head = [0; 9];
        self.replies.read_exact(&mut head).map_err(LinkError::Unplugged)?;
        let mut bytes = vec![0; count * 4];
        self.replies.read_exact(&mut bytes).map_err(LinkError::Unplugged)?;
        match head[0] {
            0 => return Err(LinkError::Stuck),
            1 => {}
            2 => return Err(LinkError::WrongWeights("too few weights")),
            3 => return Err(LinkError::WrongWeights("too many weights")),
            _ => return Err(LinkError::WrongWeights("weights that are not its program's, or damaged")),
        }
        let words = bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let [_, cycles @ ..] = head;
        Ok((words, u64::from_le_bytes(cycles)))
    }
}

impl Link for SimulatedCore {
    /// A nanosecond a cycle.
    fn clock_khz(&self) -> u32 {
        1_000_000
    }

    fn upload(&mut self, program: &[u32]) -> Result<(), LinkError> {
        self.send_program(program)
    }

    fn stream_weights(&mut self, beats: &[u32]) -> Result<(), LinkError> {
        self.request(b'W', beats.len() as u32)?;
        let bytes: Vec<u8> = beats.iter().flat_map(|beat| beat.to_le_bytes()).collect();
        self.requests.write_all(&bytes).map_err(LinkError::Unplugged)
    }

    fn start(&mut self, end: End, beats: Beats<'_>) -> Result<(), LinkError> {
        self.send_program(&end.words(0))?;
        self.request(b'F', (beats.bytes.len() / beats.size) as u32)?;
        for beat in beats.bytes.chunks_exact(beats.size) {
            let mut bytes = [0; 8];
            bytes[..beat.len()].copy_from_slice(beat);
            self.requests.write_all(&bytes).map_err(LinkError::Unplugged)?;
        }
        Ok(())
    }

    fn results(&mut self, count: usize) -> Result<(Vec<u32>, u64), LinkError> {
        self.reply(b'R', count)
    }

    fn read(&mut self, what: ReadBack, address: usize, words: usize, beats: usize) -> Result<Vec<u32>, LinkError> {
        self.send_program(&what.words(address, words))?;
        Ok(self.reply(b'D', words * beats)?.0)
    }
}

impl Drop for SimulatedCore {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end or to wait for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
