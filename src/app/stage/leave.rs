//! The keys that leave the stage: several at once, held for a while.

use egui::{InputState, Key, Modifiers};
use std::fmt;
use std::str::FromStr;
use web_time::{Duration, Instant};

/// How long they are held.
const HOLD: Duration = Duration::from_secs(3);

/// Keys to be held together: `Ctrl+Shift+Q`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chord {
    modifiers: Modifiers,
    key: Key,
}

impl Default for Chord {
    fn default() -> Self {
        Self { modifiers: Modifiers::CTRL | Modifiers::SHIFT, key: Key::Q }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' names no keys: write them as Ctrl+Shift+Q, with at least one of Ctrl, Shift and Alt");
        let (held, key) = text.rsplit_once('+').ok_or_else(wrong)?;
        let modifier = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
            "ctrl" => Some(Modifiers::CTRL),
            "shift" => Some(Modifiers::SHIFT),
            "alt" => Some(Modifiers::ALT),
            _ => None,
        };
        let modifiers = held.split('+').try_fold(Modifiers::NONE, |all, name| Some(all | modifier(name)?));
        let key = Key::from_name(key.trim());
        let (modifiers, key) = modifiers.zip(key).ok_or_else(wrong)?;
        Ok(Self { modifiers, key })
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(self.modifiers.ctrl, "Ctrl"), (self.modifiers.shift, "Shift"), (self.modifiers.alt, "Alt")];
        names.iter().filter(|(held, _)| *held).try_for_each(|(_, name)| write!(f, "{name}+"))?;
        f.write_str(self.key.name())
    }
}

impl Chord {
    /// Whether exactly these keys are held.
    fn is_held(self, input: &InputState) -> bool {
        input.key_down(self.key) && input.modifiers.matches_exact(self.modifiers)
    }
}

/// How long the keys were held.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    since: Option<Instant>,
}

impl Leaving {
    /// Seconds that are left while the keys are held; 0: the stage is left.
    pub(super) fn left(&mut self, chord: Chord, input: &InputState, now: Instant) -> Option<u64> {
        self.since = chord.is_held(input).then(|| self.since.unwrap_or(now));
        let held = now.saturating_duration_since(self.since?);
        Some(HOLD.saturating_sub(held).as_secs_f32().ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["Ctrl+Shift+Q", "Ctrl+Alt+Delete", "Alt+F4"] {
            assert_eq!(text.parse::<Chord>().expect(text).to_string(), text);
        }
        assert_eq!("ctrl + shift + Q".parse(), Ok(Chord::default()));
        for text in ["", "Q", "Ctrl+", "Hyper+Q", "Ctrl+Shift+Nonsense", "+"] {
            let refused = text.parse::<Chord>().expect_err(text);
            assert!(refused.contains("Ctrl+Shift+Q"), "{refused}");
        }
    }
}
