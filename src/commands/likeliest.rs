//! The likeliest classes, as every command prints them.

use crate::network::Network;
use crate::pipeline::Prediction;
use serde::Serialize;

/// One of the likeliest classes, as JSON outputs spell it.
#[derive(Serialize)]
pub(crate) struct Top<'a> {
    pub(crate) label: &'a str,
    pub(crate) p: f32,
}

/// The `k` likeliest classes with their labels.
pub(crate) fn top<'a>(network: &'a Network, probabilities: &[f32], k: usize) -> Vec<Top<'a>> {
    let label = |(class, p): (usize, f32)| Top { label: network.labels()[class].as_str(), p };
    Prediction::top(probabilities, k).into_iter().map(label).collect()
}
