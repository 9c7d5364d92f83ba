//! The simulated board: a process that runs the Verilated RTL (`sim/main.cpp` tells its requests).

use super::{Link, LinkError};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A simulated board. It ends with this.
pub struct SimulatedBoard {
    child: Child,
    requests: BufWriter<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl SimulatedBoard {
    /// Starts the program that `packaging/build-board-sim` built.
    ///
    /// # Errors
    /// [`LinkError::Start`].
    pub fn start(program: &Path) -> Result<Self, LinkError> {
        let failed = |source| LinkError::Start { program: program.display().to_string(), source };
        let mut command = Command::new(program);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let gone = || failed(std::io::ErrorKind::BrokenPipe.into());
        let requests = BufWriter::new(child.stdin.take().ok_or_else(gone)?);
        let replies = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        Ok(Self { child, requests, replies })
    }

    /// From now on every stream of the board pauses in so many of a thousand cycles, at random.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn stall(&mut self, seed: u32, permille: u32) -> Result<(), LinkError> {
        self.request(b'S', seed)?;
        self.requests.write_all(&permille.to_le_bytes())?;
        Ok(())
    }

    fn request(&mut self, kind: u8, number: u32) -> Result<(), LinkError> {
        self.requests.write_all(&[kind])?;
        self.requests.write_all(&number.to_le_bytes())?;
        Ok(())
    }

    fn reply(&mut self, kind: u8, count: usize) -> Result<(Vec<u32>, u64), LinkError> {
        self.request(kind, count as u32)?;
        self.requests.flush()?;
        let mut head = [0; 9];
        self.replies.read_exact(&mut head)?;
        let mut bytes = vec![0; count * 4];
        self.replies.read_exact(&mut bytes)?;
        if head[0] == 0 {
            return Err(LinkError::Silent);
        }
        let words = bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let [_, cycles @ ..] = head;
        Ok((words, u64::from_le_bytes(cycles)))
    }
}

impl Link for SimulatedBoard {
    fn send_program(&mut self, words: &[u32]) -> Result<(), LinkError> {
        self.request(b'P', words.len() as u32)?;
        for word in words {
            self.requests.write_all(&word.to_le_bytes())?;
        }
        Ok(())
    }

    fn send_frame(&mut self, beats: &[u64]) -> Result<(), LinkError> {
        self.request(b'F', beats.len() as u32)?;
        for beat in beats {
            self.requests.write_all(&beat.to_le_bytes())?;
        }
        Ok(())
    }

    fn read_back(&mut self, count: usize) -> Result<Vec<u32>, LinkError> {
        Ok(self.reply(b'D', count)?.0)
    }

    fn results(&mut self, count: usize) -> Result<(Vec<u32>, u64), LinkError> {
        self.reply(b'R', count)
    }
}

impl Drop for SimulatedBoard {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end or to wait for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
