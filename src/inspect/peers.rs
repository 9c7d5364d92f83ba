//! Other runtimes, timed beside our own engines: processes that run a network as often as they are asked, a line of JSON a
//! question and a line an answer. A program names them, a line each, when it is started without arguments; with a name and a
//! number of threads it becomes one of them. `benches/peers/serve` is such a program.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use thiserror::Error;

/// Why a peer gave no figure.
#[derive(Debug, Error)]
pub(crate) enum PeerError {
    /// It could not be started.
    #[error("cannot start {}: {why}; run this in the root of a clone of Ernscope", program.display())]
    Start {
        /// What should have been started.
        program: PathBuf,
        /// What the system says.
        why: io::Error,
    },
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
pub(crate) struct Peer {
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
struct PeerAnswer {
    ms: Vec<f32>,
}

impl Peer {
    /// The names of all that `program` knows.
    ///
    /// # Errors
    /// [`PeerError::Start`].
    pub(crate) fn names(program: &Path) -> Result<Vec<String>, PeerError> {
        let started = Command::new(program).output();
        let output = started.map_err(|why| PeerError::Start { program: program.to_owned(), why })?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// Starts the one called `name`, and waits until it has loaded its networks.
    ///
    /// # Errors
    /// [`PeerError`], most often [`PeerError::Refused`] of one that is not installed.
    pub(crate) fn start(program: &Path, name: &str, threads: usize) -> Result<Self, PeerError> {
        let mut command = Command::new(program);
        command.args([name, &threads.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|why| PeerError::Start { program: program.to_owned(), why })?;
        let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(PeerError::Ended(io::ErrorKind::BrokenPipe.into()));
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
    pub(crate) fn runtime(&self) -> &str {
        &self.runtime
    }

    /// What it can run.
    pub(crate) fn networks(&self) -> &[String] {
        &self.networks
    }

    /// Times of `frames` frames in ms, behind one that it does not time.
    ///
    /// # Errors
    /// [`PeerError::Ended`], [`PeerError::Answer`].
    pub(crate) fn run(&mut self, network: &str, frames: usize) -> Result<Vec<f32>, PeerError> {
        let question = serde_json::to_string(&Question { network, frames }).map_err(PeerError::Answer)?;
        writeln!(self.questions, "{question}").map_err(PeerError::Ended)?;
        self.hear().map(|PeerAnswer { ms }| ms)
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Answers the first question, and ends at the second.
    const PROGRAM: &str = r#"#!/bin/sh
case "$1" in
'') printf 'good\nbad\nmute\n' ;;
good)
    printf '{"runtime":"Good 1.0, %s threads","networks":["resnet18"]}\n' "$2"
    read -r question
    [ "$question" = '{"network":"resnet18","frames":2}' ] && echo '{"ms":[1.5,2.5]}' || echo "$question"
    ;;
bad) echo '{"runtime":"bad","error":"it is not installed"}' ;;
mute) ;;
esac
"#;

    fn program(folder: &Path) -> PathBuf {
        let path = folder.join("serve");
        std::fs::write(&path, PROGRAM).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        path
    }

    #[test]
    fn a_peer_is_asked_and_answers() {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path());
        assert_eq!(Peer::names(&program).unwrap(), ["good", "bad", "mute"]);
        let mut peer = Peer::start(&program, "good", 2).unwrap();
        assert_eq!((peer.runtime(), peer.networks()), ("Good 1.0, 2 threads", &["resnet18".to_owned()][..]));
        assert_eq!(peer.run("resnet18", 2).unwrap(), [1.5, 2.5]);
        assert!(matches!(peer.run("resnet18", 2), Err(PeerError::Ended(_))));
    }

    #[test]
    fn a_peer_that_cannot_run_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path());
        let reason = |name| Peer::start(&program, name, 1).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(reason("bad"), "it is not installed");
        assert!(reason("mute").starts_with("it ended: "));
        let missing = Peer::names(&folder.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains("none: ") && missing.ends_with("in the root of a clone of Ernscope"), "{missing}");
    }
}
