//! The stage as a process: its pipes, and its end with all that it started.

use super::heartbeat::{Heartbeat, hear};
use super::lines::each_line;
use super::log::BoothLog;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use web_time::{Duration, Instant};

/// The longest line of the stage's log that is taken, in bytes.
const LONGEST_LINE: usize = 8 << 10;
/// How long a killed process may take to disappear before nobody waits for it. One that hangs in the kernel takes longer.
const REAP: Duration = Duration::from_secs(1);
/// How long the last words of a stage may take from its end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A running stage. Dropping it kills it.
pub(super) struct StageProcess {
    child: Child,
    /// Without it the pipe closes that the stage lives by.
    orders: Option<Sender<String>>,
    beats: Receiver<Heartbeat>,
    /// The last line of its log, and who reads it.
    words: Arc<Mutex<String>>,
    log_reader: JoinHandle<()>,
    pub(super) started: Instant,
    reaped: bool,
}

impl StageProcess {
    /// Starts `command`, with a first order.
    ///
    /// # Errors
    /// Where the system gives no process or no thread.
    pub(super) fn start(mut command: Command, order: String, log: &BoothLog) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        // What the service manager is told is told by the supervisor alone.
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
        let mut child = command.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("no pipes"));
        };
        let (orders, ordered) = unbounded();
        let (beat, beats) = bounded(64);
        let words = Arc::new(Mutex::new(String::new()));
        let (log, last) = (log.clone(), words.clone());
        // The stage may not read for a while: no write to it may be waited for. It fails where the stage is gone.
        let write = move |mut stdin: std::process::ChildStdin| {
            ordered.iter().try_for_each(|order: String| stdin.write_all(order.as_bytes()))
        };
        let take_line = move |line: &str| {
            log.line(line);
            line.clone_into(&mut last.lock().unwrap_or_else(PoisonError::into_inner));
        };
        let spawn = |name: &str| thread::Builder::new().name(name.into());
        let threads = spawn("orders")
            .spawn(move || drop(write(stdin)))
            .and_then(|_| spawn("heartbeat").spawn(move || hear(stdout, |told| drop(beat.send(told)))))
            .and_then(|_| spawn("log").spawn(move || each_line(stderr, LONGEST_LINE, take_line)));
        let log_reader = threads.inspect_err(|_| {
            let _ = child.kill().and_then(|()| child.wait());
        })?;
        let stage =
            Self { child, orders: Some(orders), beats, words, log_reader, started: Instant::now(), reaped: false };
        stage.tell(order);
        Ok(stage)
    }

    pub(super) fn tell(&self, order: String) {
        if let Some(orders) = &self.orders {
            // Whoever wrote them ends only with the stage.
            let _ = orders.send(order);
        }
    }

    /// The next beat, waited for at most so long.
    pub(super) fn beat(&self, patience: Duration) -> Option<Heartbeat> {
        let beat = self.beats.recv_timeout(patience);
        if beat == Err(RecvTimeoutError::Disconnected) {
            thread::sleep(patience);
        }
        beat.ok()
    }

    /// How it ended, where it did, and its last words.
    pub(super) fn end(&mut self) -> Option<(ExitStatus, String)> {
        // A status that cannot be asked for is one that will be.
        let status = self.child.try_wait().ok().flatten()?;
        self.reaped = true;
        // What it started and left has its pipes yet.
        self.kill_group();
        let deadline = Instant::now() + LAST_WORDS;
        while !self.log_reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        Some((status, self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }

    /// What it holds in memory; `None` where the system does not tell.
    pub(super) fn memory_mb(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
    }

    /// Asks it to end, and kills it where it does not within this time.
    pub(super) fn dismiss(mut self, farewell: Duration) {
        self.orders = None;
        let deadline = Instant::now() + farewell;
        while Instant::now() < deadline && self.end().is_none() {
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn kill_group(&self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It fails where nobody is left.
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    }
}

impl Drop for StageProcess {
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        self.kill_group();
        let deadline = Instant::now() + REAP;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
        tracing::warn!("the stage that was killed hangs in the kernel: process {}", self.child.id());
        let late = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // Nobody waits for it here. Without a thread its entry stays until we end.
        let _ = thread::Builder::new().name("reaper".into()).spawn(move || waitpid(late, WaitOptions::empty()));
    }
}
