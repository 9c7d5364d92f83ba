//! What a check finds.

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
    pub(crate) fn well(name: impl Into<String>, says: impl Into<String>) -> Self {
        Self { name: name.into(), state: FindingState::Well, says: says.into(), remedy: None }
    }

    pub(crate) fn absent(name: impl Into<String>, says: impl Into<String>) -> Self {
        Self { name: name.into(), state: FindingState::Absent, says: says.into(), remedy: None }
    }

    pub(crate) fn fault(name: impl Into<String>, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), state: FindingState::Fault, says: says.into(), remedy: Some(remedy.into()) }
    }

    /// A fault that an error tells of, with its remedy behind the last colon, as errors here have it.
    pub(crate) fn of_error(name: impl Into<String>, error: &dyn Display) -> Self {
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
