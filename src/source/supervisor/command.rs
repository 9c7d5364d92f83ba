//! What is asked of a supervisor.

use crate::source::choice::SourceChoice;

/// How frames are handed over, and what a failure at the start means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// For a window: paced, the newest frame wins, a picture stays and is repeated, files start over, a camera that does
    /// not open is asked again and again. The channel stays open whatever happens.
    Window,
    /// For a terminal: as `Window`, but files end, pictures come once each and none is lost. The channel closes when the
    /// source ends or fails; only a camera that has delivered before is tried again.
    Terminal,
    /// For a terminal with a number of frames to print: as `Terminal`, but the demo and videos too are unpaced and lose
    /// nothing. A camera still does.
    Lossless,
}

/// What the owner can ask of the running thread.
#[derive(PartialEq, Eq)]
pub(super) enum SourceCommand {
    Switch(Option<SourceChoice>),
    Pause(bool),
    #[cfg(any(feature = "app", test))]
    Step,
    #[cfg(any(feature = "app", test))]
    Seek(u64),
    Stop,
}
