//! From logits to probabilities.

/// Probabilities from logits (softmax), into `out`.
pub fn softmax(logits: &[f32], out: &mut Vec<f32>) {
    let peak = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    out.clear();
    out.extend(logits.iter().map(|x| (x - peak).exp()));
    let sum: f32 = out.iter().sum();
    out.iter_mut().for_each(|p| *p /= sum);
}
