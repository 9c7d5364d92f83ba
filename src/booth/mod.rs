//! The booth: the instrument among strangers, for a week without a touch.
//!
//! Two processes of the same binary. The supervisor reads `booth.toml`, starts the stage, hears its heartbeat, keeps the log, serves
//! the status page, and starts the stage anew where it crashes, hangs or grows. The stage is the window; it takes its configuration from
//! the pipe that it also lives by: where that closes, the supervisor is gone, and the stage ends. What it shows when is the play's
//! (`play.rs`), in the words of `words.rs`; how that looks is in `app/stage`.

pub(crate) mod awake;
pub(crate) mod config;
pub(crate) mod counts;
pub(crate) mod figures;
pub(crate) mod heartbeat;
mod kept_file;
mod lines;
pub(crate) mod log;
pub(crate) mod motion;
pub(crate) mod orders;
pub(crate) mod play;
pub(crate) mod restarts;
mod snapshot;
mod stage_process;
pub(crate) mod status;
mod status_page;
pub(crate) mod supervisor;
pub(crate) mod vital;
pub(crate) mod words;
