//! What is said on stderr: one line.

use std::io::{self, Write};
use thiserror::Error;

/// Arguments that each are right, and together make no sense: exit status 2.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct Misuse(pub(super) String);

/// One line on stderr. Where that cannot be written, nobody is left to tell.
pub(super) fn complain(text: &str, more: &str) {
    let _ = writeln!(io::stderr(), "ernscope: {}{more}", shortened(text));
}

/// The longest error, in characters: a name in it may be as long as a file.
const LONGEST: usize = 500;

/// The text without line breaks and other control characters, so that a name in it cannot play with the terminal, and
/// without its middle where it is long: what is wrong stands at its start, what to do at its end.
fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split(char::is_whitespace).filter(|word| !word.is_empty()).collect();
    let line: Vec<char> = words.join(" ").replace(|c: char| c.is_control(), "?").chars().collect();
    if line.len() <= LONGEST {
        return line.into_iter().collect();
    }
    let (start, end) = (&line[..LONGEST / 2], &line[line.len() - LONGEST / 2..]);
    start.iter().chain(&[' ', '…', ' ']).chain(end).collect()
}
