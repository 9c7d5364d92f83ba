//! The morning check, behind the title: a booth's first seconds. Whatever it finds, the stage goes on.

use crate::host::threads;
use crate::selftest::{Finding, FindingState, SelfTest};
use crossbeam_channel::{Receiver, TryRecvError, unbounded};

/// The check, while it runs.
pub(super) struct Opening {
    findings: Receiver<Finding>,
    faults: Vec<String>,
}

impl Opening {
    /// Begins it; without a thread there is none.
    pub(super) fn begin(check: SelfTest) -> Option<Self> {
        let (sender, findings) = unbounded();
        // The stage listens until the sender is gone.
        let work = move || check.run(&mut |finding| drop(sender.send(finding)));
        let begun = threads::spawn("selftest", work);
        if let Err(error) = &begun {
            tracing::warn!("there is no morning check: the system gives no thread for it ({error})");
        }
        begun.ok().map(|_| Self { findings, faults: Vec::new() })
    }

    /// What was found, in words, once it is over; everything goes to the log.
    pub(super) fn end(&mut self) -> Option<String> {
        loop {
            match self.findings.try_recv() {
                Ok(finding) => self.hear(&finding),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => return Some(self.summary()),
            }
        }
    }

    fn hear(&mut self, finding: &Finding) {
        if finding.state == FindingState::Fault {
            tracing::warn!("morning check: {finding}");
            self.faults.push(format!("{}: {}", finding.name, finding.says));
        } else {
            tracing::info!("morning check: {finding}");
        }
    }

    fn summary(&self) -> String {
        match self.faults.len() {
            0 => "all is well".to_owned(),
            count => format!("{count} faults, see the log: {}", self.faults.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use web_time::{Duration, Instant};

    #[test]
    fn it_comes_to_its_end_and_says_what_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let keep_in = vec![folder.path().to_owned()];
        let source = crate::source::SourceChoice::from_argument("demo:1".into()).ok();
        let engine = "fpga:/dev/no-such-port".parse().ok();
        let check = SelfTest { model: None, engine, source, keep_in, display: false, within: Duration::from_secs(60) };
        let mut opening = Opening::begin(check).expect("a thread");
        let begun = Instant::now();
        let says = loop {
            assert!(begun.elapsed() < Duration::from_secs(120), "it does not end");
            match opening.end() {
                Some(says) => break says,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        assert!(says.contains("board fpga:/dev/no-such-port: "), "{says}");
    }
}
