//! Pictures of a set that cannot be read, and what is said of them in one line.

use anyhow::{Result, bail};
use std::fmt::{self, Display, Formatter};

/// How many pictures that are left out are told by name, and the most characters of a name and of a cause.
const TOLD: usize = 3;
const TOLD_NAME: usize = 56;
const TOLD_CAUSE: usize = 60;

/// Pictures that cannot be read.
#[derive(Default)]
pub(super) struct UnreadPictures {
    /// How many.
    pub(super) count: usize,
    /// The first of them, each with its cause.
    first: Vec<String>,
}

impl UnreadPictures {
    /// One more, of this name.
    pub(super) fn add(&mut self, name: &str, error: &str) {
        self.count += 1;
        if self.first.len() < TOLD {
            self.first.push(format!("{}{}", last_of(name, TOLD_NAME), first_of(&cause(error, name), TOLD_CAUSE)));
        }
    }

    /// An error where there are any.
    pub(super) fn check(&self) -> Result<()> {
        if self.count == 0 { Ok(()) } else { bail!("{self}") }
    }
}

impl Display for UnreadPictures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (pictures, them) = if self.count == 1 { ("picture is", "it") } else { ("pictures are", "them") };
        let more = if self.count > self.first.len() { "; …" } else { "" };
        let first = self.first.join("; ");
        write!(f, "{} {pictures} left out: {first}{more}: get {them} again, or take {them} out", self.count)
    }
}

/// What stands behind `name` in a sentence that ends with a remedy, without that; all of a sentence without the name.
fn cause(error: &str, name: &str) -> String {
    let told = error.split_once(name).map_or_else(|| format!(": {error}"), |(_, behind)| behind.to_owned());
    told.rsplit_once(": ").filter(|(cause, _)| !cause.is_empty()).map_or(told.clone(), |(cause, _)| cause.to_owned())
}

/// The first characters of a text that is too long.
fn first_of(text: &str, most: usize) -> String {
    let cut = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
    if cut == text.len() { text.to_owned() } else { format!("{}…", &text[..cut]) }
}

/// The last characters of a text that is too long.
fn last_of(text: &str, most: usize) -> String {
    let cut = text.chars().count().saturating_sub(most);
    if cut == 0 { text.to_owned() } else { format!("…{}", text.chars().skip(cut).collect::<String>()) }
}
