//! What a lesson is worth: some frames are held out in turn, the classes are learned from the others, and asked about these.

use super::bank::LayerBank;
use super::calibrate::{self, Answer, Shows};
use super::eyes::{Features, STEPS, Samples, TeachError};
use super::kept::Kept;
use super::moments::Moments;
use super::recipe::{self, Evidence, Filters};
use super::signs::Filter;
use crate::network::KnownScore;
use std::sync::Arc;

/// The frames of a class are held out in so many parts, each of frames that came after one another: neighbours are alike.
const PARTS: usize = 5;
/// Samples of a frame that are learned from, the frame itself and copies: fewer than a lesson's, since it is for a choice alone.
const SAMPLES: usize = 4;
/// Another layer is chosen where so many of a hundred frames more are recognised from it.
const CLEARLY_BETTER: f32 = 0.01;

/// What was shown, to be asked about; cheap to copy, for a thread of its own.
#[derive(Clone)]
pub(crate) struct Held {
    /// Of every class the samples of its frames.
    pub(super) classes: Vec<Vec<Arc<Samples>>>,
    pub(super) bank: Arc<Vec<LayerBank>>,
    pub(super) kept: Option<Arc<Kept>>,
    /// The layers that may serve, by their places among those that the eyes read.
    pub(super) layers: Vec<usize>,
    /// Whether one of the classes is the empty place.
    pub(super) has_place: bool,
}

/// Frames of one class that were taken for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaughtConfusion {
    /// The class, in the order of the lesson.
    pub(crate) truth: usize,
    /// What it was taken for.
    pub(crate) answer: usize,
    /// How many frames.
    pub(crate) count: usize,
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct Validation {
    /// The layer that serves best, by its place among those that the eyes read.
    pub(super) layer: usize,
    /// Classes that were asked about.
    pub(super) classes: usize,
    /// Held-out frames, and how many of them were recognised.
    pub(crate) frames: usize,
    /// How many of them were recognised.
    pub(crate) right: usize,
    /// The mistakes, the commonest first.
    pub(crate) confusions: Vec<TaughtConfusion>,
    /// What filters' answers are multiplied by.
    pub(super) gain: f32,
    /// How to tell other things.
    pub(super) known: Option<KnownScore>,
}

impl Validation {
    /// The part of the held-out frames that was recognised; 0 where none could be held out.
    pub(crate) fn accuracy(&self) -> f32 {
        self.right as f32 / self.frames.max(1) as f32
    }
}

impl Held {
    /// Asks about every layer that may serve, and chooses: a later one where it is clearly better.
    pub(crate) fn validate(&self) -> Result<Validation, TeachError> {
        let mut best: Option<Validation> = None;
        for &layer in &self.layers {
            let found = self.validate_layer(layer)?;
            if best.as_ref().is_none_or(|best| found.accuracy() > best.accuracy() + CLEARLY_BETTER) {
                best = Some(found);
            }
        }
        best.ok_or(TeachError::Alike)
    }

    fn validate_layer(&self, layer: usize) -> Result<Validation, TeachError> {
        let all: Vec<Moments> = (0..self.classes.len()).map(|class| self.moments(class, layer, |_| true)).collect();
        let mut answers = Vec::new();
        for part in 0..PARTS {
            // One part and one class after the other: moments are large.
            let rest: Vec<Moments> =
                all.iter().enumerate().map(|(class, all)| all.without(&self.part(class, part, layer))).collect();
            // A class of one frame cannot be learned without it.
            if rest.iter().all(|rest| rest.count() > 0) {
                self.ask(part, layer, &rest, &mut answers)?;
            }
        }
        Ok(self.judge(layer, &answers))
    }

    /// Of a class the frames of a part.
    fn part(&self, class: usize, part: usize, layer: usize) -> Moments {
        self.moments(class, layer, |frame| part_of(frame, self.classes[class].len()) == part)
    }

    fn moments(&self, class: usize, layer: usize, holds: impl Fn(usize) -> bool) -> Moments {
        let frames = self.classes[class].iter().enumerate().filter(|(frame, _)| holds(*frame));
        let samples = frames.flat_map(|(_, samples)| samples.iter().take(SAMPLES));
        Moments::of(self.width(layer), samples.map(|sample| &sample[layer]))
    }

    fn width(&self, layer: usize) -> usize {
        self.classes.iter().flatten().next().map_or(0, |samples| samples[0][layer].len())
    }

