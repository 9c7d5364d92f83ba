//! What the stage is told: all of it may change while it plays.

use super::play::Pace;
use super::words::Language;
use crate::app::stage::Chord;
use crate::pipeline::Settings;
use crate::source::SourceChoice;
use std::path::PathBuf;

/// What a booth shows and allows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Staging {
    /// The booth's own title and the line below it.
    pub title: String,
    pub line: String,
    /// A picture file.
    pub logo: Option<PathBuf>,
    pub language: Language,
    pub dark: bool,
    /// Where visitors are seen; `None` is the first camera that works, or else the demo.
    pub source: Option<SourceChoice>,
    /// What runs.
    pub settings: Settings,
    pub pace: Pace,
    /// What a key may do.
    pub allowed: Vec<StageDeed>,
    /// What leaves the stage, held for three seconds.
    pub leave: Chord,
    /// Where pictures go.
    pub pictures_on_status: bool,
    pub pictures_kept: bool,
}

/// What a key can do at a booth, where that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StageDeed {
    /// Space holds the picture, and lets it go on.
    Pause,
    /// V shows cameras mirrored, or not.
    Mirror,
    /// C compares the twins, or not.
    Compare,
}
