//! Our side of a capture process: start it, listen to it, kill it when it falls silent.

use super::{CapturedFrame, Message, Order, ProtocolError, read_message};
use crate::source::camera_info::CameraInfo;
use crate::source::error::{CameraFault, SourceError};
use crate::source::interface::{Polled, Source};
use crate::source::picture::Picture;
use crate::text::one_line;
use std::io::{BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use web_time::{Duration, Instant};

/// How long a camera may take for its first frame (opening it, the first exposure).
pub(crate) const FIRST_FRAME: Duration = Duration::from_secs(5);

/// How long a camera may pause between two frames.
pub(crate) const STALL: Duration = Duration::from_secs(2);

/// How long a camera may deliver nothing but frames that cannot be decoded.
pub(crate) const UNDECODABLE: Duration = Duration::from_secs(5);

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
    /// When the last good frame came, or the process was started.
    heard: Instant,
    /// When anything came last, good or not.
    told: Instant,
    /// Whether there was a good one.
    delivered: bool,
    /// What was wrong with the last frame that could not be decoded, where no good one came since.
    undecodable: Option<String>,
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
        Ok(Self {
            camera,
            child,
            _stdin: stdin,
            inbox,
            reader,
            heard,
            told: heard,
            delivered: false,
            undecodable: None,
        })
    }

    fn fault(&self, fault: CameraFault, detail: String) -> SourceError {
        SourceError::Camera { name: self.name(), fault, detail }
    }

    /// The frame as a picture, with the number of those that were lost before it.
    fn picture(&mut self, frame: CapturedFrame, received: Instant, skipped: u64) -> Picture {
        (self.heard, self.delivered, self.undecodable) = (Instant::now(), true, None);
        self.told = self.heard;
        let captured = received.checked_sub(frame.age).unwrap_or(received);
        Picture { captured, skipped, ..Picture::new(frame.width, frame.height, frame.rgb) }
    }

    /// Why the camera is given up, where no good frame has come for too long.
    fn given_up(&self) -> Option<SourceError> {
        let limit = if self.delivered || self.undecodable.is_some() { STALL } else { FIRST_FRAME };
        if self.told.elapsed() >= limit {
            return Some(self.fault(CameraFault::Stalled, format!("no frame for {} s", limit.as_secs())));
        }
        let why = self.undecodable.clone().filter(|_| self.heard.elapsed() >= UNDECODABLE)?;
        Some(self.fault(CameraFault::Undecodable, why))
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
        let polled = match self.inbox.take(patience) {
            Some(Letter::Frame { frame, received, skipped }) => {
                return Ok(Polled::Picture(self.picture(frame, received, skipped)));
            }
            Some(Letter::End(fault, detail)) => return Err(self.fault(fault, detail)),
            Some(Letter::Undecodable(count, why)) => {
                (self.undecodable, self.told) = (Some(why.clone()), Instant::now());
                Polled::LeftOut { count, why: self.fault(CameraFault::Undecodable, why) }
            }
            None => Polled::NotYet,
        };
        self.given_up().map_or(Ok(polled), Err)
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

/// What came from the process and was not taken yet: what it could not decode, the newest frame, then its last words.
#[derive(Default)]
struct Inbox {
    content: Mutex<Content>,
    arrived: Condvar,
}

#[derive(Default)]
struct Content {
    /// How many, and what is wrong with the first of them.
    undecodable: Option<(u64, String)>,
    frame: Option<(CapturedFrame, Instant)>,
    /// Frames before that one that got lost, or gave way to it.
    skipped: u64,
    end: Option<(CameraFault, String)>,
}

enum Letter {
    Undecodable(u64, String),
    Frame { frame: CapturedFrame, received: Instant, skipped: u64 },
    End(CameraFault, String),
}

impl Content {
    fn is_empty(&self) -> bool {
        self.undecodable.is_none() && self.frame.is_none() && self.end.is_none()
    }

    fn take(&mut self) -> Option<Letter> {
        if let Some((count, why)) = self.undecodable.take() {
            return Some(Letter::Undecodable(count, why));
        }
        if let Some((frame, received)) = self.frame.take() {
            return Some(Letter::Frame { frame, received, skipped: std::mem::take(&mut self.skipped) });
        }
        self.end.clone().map(|(fault, detail)| Letter::End(fault, detail))
    }
}

impl Inbox {
    fn put(&self, change: impl FnOnce(&mut Content)) {
        change(&mut self.content.lock().unwrap_or_else(PoisonError::into_inner));
        self.arrived.notify_one();
    }

    /// Waits at most `patience`.
    fn take(&self, patience: Duration) -> Option<Letter> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.arrived.wait_timeout_while(content, patience, |content| content.is_empty());
        let (mut content, _): (MutexGuard<'_, Content>, _) = waited.unwrap_or_else(PoisonError::into_inner);
        content.take()
    }
}

/// Reads the process's messages until there are no more.
fn listen(stdout: ChildStdout, inbox: &Inbox) {
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    let mut order = Order::default();
    let end = loop {
        match hear(&mut stdout, &mut order, inbox) {
            Ok(None) => {}
            Ok(Some(last_words)) => break last_words,
            Err(error) => break (CameraFault::Crashed, one_line(&error.to_string())),
        }
    };
    inbox.put(|content| content.end = Some(end));
}

/// Reads one message; gives the last one, a fault.
fn hear(
    stdout: &mut impl Read,
    order: &mut Order,
    inbox: &Inbox,
) -> Result<Option<(CameraFault, String)>, ProtocolError> {
    match read_message(stdout)? {
        Message::Frame(frame) => {
            let lost = order.lost_before(frame.sequence)?;
            inbox.put(|content| {
                let replaced = content.frame.replace((frame, Instant::now())).is_some();
                content.skipped += lost + u64::from(replaced);
            });
        }
        Message::Undecodable { sequence, why } => {
            let lost = order.lost_before(sequence)?;
            inbox.put(|content| {
                content.skipped += lost;
                content.undecodable.get_or_insert((0, why)).0 += 1;
            });
        }
        Message::Fault { fault, detail } => return Ok(Some((fault, detail))),
    }
    Ok(None)
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
