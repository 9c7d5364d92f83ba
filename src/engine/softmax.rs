//! From logits to probabilities and to a class.

/// Probabilities from logits (softmax), one each, into `out`, whose contents before are cleared. They sum to 1; none come of no logits.
pub fn softmax(logits: &[f32], out: &mut Vec<f32>) {
    let peak = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    out.clear();
    out.extend(logits.iter().map(|x| (x - peak).exp()));
    let sum: f32 = out.iter().sum();
    out.iter_mut().for_each(|p| *p /= sum);
}

/// The place of the largest value, of equal ones the first; `None` of no values.
pub(crate) fn likeliest(values: &[f32]) -> Option<usize> {
    values.iter().enumerate().rev().max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class)
}
