//! The supervisor: has one stage running, and starts another where it crashes, hangs, grows or has no display.

use super::config::WatchedConfig;
use super::figures::{BoothFigures, POINT_EVERY};
use super::log::BoothLog;
use super::orders::order;
use super::restarts::RestartCause;
use super::stage_process::StageProcess;
use super::vital::{StageTimes, VitalSigns};
use sd_notify::NotifyState;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use thiserror::Error;
use web_time::{Duration, Instant};

/// Waited before the next start: after one stage that died soon, after two, and so on.
const BACKOFF_MS: [u64; 6] = [0, 500, 1000, 2000, 5000, 10_000];
/// The longest wait after a stage that was live, or had no display: a display that comes back is wanted at once, and what has lived
/// will live again.
const SHORT_BACKOFF_MS: u64 = 500;
/// Between two looks at the stage.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between two looks at its memory, the configuration, and two words to the service manager.
const TEND_EVERY: Duration = Duration::from_secs(1);
/// A supervisor that looks so late did not run itself: a busy machine, one that slept, or a signal.
const LATE: Duration = Duration::from_secs(1);
/// The exit status of a stage that has no display.
pub(crate) const NO_DISPLAY: u8 = 3;

/// Why the supervisor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoothEnd {
    /// A person left the stage.
    Left,
    /// It was told to stop.
    Stopped,
}

impl fmt::Display for BoothEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "somebody left the stage",
            Self::Stopped => "it was told to stop",
        })
    }
}

/// What became of a stage.
enum StageEnd {
    Booth(BoothEnd),
    Death(StageDeath),
}

/// How a stage died.
struct StageDeath {
    cause: RestartCause,
    words: String,
    was_live: bool,
}

/// Keeps a stage, of which `make` has the command.
pub(crate) struct BoothSupervisor<M> {
    make: M,
    config: WatchedConfig,
    log: BoothLog,
    /// Where the log is where `booth.toml` does not say.
    log_folder: Option<PathBuf>,
    figures: BoothFigures,
    times: StageTimes,
    /// Stages in a row that died soon.
    deaths: usize,
    /// Waited before the next start.
    pause: Duration,
    tended: Instant,
    pointed: Instant,
}

impl<M: FnMut() -> Command> BoothSupervisor<M> {
    pub(crate) fn new(
        make: M,
        config: WatchedConfig,
        log: BoothLog,
        log_folder: Option<PathBuf>,
        figures: BoothFigures,
        times: StageTimes,
    ) -> Self {
        let now = Instant::now();
        Self {
            make,
            config,
            log,
            log_folder,
            figures,
            times,
            deaths: 0,
            pause: Duration::ZERO,
            tended: now,
            pointed: now,
        }
    }

    /// Until a person leaves the stage, or `stop` says so.
    pub(crate) fn run(&mut self, stop: &AtomicBool) -> BoothEnd {
        // At once: a display or a camera may come late, and a booth that waits for one must not be ended for it.
        notify(&NotifyState::Ready);
        for number in 0_u64.. {
            if self.rest(stop) {
                break;
            }
            let started = Instant::now();
            let order = order(&self.config, number == 0);
            let death = match StageProcess::start((self.make)(), order, &self.log) {
                Err(error) => {
                    StageDeath { cause: RestartCause::Unstartable, words: error.to_string(), was_live: false }
                }
                Ok(stage) => match self.follow(stage, stop) {
                    StageEnd::Booth(end) => return end,
                    StageEnd::Death(death) => death,
                },
            };
            self.remember(death, started.elapsed());
        }
        BoothEnd::Stopped
    }

    /// Waits where stages died soon. Whether it was told to stop.
    fn rest(&mut self, stop: &AtomicBool) -> bool {
        let until = Instant::now() + self.pause;
        loop {
            if stop.load(Ordering::Relaxed) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::sleep(left.min(LOOK_EVERY));
            self.tend(None);
        }
    }

    fn remember(&mut self, death: StageDeath, lived: Duration) {
        self.deaths = if lived >= self.times.well { 0 } else { self.deaths + 1 };
        self.pause = pause(&death, self.deaths);
        let StageDeath { cause, words, .. } = death;
        tracing::warn!("the stage {cause} after {} s and is started anew: {words}", lived.as_secs());
        let mut figures = self.figures.get();
        (figures.stage_since, figures.beat, figures.memory_mb) = (None, None, None);
        figures.restarts.add(cause, words, lived);
    }

