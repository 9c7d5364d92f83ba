//! The booth's log: lines of the supervisor and of the stage, in a few files that take each other's place, so that together they stay
//! below a limit. What cannot be written is counted, and the booth goes on.

use crate::text::one_line;
use crossbeam_channel::{Sender, bounded};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// Files, the one that is written included.
const FILES: u64 = 4;
/// The longest line, in characters.
const LONGEST_LINE: usize = 2000;

/// Lines that wait for a stderr that nobody reads; more are left out there.
const MOST_WAITING: usize = 100;

/// The log, to be shared by all who write to it. What it is told goes to stderr too, which nobody waits for: a terminal may be held.
#[derive(Clone, Debug)]
pub(crate) struct BoothLog {
    files: Arc<Mutex<LogFiles>>,
    stderr: Sender<String>,
}

#[derive(Debug)]
struct LogFiles {
    /// `None` where there is no place for files.
    folder: Option<PathBuf>,
    /// The largest file, in bytes.
    most: u64,
    open: Option<(File, u64)>,
    lost: u64,
}

impl BoothLog {
    /// Writes into `folder`, `most_mb` at most.
    pub(crate) fn new(folder: Option<PathBuf>, most_mb: u64) -> Self {
        let files = LogFiles { folder, most: (most_mb << 20) / FILES, open: None, lost: 0 };
        let (stderr, lines) = bounded::<String>(MOST_WAITING);
        // Without a thread the files have the lines, and without a reader nobody misses them.
        let print = move || lines.iter().for_each(|line| drop(writeln!(io::stderr(), "{line}")));
        let _ = thread::Builder::new().name("stderr".into()).spawn(print);
        Self { files: Arc::new(Mutex::new(files)), stderr }
    }

    /// The same from now on elsewhere, or with another limit.
    pub(super) fn move_to(&self, folder: Option<PathBuf>, most_mb: u64) {
        let mut files = self.files();
        if files.folder != folder {
            (files.folder, files.open) = (folder, None);
        }
        files.most = (most_mb << 20) / FILES;
    }

    /// Adds a line.
    pub(super) fn line(&self, text: &str) {
        let text = one_line(&text.chars().take(LONGEST_LINE).collect::<String>());
        self.files().add(&text);
        let _ = self.stderr.try_send(text);
    }

    fn files(&self) -> MutexGuard<'_, LogFiles> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogFiles {
    fn add(&mut self, text: &str) {
        let Some(folder) = self.folder.clone() else { return };
        let mut line = String::new();
        // A clock cannot fail to be written into a text.
        let _ = SystemTime.format_time(&mut Writer::new(&mut line));
        if self.lost > 0 {
            line += &format!(" ({} lines before could not be written)", self.lost);
        }
        line += &format!(" {text}\n");
        match self.write(&folder, line.as_bytes()) {
            Ok(()) => self.lost = 0,
            Err(_) => (self.open, self.lost) = (None, self.lost + 1),
        }
    }

    fn write(&mut self, folder: &Path, line: &[u8]) -> io::Result<()> {
        let (file, length) = match &mut self.open {
            Some(open) if open.1 + line.len() as u64 <= self.most => open,
            open => {
                *open = None;
                open.insert(next_file(folder, self.most.saturating_sub(line.len() as u64))?)
            }
        };
        file.write_all(line)?;
        *length += line.len() as u64;
        Ok(())
    }
}

/// The file to write on, with its length: the newest one where it has not more than `most` bytes, or else a new one.
fn next_file(folder: &Path, most: u64) -> io::Result<(File, u64)> {
    let name = |number: u64| match number {
        0 => folder.join("booth.log"),
        _ => folder.join(format!("booth.{number}.log")),
    };
    fs::create_dir_all(folder)?;
    if fs::metadata(name(0)).is_ok_and(|newest| newest.len() > most) {
        for number in (1..FILES).rev() {
            match fs::rename(name(number - 1), name(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    let file = OpenOptions::new().create(true).append(true).open(name(0))?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// A line of the supervisor's own.
pub(crate) struct OwnLine {
    log: BoothLog,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for BoothLog {
    type Writer = OwnLine;

    fn make_writer(&'a self) -> OwnLine {
        OwnLine { log: self.clone(), text: Vec::new() }
    }
}

impl Write for OwnLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for OwnLine {
    fn drop(&mut self) {
        self.log.line(String::from_utf8_lossy(&self.text).trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(folder: &Path) -> Vec<u64> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable"));
        entries.map(|entry| entry.metadata().expect("a file").len()).collect()
    }

    #[test]
    fn all_files_together_stay_below_the_limit_and_the_newest_lines_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = folder.path().join("deep").join("logs");
        let log = BoothLog::new(Some(logs.clone()), 1);
        let mut files = log.files();
        for number in 0..3000 {
            files.add(&format!("{number} {}", "x".repeat(1000)));
        }
        let sizes = sizes(&logs);
        assert!(sizes.len() == 4 && sizes.iter().sum::<u64>() <= 1 << 20, "{sizes:?}");
        let newest = fs::read_to_string(logs.join("booth.log")).expect("text");
        assert!(newest.lines().last().is_some_and(|line| line.contains(" 2999 x")));
        drop(files);
        BoothLog::new(Some(logs.clone()), 1).line("once more\u{7}");
        assert!(fs::read_to_string(logs.join("booth.log")).expect("text").ends_with(" once more\\u{7}\n"));
    }

    #[test]
    fn where_nothing_can_be_written_it_goes_on_and_says_so_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = folder.path().join("logs");
        fs::write(&logs, "no folder").expect("written");
        let log = BoothLog::new(Some(logs.clone()), 1);
        log.line("lost");
        log.line("lost too");
        fs::remove_file(&logs).expect("removed");
        log.line("kept");
        let text = fs::read_to_string(logs.join("booth.log")).expect("text");
        assert!(text.ends_with(" (2 lines before could not be written) kept\n"), "{text}");
        log.move_to(Some(folder.path().to_owned()), 1);
        log.line("elsewhere");
        assert!(fs::read_to_string(folder.path().join("booth.log")).expect("text").ends_with(" elsewhere\n"));
    }

    /// The system's device that is always full.
    #[test]
    fn a_full_disk_ends_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("/dev/full", folder.path().join("booth.log")).expect("a link");
        let log = BoothLog::new(Some(folder.path().to_owned()), 1);
        log.line("lost");
        assert_eq!(log.files().lost, 1);
    }
}
