//! What a check finds.

use crate::text::one_line;
use serde::Serialize;
use std::fmt::{self, Display};

/// How it stands with what was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FindingState {
    /// As it should be.
    Well,
    /// Not as it should be, or not there although it was asked for.
    Fault,
    /// Not there, and nobody asked for it.
    Absent,
}

/// Where a check puts what it finds.
pub(super) type Tell<'a> = &'a dyn Fn(Finding);

/// What a check finds, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was checked.
    pub name: String,
    /// How it stands with it.
    pub state: FindingState,
    /// What is so.
    pub says: String,
    /// What the person can do about a fault.
    pub remedy: Option<String>,
}

impl Finding {
    pub(crate) fn well(name: impl AsRef<str>, says: impl AsRef<str>) -> Self {
        Self::new(name.as_ref(), FindingState::Well, says.as_ref(), None)
    }

    pub(crate) fn absent(name: impl AsRef<str>, says: impl AsRef<str>) -> Self {
        Self::new(name.as_ref(), FindingState::Absent, says.as_ref(), None)
    }

    pub(crate) fn fault(name: impl AsRef<str>, says: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(name.as_ref(), FindingState::Fault, says.as_ref(), Some(remedy.as_ref()))
    }

    /// Names of files and devices are from outside.
    fn new(name: &str, state: FindingState, says: &str, remedy: Option<&str>) -> Self {
        Self { name: one_line(name), state, says: one_line(says), remedy: remedy.map(one_line) }
    }

    /// A fault that an error tells of, with its remedy behind the last colon, as errors here have it.
    pub(crate) fn of_error(name: impl AsRef<str>, error: &dyn Display) -> Self {
        let text = error.to_string();
        let (says, remedy) = text.rsplit_once(": ").unwrap_or((&text, "see `ernscope --help`"));
        Self::fault(name, says, remedy)
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            FindingState::Well => "well",
            FindingState::Fault => "FAULT",
            FindingState::Absent => "absent",
        };
        write!(f, "{state:<7} {:<20} {}", self.name, self.says)?;
        self.remedy.iter().try_for_each(|remedy| write!(f, "; {remedy}"))
    }
}