    /// Until it ends, or has to.
    fn follow(&mut self, mut stage: StageProcess, stop: &AtomicBool) -> StageEnd {
        self.figures.get().stage_since = Some(stage.started);
        let mut signs = VitalSigns::new(stage.started);
        let mut looked = Instant::now();
        loop {
            let beat = stage.beat(LOOK_EVERY);
            let now = Instant::now();
            if stop.load(Ordering::Relaxed) {
                stage.dismiss(self.times.farewell);
                return StageEnd::Booth(BoothEnd::Stopped);
            }
            if let Some((status, words)) = stage.end() {
                return ended(status, &words, signs.is_live());
            }
            let late = now.duration_since(looked).saturating_sub(LATE);
            signs.excuse(late);
            looked = now;
            if let Some(beat) = beat {
                signs.hear(&beat, now);
                self.figures.get().take(beat, now, &self.config.config().privacy);
            }
            let fault = signs.fault(&self.times, now).or_else(|| self.tend(Some(&stage)));
            // Whoever let go of the stage has killed it.
            if let Some((cause, words)) = fault {
                return StageEnd::Death(StageDeath { cause, words, was_live: signs.is_live() });
            }
        }
    }

    /// What is due once a second. What is wrong with the stage's memory.
    fn tend(&mut self, stage: Option<&StageProcess>) -> Option<(RestartCause, String)> {
        let now = Instant::now();
        if now.duration_since(self.tended) < TEND_EVERY {
            return None;
        }
        self.tended = now;
        notify(&NotifyState::Watchdog);
        self.follow_config(stage);
        let memory = stage.and_then(StageProcess::memory_mb);
        let mut figures = self.figures.get();
        figures.memory_mb = memory;
        if now.duration_since(self.pointed) >= POINT_EVERY {
            self.pointed = now;
            figures.remember(now);
        }
        let most = self.config.config().supervision.most_memory_mb;
        let grown = memory.filter(|memory| *memory > most)?;
        Some((RestartCause::Grew, format!("{grown} MB, the limit is {most} MB")))
    }

    fn follow_config(&mut self, stage: Option<&StageProcess>) {
        match self.config.poll() {
            None => {}
            Some(Err(error)) => {
                tracing::warn!("{error}; the version before stays in force");
                self.figures.get().config_fault = Some(error.to_string());
            }
            Some(Ok(())) => {
                let log = &self.config.config().log;
                self.log.move_to(log.folder.clone().or_else(|| self.log_folder.clone()), log.most_mb);
                tracing::info!("booth.toml is read anew and in force");
                self.figures.get().config_fault = None;
                if let Some(stage) = stage {
                    stage.tell(order(&self.config, false));
                }
            }
        }
    }
}

/// How long to wait after so many stages in a row that died soon, and the last one so.
fn pause(last: &StageDeath, deaths: usize) -> Duration {
    let short = last.was_live || last.cause == RestartCause::NoDisplay;
    let most = if short { SHORT_BACKOFF_MS } else { u64::MAX };
    Duration::from_millis(BACKOFF_MS[deaths.saturating_sub(1).min(BACKOFF_MS.len() - 1)].min(most))
}

/// What a stage's end means.
fn ended(status: ExitStatus, words: &str, was_live: bool) -> StageEnd {
    if status.success() {
        return StageEnd::Booth(BoothEnd::Left);
    }
    let no_display = status.code() == Some(NO_DISPLAY.into());
    let cause = if no_display { RestartCause::NoDisplay } else { RestartCause::Crashed };
    let words: String = words.chars().take(200).collect();
    let words = if words.is_empty() { status.to_string() } else { format!("{status}, last words: {words}") };
    StageEnd::Death(StageDeath { cause, words, was_live })
}

/// Where a service manager listens.
fn notify(state: &NotifyState<'_>) {
    // One that does not is no fault of ours, and tells of itself.
    let _ = sd_notify::notify(std::slice::from_ref(state));
}

/// Two booths would fight for the camera and the screen.
#[derive(Debug, Error)]
#[error("a booth runs here already{0}: end that one first, or leave it be")]
pub(crate) struct AnotherBooth(String);

/// Says that a booth runs here, as long as it is held.
#[derive(Debug)]
pub(crate) struct BoothLock {
    _file: Option<File>,
}

impl BoothLock {
    /// Takes it in `folder`. A folder in which nothing can be locked is no reason to have no booth.
    ///
    /// # Errors
    /// [`AnotherBooth`], where another process holds it.
    pub(crate) fn take(folder: &Path) -> Result<Self, AnotherBooth> {
        let path = folder.join("booth.lock");
        let opened = fs::create_dir_all(folder)
            .and_then(|()| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path));
        let locked = opened.map(|file| (file.try_lock(), file));
        match locked {
            Ok((Ok(()), mut file)) => {
                // The number is for people alone.
                let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                Ok(Self { _file: Some(file) })
            }
            Ok((Err(TryLockError::WouldBlock), file)) => {
                let mut number = String::new();
                let read = file.take(20).read_to_string(&mut number).is_ok() && number.parse::<u32>().is_ok();
                Err(AnotherBooth(if read { format!(" (process {number})") } else { String::new() }))
            }
            Ok((Err(TryLockError::Error(error)), _)) | Err(error) => {
                tracing::warn!(
                    "nobody can tell whether another booth runs, {} cannot be locked: {error}",
                    path.display()
                );
                Ok(Self { _file: None })
            }
        }
    }
}

#[cfg(test)]
mod tests;
