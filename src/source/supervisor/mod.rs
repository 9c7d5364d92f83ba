//! Runs a source on a thread of its own.

mod cameras;
mod command;
mod lookout;
mod meter;
mod outlet;
mod running;
#[cfg(test)]
mod tests;
mod worker;

use super::choice::SourceChoice;
use super::error::SourceError;
use super::interface::Source;
use super::state::SourceStatus;
use crate::frame::Frame;
use crate::host::threads::{Task, drive};
use crossbeam_channel::{Receiver, Sender};
use std::io;
use std::sync::{Arc, Mutex};

pub(crate) use self::cameras::Cameras;
pub use self::command::Delivery;
use self::command::SourceCommand;
use self::outlet::{Outlet, locked};
use self::worker::{Beginning, Worker};
use crate::source::reader::HostCameras;

/// A source on its own thread. Dropping it stops the thread and kills a capture process, and waits for both.
///
/// ```no_run
/// # use ernscope::source::{Delivery, Supervisor};
/// let supervisor = Supervisor::start(Some("demo:7".parse()?), Delivery::Lossless, || ())?;
/// for frame in supervisor.frames().iter().take(100) {
///     println!("{}×{}", frame.width, frame.height);
/// }
/// eprintln!("{}", supervisor.status().state);
/// # Ok::<(), ernscope::source::SourceError>(())
/// ```
pub struct Supervisor {
    frames: Receiver<Frame>,
    commands: Sender<SourceCommand>,
    status: Arc<Mutex<SourceStatus>>,
    task: Option<Task>,
}

impl Supervisor {
    /// Opens the source and starts the thread. `None`: the first camera that opens, else the demo, saying so in the state.
    /// `on_change` is called on the thread whenever the state (not its figures) changes, for instance to wake a window.
    /// A file's first frame is read before this returns; a camera is waited for on the thread.
    ///
    /// # Errors
    /// A named source that is not there or cannot be read; a camera's other troubles arrive as states.
    pub fn start(
        wanted: Option<SourceChoice>,
        delivery: Delivery,
        on_change: impl Fn() + Send + 'static,
    ) -> Result<Self, SourceError> {
        Self::start_with(Beginning::Chosen(wanted), delivery, Box::new(HostCameras), on_change)
    }

    /// The same with a source of the caller's own, until another one is chosen.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start_own(
        source: Box<dyn Source>,
        delivery: Delivery,
        on_change: impl Fn() + Send + 'static,
    ) -> Result<Self, SourceError> {
        Self::start_with(Beginning::Own(source), delivery, Box::new(HostCameras), on_change)
    }

    fn start_with(
        beginning: Beginning,
        delivery: Delivery,
        cameras: Box<dyn Cameras>,
        on_change: impl Fn() + Send + 'static,
    ) -> Result<Self, SourceError> {
        let (commands, orders) = crossbeam_channel::unbounded();
        let (sender, frames) = crossbeam_channel::bounded(1);
        let status = Arc::new(Mutex::new(SourceStatus::default()));
        let outlet = Outlet::new((sender, frames.clone()), Arc::clone(&status), Box::new(on_change));
        let worker = Worker::new(beginning, delivery, cameras, orders, outlet)?;
        let no_thread = |error: io::Error| SourceError::System { what: "thread".to_owned(), why: error.to_string() };
        let task = drive("source", worker).map_err(no_thread)?;
        Ok(Self { frames, commands, status, task: Some(task) })
    }

    /// Where frames arrive: a channel of one that holds the newest. It closes when no more can come ([`Delivery`]); the state
    /// then tells why.
    pub fn frames(&self) -> &Receiver<Frame> {
        &self.frames
    }

    /// What the source is doing now.
    pub fn status(&self) -> SourceStatus {
        locked(&self.status).clone()
    }

    /// Changes to another source (`None` as in [`Supervisor::start`]). Where it cannot be opened, the present one keeps
    /// running and [`SourceStatus::refusal`] tells why.
    pub fn switch_to(&self, wanted: Option<SourceChoice>) {
        self.send(SourceCommand::Switch(wanted));
    }

    /// Holds the source, or lets it go on. A camera keeps running and its frames are thrown away.
    pub fn set_paused(&self, paused: bool) {
        self.send(SourceCommand::Pause(paused));
    }

    /// Lets one frame through and pauses.
    #[cfg(any(feature = "app", test))]
    pub(crate) fn step(&self) {
        self.send(SourceCommand::Step);
    }

    /// Goes to the picture of this number, where the source has [`SourceStatus::position`]; a held one shows it.
    #[cfg(any(feature = "app", test))]
    pub(crate) fn seek(&self, to: u64) {
        self.send(SourceCommand::Seek(to));
    }

    fn send(&self, command: SourceCommand) {
        // The thread is gone only after it said why in the state.
        let _ = self.commands.send(command);
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.send(SourceCommand::Stop);
        if let Some(task) = self.task.take() {
            task.join();
        }
    }
}
