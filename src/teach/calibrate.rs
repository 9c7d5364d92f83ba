//! From answers on frames that were held out: how far logits must be apart for probabilities to be true, and how sure one may be that a
//! picture shows a class at all.

use crate::network::KnownScore;
use nalgebra::{Matrix4, Vector4};

/// What the filters answered about one held-out frame.
pub(super) struct Answer {
    /// Logits of classes that were there before; they stay as they are.
    pub(super) kept: Vec<f32>,
    /// What the taught classes' filters say, about −1 to 1.
    pub(super) taught: Vec<f32>,
    /// What the filter of other things says.
    pub(super) other: f32,
}

/// Which class a frame really shows, among the kept ones and then the taught ones; `None` of other things.
pub(super) type Shows = Option<usize>;

/// What the filters' answers are multiplied by where nothing could be held out.
pub(super) const USUAL_GAIN: f32 = 6.0;
/// Gains that are tried: from answers that hardly tell to such that must outweigh the logits of classes that stay.
const GAINS: [f32; 2] = [1.0, 512.0];
const TRIED: i32 = 36;
/// Keeps the weights of the score small where frames are few.
const DECAY: f64 = 0.02;

impl Answer {
    /// All logits, with so much gain.
    pub(super) fn logits(&self, gain: f32) -> Vec<f32> {
        self.kept.iter().copied().chain(self.taught.iter().map(|taught| taught * gain)).collect()
    }
}

/// The gain under which the truths are most probable.
pub(super) fn gain(answers: &[(Answer, Shows)]) -> f32 {
    let known = || answers.iter().filter_map(|(answer, truth)| Some((answer, (*truth)?)));
    if known().next().is_none() {
        return USUAL_GAIN;
    }
    let loss = |gain: f32| known().map(|(answer, truth)| surprise(&answer.logits(gain), truth)).sum::<f32>();
    let tried = (0..=TRIED).map(|step| GAINS[0] * (GAINS[1] / GAINS[0]).powf(step as f32 / TRIED as f32));
    tried.map(|gain| (gain, loss(gain))).min_by(|a, b| a.1.total_cmp(&b.1)).map_or(USUAL_GAIN, |best| best.0)
}

/// −ln of the probability of `truth`.
fn surprise(logits: &[f32], truth: usize) -> f32 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    sum.ln() + largest - logits[truth]
}

/// A logistic regression that tells frames of the classes from other things; both sides weigh the same. `None` where there are no frames
/// of one of them.
pub(super) fn known_score(answers: &[(Answer, Shows)], gain: f32) -> Option<KnownScore> {
    let samples: Vec<(Vector4<f64>, bool)> =
        answers.iter().map(|(answer, truth)| (quantities(answer, gain), truth.is_some())).collect();
    let of = |known: bool| samples.iter().filter(|sample| sample.1 == known).count() as f64;
    let counts = [of(false), of(true)];
    if counts.contains(&0.0) {
        return None;
    }
    let weights = regress(&samples, counts)?;
    let [offset, log_probability, largest, other] = weights.data.0[0].map(|weight| weight as f32);
    let score = KnownScore { limit: 0.5, offset, log_probability, largest, others: vec![other] };
    [offset, log_probability, largest, other].iter().all(|weight| weight.is_finite()).then_some(score)
}

/// 1, ln of the largest probability, the largest logit, and the logit of other things.
fn quantities(answer: &Answer, gain: f32) -> Vector4<f64> {
    let logits = answer.logits(gain);
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    Vector4::new(1.0, f64::from(-sum.ln()), f64::from(largest), f64::from(answer.other * gain))
}

/// Newton's method.
fn regress(samples: &[(Vector4<f64>, bool)], counts: [f64; 2]) -> Option<Vector4<f64>> {
    let mut weights = Vector4::zeros();
    for _ in 0..25 {
        let mut gradient = -weights * DECAY;
        let mut curvature = Matrix4::identity() * DECAY;
        for (quantities, known) in samples {
            let share = 1.0 / counts[usize::from(*known)];
            let probability = 1.0 / (1.0 + (-weights.dot(quantities)).exp());
            gradient += quantities * (share * (f64::from(u8::from(*known)) - probability));
            curvature += quantities * quantities.transpose() * (share * probability * (1.0 - probability));
        }
        weights += curvature.cholesky()?.solve(&gradient);
    }
    Some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(taught: [f32; 2], other: f32) -> Answer {
        Answer { kept: Vec::new(), taught: taught.to_vec(), other }
    }

    #[test]
    fn certain_answers_get_a_large_gain_and_doubtful_ones_a_small_one() {
        let certain: Vec<_> = (0..40).map(|_| (answer([0.5, -0.5], 0.0), Some(0))).collect();
        let doubtful: Vec<_> = (0..40).map(|at| (answer([0.5, -0.5], 0.0), Some(usize::from(at % 3 == 0)))).collect();
        assert!(gain(&certain) > 12.0, "{}", gain(&certain));
        // Two in three, which are ln 2 apart.
        assert!(gain(&doubtful) < 1.2, "{}", gain(&doubtful));
        assert_eq!(gain(&[]), USUAL_GAIN);
    }

    #[test]
    fn the_score_tells_other_things_from_known_ones() {
        let mut answers: Vec<_> = (0..30).map(|at| (answer([0.8, -0.7], -0.5 - 0.01 * at as f32), Some(0))).collect();
        answers.extend((0..30).map(|at| (answer([-0.2, -0.3], 0.4 + 0.01 * at as f32), None)));
        let score = known_score(&answers, 6.0).expect("both sides are there");
        let known = |taught: [f32; 2], other: f32| {
            let quantities = quantities(&answer(taught, other), 6.0);
            let weights = [score.offset, score.log_probability, score.largest, score.others[0]];
            weights.iter().zip(quantities.iter()).map(|(weight, quantity)| f64::from(*weight) * quantity).sum::<f64>()
        };
        assert!(known([0.7, -0.6], -0.5) > 1.0 && known([-0.2, -0.2], 0.5) < -1.0);
        assert!(known_score(&answers[..30], 6.0).is_none());
    }
}