    /// Learns from `rest` and asks about the frames of `part`, half of the other things and half of the kept classes.
    fn ask(
        &self,
        part: usize,
        layer: usize,
        rest: &[Moments],
        answers: &mut Vec<(Answer, Shows)>,
    ) -> Result<(), TeachError> {
        let half = part % 2;
        let every_other = |features: &[Features]| Moments::of(self.width(layer), features.iter().skip(half).step_by(2));
        let bank = &self.bank[layer];
        let others = every_other(&bank.others);
        let against = self.kept.as_ref().map(|kept| every_other(&kept.samples));
        let evidence = Evidence {
            classes: rest.iter().collect(),
            against: against.as_ref().filter(|against| against.count() > 0),
            others: Some(&others).filter(|others| others.count() > 0),
            prior: bank.prior.as_ref().filter(|_| self.has_place),
        };
        let filters = recipe::learn(&evidence)?;
        let kept = self.kept.as_deref();
        let before = kept.map_or(0, |kept| kept.classes());
        for (class, frames) in self.classes.iter().enumerate() {
            let held = frames.iter().enumerate().filter(|(frame, _)| part_of(*frame, frames.len()) == part);
            answers.extend(held.map(|(_, samples)| (answer(&filters, kept, &samples[0][layer]), Some(before + class))));
        }
        let unseen = bank.others.iter().skip(1 - half).step_by(2);
        answers.extend(unseen.map(|features| (answer(&filters, kept, features), None)));
        let stays = kept.into_iter().flat_map(|kept| kept.samples.iter().zip(&kept.truths)).skip(1 - half).step_by(2);
        answers.extend(stays.map(|(features, &truth)| (answer(&filters, kept, features), Some(truth))));
        Ok(())
    }

    fn judge(&self, layer: usize, answers: &[(Answer, Shows)]) -> Validation {
        let gain = calibrate::gain(answers);
        let before = self.kept.as_ref().map_or(0, |kept| kept.classes());
        let mut counts = vec![0_usize; self.classes.len() * self.classes.len()];
        let (mut frames, mut right) = (0, 0);
        let taught = answers.iter().filter_map(|(answer, truth)| Some((answer, (*truth)?.checked_sub(before)?)));
        for (answer, truth) in taught {
            let said = crate::engine::likeliest(&answer.logits(gain)).unwrap_or(0);
            frames += 1;
            right += usize::from(said == before + truth);
            if let Some(said) = said.checked_sub(before).filter(|&said| said != truth) {
                counts[truth * self.classes.len() + said] += 1;
            }
        }
        let classes = self.classes.len();
        let confusion =
            |(at, &count): (usize, &usize)| TaughtConfusion { truth: at / classes, answer: at % classes, count };
        let mut confusions: Vec<TaughtConfusion> =
            counts.iter().enumerate().map(confusion).filter(|found| found.count > 0).collect();
        confusions.sort_by_key(|found| std::cmp::Reverse(found.count));
        let known = if before == 0 { calibrate::known_score(answers, gain) } else { None };
        Validation { layer, classes, frames, right, confusions, gain, known }
    }
}

/// In which part frame number `frame` of `frames` is held out.
fn part_of(frame: usize, frames: usize) -> usize {
    frame * PARTS / frames.max(PARTS)
}

fn answer(filters: &Filters, kept: Option<&Kept>, features: &[u8]) -> Answer {
    let says = |filter: &Filter| says(filter, features);
    Answer {
        kept: kept.map_or_else(Vec::new, |kept| kept.logits(features)),
        taught: filters.classes.iter().map(says).collect(),
        other: filters.other.as_ref().map_or(0.0, says),
    }
}

/// What a filter says of features.
fn says(filter: &Filter, features: &[u8]) -> f32 {
    let sum: f32 = filter.signs.iter().zip(features).map(|(sign, &feature)| sign * f32::from(feature)).sum();
    sum / STEPS as f32 * filter.scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_held_out_once() {
        for frames in [1, 2, 5, 7, 23] {
            let parts: Vec<usize> = (0..frames).map(|frame| part_of(frame, frames)).collect();
            assert!(parts.is_sorted() && parts.iter().all(|&part| part < PARTS), "{parts:?}");
        }
        assert_eq!(part_of(19, 20), 4);
    }
}
