//! The keys that leave the stage: several at once, held for a while.

use crate::booth::config::Chord;
use egui::{InputState, Key, Modifiers};
use web_time::{Duration, Instant};

/// How long they are held.
const HOLD: Duration = Duration::from_secs(3);

/// Whether exactly these keys are held.
fn is_held(chord: &Chord, input: &InputState) -> bool {
    let wanted = Modifiers { ctrl: chord.ctrl, alt: chord.alt, shift: chord.shift, ..Modifiers::NONE };
    Key::from_name(&chord.key).is_some_and(|key| input.key_down(key)) && input.modifiers.matches_exact(wanted)
}

/// How long the keys were held.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    since: Option<Instant>,
}

impl Leaving {
    /// Seconds that are left while the keys are held; 0: the stage is left.
    pub(super) fn left(&mut self, chord: &Chord, input: &InputState, now: Instant) -> Option<u64> {
        self.since = is_held(chord, input).then(|| self.since.unwrap_or(now));
        let held = now.saturating_duration_since(self.since?);
        Some(HOLD.saturating_sub(held).as_secs_f32().ceil() as u64)
    }
}
