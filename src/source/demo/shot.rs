//! The plan of the film: which shot a frame belongs to, what shows in it, how things sway.
//!
//! Frames come in groups of 200, each group six shots in random order: four with a card (20 to 60 frames each, 160
//! together), one of 20 frames without anything, one of 20 frames with something that could fool a network. Eight groups
//! show each card once.

use super::cards;
use super::dice::Rng;

/// Frames in a group.
const GROUP: u64 = 200;
/// Shots with a card in a group.
const CARD_SHOTS: usize = 4;
/// All shots in a group.
const SHOTS: usize = CARD_SHOTS + 2;
/// Frames of the shots without a card, and of the shortest with one.
const SHORT: u64 = 20;
/// Frames of two shots with a card together.
const PAIR: u64 = 80;

/// What a shot is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// One of our cards, by its number.
    Card(usize),
    /// Nothing in particular.
    Empty,
    /// Something that could be taken for one of our cards.
    Decoy,
}

/// A stretch of frames in one place, with one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shot {
    /// No two shots of a seed share it.
    pub(super) number: u64,
    pub(super) subject: Subject,
}

/// The shot that shows frame `index`, and how many frames into it that is.
pub(super) fn locate(seed: u64, index: u64) -> (Shot, u64) {
    let (group, mut offset) = (index / GROUP, index % GROUP);
    let mut rng = Rng::keyed(&[seed, 0x67, group]);
    let lengths = shot_lengths(&mut rng);
    let mut order: [usize; SHOTS] = std::array::from_fn(|i| i);
    rng.shuffle(&mut order);
    for role in order {
        if offset < lengths[role] {
            let number = group * SHOTS as u64 + role as u64;
            return (Shot { number, subject: subject_of(seed, group, role) }, offset);
        }
        offset -= lengths[role];
    }
    unreachable!("the lengths of a group's shots add up to the group")
}

fn shot_lengths(rng: &mut Rng) -> [u64; SHOTS] {
    let mut lengths = [SHORT; SHOTS];
    for pair in lengths[..CARD_SHOTS].as_chunks_mut::<2>().0 {
        let first = SHORT + rng.below((PAIR - 2 * SHORT) as usize + 1) as u64;
        *pair = [first, PAIR - first];
    }
    lengths
}

fn subject_of(seed: u64, group: u64, role: usize) -> Subject {
    match role.checked_sub(CARD_SHOTS) {
        Some(0) => Subject::Empty,
        Some(_) => Subject::Decoy,
        None => {
            let round = (cards::COUNT / CARD_SHOTS) as u64;
            let mut deck: [usize; cards::COUNT] = std::array::from_fn(|i| i);
            Rng::keyed(&[seed, 0x64, group / round]).shuffle(&mut deck);
            Subject::Card(deck[(group % round) as usize * CARD_SHOTS + role])
        }
    }
}

/// A quantity that wanders to and fro between two bounds at constant speed, from a random start: at every frame it is
/// uniform between them.
pub(super) struct Sway {
    low: f32,
    high: f32,
    start: f32,
    speed: f32,
}

impl Sway {
    /// Fastest way, as a part of the range in a frame.
    const FASTEST: f32 = 0.022;

    pub(super) fn new(rng: &mut Rng, low: f32, high: f32) -> Self {
        Self { low, high, start: rng.range(0.0, 2.0), speed: rng.range(-Self::FASTEST, Self::FASTEST) }
    }

    /// Takes both bounds times `factor`.
    pub(super) fn scale(&mut self, factor: f32) {
        (self.low, self.high) = (self.low * factor, self.high * factor);
    }

    /// The value `time` frames into the shot.
    pub(super) fn at(&self, time: f32) -> f32 {
        let place = self.start + self.speed * time;
        let place = place - 2.0 * (place / 2.0).floor();
        let part = if place > 1.0 { 2.0 - place } else { place };
        self.low + (self.high - self.low) * part
    }
}
