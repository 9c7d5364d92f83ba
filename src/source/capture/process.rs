//! Our side of a capture process: start it, listen to it, kill it when it falls silent.

use super::super::error::{CameraFault, SourceError, one_line};
use super::super::picture::Picture;
use super::super::{CameraInfo, Polled, Source};
use super::{CapturedFrame, Message, ProtocolError, read_message};
use std::io::BufReader;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a camera may take for its first frame (opening it, the first exposure).
pub(crate) const FIRST_FRAME: Duration = Duration::from_secs(5);

/// How long a camera may pause between two frames.
pub(crate) const STALL: Duration = Duration::from_secs(2);

/// How long a killed process may take to disappear before we stop waiting for it. One that hangs in the kernel takes longer.
const REAP: Duration = Duration::from_secs(1);

/// A camera, read by a process of its own. Dropping it kills the process.
pub(crate) struct CapturedCamera {
    camera: CameraInfo,
    child: Option<Child>,
    /// Held open: the process ends when it closes.
    _stdin: Option<ChildStdin>,
    inbox: Arc<Inbox>,
    reader: Option<JoinHandle<()>>,
    /// When the last frame came, or the process was started.
    heard: Instant,
    last_sequence: Option<u64>,
}

impl CapturedCamera {
    /// Starts `command` as the capture process of `camera`. Returns at once; frames and faults come from [`Source::next`].
    ///
    /// # Errors
    /// Where the system gives no process or no thread.
    pub(crate) fn start(camera: CameraInfo, mut command: Command) -> Result<Self, SourceError> {
        let refused = |what: &str, error: &std::io::Error| SourceError::System {
            what: what.to_owned(),
            why: one_line(&error.to_string()),
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C is for us: the process ends with us, and until then a camera is not lost.
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| refused("capture process", &error))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let inbox = Arc::new(Inbox::default());
        let theirs = Arc::clone(&inbox);
        let listen = move || stdout.map_or((), |stdout| listen(stdout, &theirs));
        let reader = thread::Builder::new().name("camera".to_owned()).spawn(listen);
        let reader = reader.map_err(|error| {
            let _ = child.kill().and_then(|()| child.wait());
            refused("thread", &error)
        })?;
        let (child, reader, heard) = (Some(child), Some(reader), Instant::now());
        Ok(Self { camera, child, _stdin: stdin, inbox, reader, heard, last_sequence: None })
    }

    fn fault(&self, fault: CameraFault, detail: String) -> SourceError {
        SourceError::Camera { name: self.name(), fault, detail }
    }

    /// The frame as a picture, with the number of those that were lost before it.
    fn picture(&mut self, frame: CapturedFrame, received: Instant) -> Picture {
        let expected = self.last_sequence.map_or(frame.sequence, |last| last.wrapping_add(1));
        self.last_sequence = Some(frame.sequence);
        self.heard = Instant::now();
        Picture {
            captured: received.checked_sub(frame.age).unwrap_or(received),
            skipped: frame.sequence.saturating_sub(expected),
            ..Picture::new(frame.width, frame.height, frame.rgb)
        }
    }
}

impl Source for CapturedCamera {
    fn name(&self) -> String {
        self.camera.to_string()
    }

    fn rate(&self) -> Option<f32> {
        None
    }

    fn next(&mut self, patience: Duration) -> Result<Polled, SourceError> {
        match self.inbox.take(patience) {
            Some(Letter::Frame(frame, received)) => Ok(Polled::Picture(self.picture(frame, received))),
            Some(Letter::End(fault, detail)) => Err(self.fault(fault, detail)),
            None => {
                let limit = if self.last_sequence.is_none() { FIRST_FRAME } else { STALL };
                if self.heard.elapsed() < limit {
                    return Ok(Polled::NotYet);
                }
                Err(self.fault(CameraFault::Stalled, format!("no frame for {} s", limit.as_secs())))
            }
        }
    }
}

impl Drop for CapturedCamera {
    fn drop(&mut self) {
        let (Some(mut child), Some(reader)) = (self.child.take(), self.reader.take()) else { return };
        // It fails only where the process is gone already.
        let _ = child.kill();
        let deadline = Instant::now() + REAP;
        while Instant::now() < deadline {
            if !matches!(child.try_wait(), Ok(None)) {
                let _ = reader.join();
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
        // It hangs in the kernel. A thread of its own waits for it, so that we need not.
        let _ = thread::Builder::new().spawn(move || child.wait());
    }
}

/// What came from the process and was not taken yet: the newest frame, then its last words.
#[derive(Default)]
struct Inbox {
    content: Mutex<Content>,
    arrived: Condvar,
}

#[derive(Default)]
struct Content {
    frame: Option<(CapturedFrame, Instant)>,
    end: Option<(CameraFault, String)>,
}

enum Letter {
    Frame(CapturedFrame, Instant),
    End(CameraFault, String),
}

impl Inbox {
    fn put(&self, change: impl FnOnce(&mut Content)) {
        change(&mut self.content.lock().unwrap_or_else(PoisonError::into_inner));
        self.arrived.notify_one();
    }

    /// Waits at most `patience`.
    fn take(&self, patience: Duration) -> Option<Letter> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = |content: &mut Content| content.frame.is_none() && content.end.is_none();
        let waited = self.arrived.wait_timeout_while(content, patience, nothing);
        let (mut content, _): (MutexGuard<'_, Content>, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let frame = content.frame.take().map(|(frame, received)| Letter::Frame(frame, received));
        frame.or_else(|| content.end.clone().map(|(fault, detail)| Letter::End(fault, detail)))
    }
}

/// Reads the process's messages until there are no more.
fn listen(stdout: ChildStdout, inbox: &Inbox) {
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    let end = loop {
        match read_message(&mut stdout) {
            Ok(Message::Frame(frame)) => inbox.put(|content| content.frame = Some((frame, Instant::now()))),
            Ok(Message::Fault { fault, detail }) => break (fault, detail),
            Err(error @ (ProtocolError::Ended | ProtocolError::CutShort)) => {
                break (CameraFault::Crashed, error.to_string());
            }
            Err(error) => break (CameraFault::Crashed, one_line(&error.to_string())),
        }
    };
    inbox.put(|content| content.end = Some(end));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The process group of the process that `stat` tells of.
    fn group(stat: &str) -> &str {
        stat.rsplit(") ").next().and_then(|fields| fields.split(' ').nth(2)).unwrap()
    }

    /// Ctrl-C goes to the group of the terminal's foreground.
    #[test]
    fn the_process_is_of_another_group_than_we() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("stat");
        let mut command = Command::new("sh");
        command.args(["-c", "cat /proc/self/stat > \"$0.part\"; mv \"$0.part\" \"$0\"; exec cat"]).arg(&told);
        let camera = CapturedCamera::start(CameraInfo { index: 0, name: "fake".to_owned() }, command).unwrap();
        let start = Instant::now();
        while !told.exists() {
            assert!(start.elapsed() < Duration::from_secs(20));
            thread::sleep(Duration::from_millis(5));
        }
        let (theirs, ours) = (fs::read_to_string(&told).unwrap(), fs::read_to_string("/proc/self/stat").unwrap());
        assert_ne!(group(&theirs), group(&ours));
        drop(camera);
    }
}
