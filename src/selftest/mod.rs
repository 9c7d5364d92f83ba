//! The morning check: whether this machine does what it is here for. Engines on pictures whose answers are known, a network's copy,
//! the camera, the board, display and graphics, room to write, the clock: a file a check.
//!
//! Every check has a thread of its own, since what is broken may block for ever; one that takes too long is a fault, and the next one
//! is told of all the same.

mod board;
mod camera;
mod clock;
mod copy;
mod disk;
#[cfg(feature = "app")]
mod display;
mod engines;
mod finding;
mod golden;

use finding::Tell;
pub(crate) use finding::{Finding, FindingState};

use crate::engines::EngineChoice;
use crate::host::threads;
use crate::network::ModelChoice;
use crate::source::SourceChoice;
use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use web_time::{Duration, Instant};

/// What is checked beyond what every machine has.
#[derive(Clone, Debug)]
pub(crate) struct SelfTest {
    /// A network beside those inside the program.
    pub model: Option<ModelChoice>,
    /// The engine that must be there: a board, most likely.
    pub engine: Option<EngineChoice>,
    /// The source that must deliver; else the first camera, if there is one.
    pub source: Option<SourceChoice>,
    /// Folders that must have room, beside those of settings and exports.
    pub keep_in: Vec<PathBuf>,
    /// Whether display and graphics are checked. Where a window opens meanwhile it shows that they are well, and their drivers bear no
    /// second start beside the first.
    pub display: bool,
    /// How long all of it may take.
    pub within: Duration,
}

#[cfg(feature = "app")]
use display::check as check_display;

/// Without a window nobody needs one.
#[cfg(not(feature = "app"))]
fn check_display(_: Tell<'_>) {}

type CheckWork = Box<dyn FnOnce(Tell<'_>) + Send>;

impl SelfTest {
    /// Checks everything, side by side, and tells each finding as soon as those before it are told.
    pub(crate) fn run(self, tell: &mut dyn FnMut(Finding)) {
        let until = Instant::now() + self.within;
        let within = self.within;
        let running: Vec<(&str, Receiver<Finding>)> =
            self.checks(until).into_iter().map(|(name, work)| (name, start(name, work))).collect();
        for (name, findings) in running {
            loop {
                match findings.recv_deadline(until) {
                    Ok(finding) => tell(finding),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        tell(late(name, within));
                        break;
                    }
                }
            }
        }
    }

    /// What is checked, in the order in which it is told: what is quick first.
    fn checks(self, until: Instant) -> Vec<(&'static str, CheckWork)> {
        let Self { model, engine, source, keep_in, display, .. } = self;
        let chosen = engine.clone();
        vec![
            ("clock", Box::new(clock::check)),
            ("disk", Box::new(move |tell| disk::check(&keep_in, tell))),
            (
                "display",
                Box::new(move |tell| {
                    if display {
                        check_display(tell);
                    }
                }),
            ),
            ("networks", Box::new(copy::check_inside)),
            ("engines", Box::new(move |tell| engines::check(chosen.as_ref(), tell))),
            ("model", Box::new(move |tell| copy::check(model.as_ref(), tell))),
            ("camera", Box::new(move |tell| camera::check(source, until, tell))),
            ("board", Box::new(move |tell| board::check(engine, tell))),
        ]
    }
}

fn start(name: &'static str, work: CheckWork) -> Receiver<Finding> {
    let (sender, findings) = unbounded();
    let refused = sender.clone();
    // Nobody listens to a check that came too late.
    let tell = move |finding| drop(sender.send(finding));
    let checked = move || {
        if catch_unwind(AssertUnwindSafe(|| work(&tell))).is_err() {
            tell(Finding::fault(name, "the check fails in its own code", "report this as a fault"));
        }
    };
    if let Err(error) = threads::spawn("selftest", checked) {
        let says = format!("the system gives no thread for the check ({error})");
        drop(refused.send(Finding::fault(name, says, "close other programs and try again")));
    }
    findings
}

fn late(name: &str, within: Duration) -> Finding {
    let says = format!("the check did not come to its end within {} s", within.as_secs_f32());
    Finding::fault(name, says, "see what else runs here and what it waits for, or allow more with --within")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_panics_is_a_fault() {
        let findings = start(
            "camera",
            Box::new(|tell| {
                tell(Finding::well("camera", "delivers"));
                panic!("in its depths");
            }),
        );
        let states: Vec<FindingState> = findings.iter().map(|finding| finding.state).collect();
        assert_eq!(states, [FindingState::Well, FindingState::Fault]);
    }

    #[test]
    fn what_takes_too_long_is_a_fault_and_keeps_nobody() {
        let asked = SelfTest {
            model: None,
            engine: None,
            source: None,
            keep_in: vec![],
            display: true,
            within: Duration::ZERO,
        };
        let begun = Instant::now();
        let mut findings = Vec::new();
        asked.run(&mut |finding| findings.push(finding));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        let late = |name: &str| findings.iter().any(|f| f.name == name && f.state == FindingState::Fault);
        assert!(late("clock") && late("engines"), "{findings:?}");
    }
}
