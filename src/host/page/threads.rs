//! No threads: a timer takes steps between two repaints. One of them may wait for a board in its middle, where the browser can suspend
//! it; nothing else is waited for.

use crate::host::Steps;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

/// `None`: ended.
type RunningSteps = Arc<Mutex<Option<Box<dyn Steps>>>>;

/// All that goes on.
static RUNNING: Mutex<Vec<RunningSteps>> = Mutex::new(Vec::new());

/// What runs beside its caller. Letting go of it does not end it.
pub(crate) struct Task(RunningSteps);

impl Task {
    /// Takes all its steps until it has ended.
    pub(crate) fn join(self) {
        while step(&self.0) {}
    }

    /// Whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.0.try_lock().as_deref(), Ok(None))
    }
}

/// Takes a step; whether there will be more. One that is in the middle of a step ends by itself.
fn step(running: &RunningSteps) -> bool {
    let mut steps = match running.try_lock() {
        Ok(steps) => steps,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return false,
    };
    let goes_on = steps.as_mut().is_some_and(|steps| steps.step());
    if !goes_on {
        *steps = None;
    }
    goes_on
}

/// Takes a step of all that goes on.
pub(crate) fn tick() {
    let all = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).clone();
    all.iter().for_each(|running| {
        step(running);
    });
    let ended = |running: &RunningSteps| matches!(running.try_lock().as_deref(), Ok(None));
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|running| !ended(running));
}

/// A piece of work as one step.
struct Once<W>(Option<W>);

impl<W: FnOnce() + Send> Steps for Once<W> {
    fn step(&mut self) -> bool {
        if let Some(work) = self.0.take() {
            work();
        }
        false
    }

    fn wait(&mut self) {}
}

/// Does a piece of work at the next tick.
///
/// # Errors
/// None; a system with threads may refuse one.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Task> {
    drive(name, Once(Some(work)))
}

/// Takes a step at every tick.
///
/// # Errors
/// As [`spawn`].
pub(crate) fn drive(_: &str, steps: impl Steps + 'static) -> io::Result<Task> {
    let running: RunningSteps = Arc::new(Mutex::new(Some(Box::new(steps))));
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&running));
    Ok(Task(running))
}
