//! How sure a network is that a picture shows one of its classes at all.

use serde::{Deserialize, Serialize};

/// The limit of a network whose file gives none.
const USUAL_LIMIT: f32 = 0.5;
/// Weights beyond this are no result of any training.
const MOST: f32 = 1e6;

/// What a network says of whether it knows what it sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Knowing {
    /// The share of pictures like this one that show one of the network's classes, 0 to 1.
    pub known: f32,
    /// Whether that is as much as the network's limit.
    pub sure: bool,
}

/// A logistic regression over what the classifier says, its weights from the network's file: `known` is
/// σ(offset + `log_probability` · ln p + `largest` · l + Σ `others` · o), with p the largest probability, l the largest logit and o the
/// logits of the rows of no class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownScore {
    /// `known` from here on is sure.
    pub limit: f32,
    /// What is added to all.
    pub offset: f32,
    /// The weight of the logarithm of the largest probability.
    pub log_probability: f32,
    /// The weight of the largest logit.
    pub largest: f32,
    /// The weights of the rows of no class.
    #[serde(default)]
    pub others: Vec<f32>,
}

impl KnownScore {
    /// What is wrong with it for a classifier with so many rows of no class.
    pub(super) fn problem(&self, others: usize) -> Option<String> {
        let numbers = [self.offset, self.log_probability, self.largest];
        if !numbers.iter().chain(&self.others).all(|weight| weight.is_finite() && weight.abs() < MOST) {
            return Some("the weights of `known` are not finite and below 1e6".into());
        }
        if !(0.0..=1.0).contains(&self.limit) {
            return Some(format!("the limit of `known` is {}; it is a share, from 0 to 1", self.limit));
        }
        (self.others.len() != others)
            .then(|| format!("`known` has {} weights for {others} rows of no class", self.others.len()))
    }

    /// From the largest probability and the largest logit, and the logits of the rows of no class.
    fn known(&self, probability: f32, largest: f32, others: &[f32]) -> f32 {
        let others: f32 = others.iter().zip(&self.others).map(|(logit, weight)| logit * weight).sum();
        let score = self.offset + self.log_probability * probability.ln() + self.largest * largest + others;
        1.0 / (1.0 + (-score).exp())
    }
}

/// What a network says of whether it knows what it sees, by its `score`; by the largest probability where it has none. `others` are the
/// logits of the rows of no class.
pub(super) fn knowing(score: Option<&KnownScore>, logits: &[f32], others: &[f32]) -> Knowing {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // Of the softmax: the largest one's exponential is 1.
    let probability = 1.0 / logits.iter().map(|logit| (logit - largest).exp()).sum::<f32>();
    let known = score.map_or(probability, |score| score.known(probability, largest, others));
    Knowing { known, sure: known >= limit(score) }
}

/// From where on `known` is sure.
pub(super) fn limit(score: Option<&KnownScore>) -> f32 {
    score.map_or(USUAL_LIMIT, |score| score.limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_score_the_largest_probability_counts() {
        let knowing = knowing(None, &[0.0, 3.0_f32.ln()], &[]);
        assert!((knowing.known - 0.75).abs() < 1e-6 && knowing.sure);
    }

    #[test]
    fn every_part_of_the_score_counts() {
        let score = KnownScore { limit: 0.6, offset: 1.0, log_probability: 2.0, largest: 0.5, others: vec![-1.0, 3.0] };
        // 1 + 2 · ln ½ + 0.5 · 2 - 1 + 1.5
        let expected = 1.0 / (1.0 + (-(2.5 - 2.0 * 2.0_f32.ln())).exp());
        let knowing = knowing(Some(&score), &[2.0, 2.0], &[1.0, 0.5]);
        assert!((knowing.known - expected).abs() < 1e-6, "{knowing:?}");
        assert!(knowing.sure);
    }

    #[test]
    fn what_is_no_score_is_refused() {
        let score = KnownScore { limit: 0.5, offset: 0.0, log_probability: 1.0, largest: 0.0, others: vec![1.0] };
        assert_eq!(score.problem(1), None);
        assert!(score.problem(0).is_some());
        assert!(KnownScore { offset: f32::INFINITY, ..score.clone() }.problem(1).is_some());
        assert!(KnownScore { limit: f32::NAN, ..score }.problem(1).is_some());
    }
}
