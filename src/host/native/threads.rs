//! A thread for each.

use crate::host::Steps;
use std::io;
use std::thread::{Builder, JoinHandle};

/// What runs beside its caller. Letting go of it does not end it.
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    /// Waits until it has ended.
    pub(crate) fn join(self) {
        // One that panicked has ended too.
        let _ = self.0.join();
    }

    /// Whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// Does a piece of work beside the caller's.
///
/// # Errors
/// The system's, where it gives no thread; nothing is done then.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Task> {
    Ok(Task(Builder::new().name(name.into()).spawn(work)?))
}

/// Takes one step after the other beside the caller, and waits in between.
///
/// # Errors
/// As [`spawn`].
pub(crate) fn drive(name: &str, mut steps: impl Steps + 'static) -> io::Result<Task> {
    spawn(name, move || {
        while steps.step() {
            steps.wait();
        }
    })
}
