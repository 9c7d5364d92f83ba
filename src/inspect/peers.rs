//! Other runtimes, timed beside our own engines: processes that run a network as often as they are asked, a line of JSON a
//! question and a line an answer. `benches/peers` has them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use thiserror::Error;

/// What starts a peer, from the root of a clone: without arguments it names them, with a name and a number of threads it
/// becomes one.
pub const SERVE: &str = "benches/peers/serve";

/// Why a peer gave no figure.
#[derive(Debug, Error)]
pub enum PeerError {
    /// It could not be started.
    #[error("cannot start {SERVE}: {0}; run this in the root of a clone of Ernscope")]
    Start(io::Error),
    /// The pipe broke: it ended.
    #[error("it ended: {0}")]
    Ended(io::Error),
    /// It said something else than it should.
    #[error("its answer cannot be read: {0}")]
    Answer(serde_json::Error),
    /// It says why it cannot run.
    #[error("{0}")]
    Refused(String),
}

/// A runtime in a process of its own.
pub struct Peer {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    runtime: String,
    networks: Vec<String>,
}

/// The first line that a peer says.
#[derive(Deserialize)]
struct Greeting {
    runtime: String,
    #[serde(default)]
    networks: Vec<String>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Question<'a> {
    network: &'a str,
    frames: usize,
}

#[derive(Deserialize)]
struct Answer {
    ms: Vec<f32>,
}

impl Peer {
    /// The names of all.
    ///
    /// # Errors
    /// [`PeerError::Start`].
    pub fn names() -> Result<Vec<String>, PeerError> {
        let output = Command::new(SERVE).output().map_err(PeerError::Start)?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// Starts the one called `name`, and waits until it has loaded its networks.
    ///
    /// # Errors
    /// [`PeerError`], most often [`PeerError::Refused`] of one that is not installed.
    pub fn start(name: &str, threads: usize) -> Result<Self, PeerError> {
        let mut command = Command::new(SERVE);
        command.args([name, &threads.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(PeerError::Start)?;
        let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(PeerError::Start(io::ErrorKind::BrokenPipe.into()));
        };
        let answers = BufReader::new(answers);
        let mut peer = Self { process, questions, answers, runtime: String::new(), networks: Vec::new() };
        let greeting: Greeting = peer.hear()?;
        if let Some(reason) = greeting.error {
            return Err(PeerError::Refused(reason));
        }
        (peer.runtime, peer.networks) = (greeting.runtime, greeting.networks);
        Ok(peer)
    }

    /// Its name and version.
    pub fn runtime(&self) -> &str {
        &self.runtime
    }

    /// What it can run.
    pub fn networks(&self) -> &[String] {
        &self.networks
    }

    /// Times of `frames` frames in ms, behind one that it does not time.
    ///
    /// # Errors
    /// [`PeerError::Ended`], [`PeerError::Answer`].
    pub fn run(&mut self, network: &str, frames: usize) -> Result<Vec<f32>, PeerError> {
        let question = serde_json::to_string(&Question { network, frames }).map_err(PeerError::Answer)?;
        writeln!(self.questions, "{question}").map_err(PeerError::Ended)?;
        self.hear().map(|Answer { ms }| ms)
    }

    fn hear<T: DeserializeOwned>(&mut self) -> Result<T, PeerError> {
        let mut line = String::new();
        if self.answers.read_line(&mut line).map_err(PeerError::Ended)? == 0 {
            return Err(PeerError::Ended(io::ErrorKind::UnexpectedEof.into()));
        }
        serde_json::from_str(&line).map_err(PeerError::Answer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Whatever it is at, nobody waits for it any more; what cannot be ended has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
