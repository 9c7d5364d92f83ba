//! Texts from outside, for messages.

/// `text` without line breaks or other control characters, so that a message stays one line and leaves the terminal alone.
pub(crate) fn one_line(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}
