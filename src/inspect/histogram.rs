//! Histograms of codes, and the probe that samples a run for the window.

use super::capture::LayerValues;
use crate::engine::{Probe, Sums, Wants};
use crate::network::Network;
use std::time::Duration;

/// How often each code 0..=3 stands in a layer.
pub type CodeHistogram = [u32; 4];

/// Counts codes; what is above 3 counts as 3 (there is none).
pub fn count_codes(codes: &[u8]) -> CodeHistogram {
    // Four partial sums a lane of 255 at most keep the loop in registers and free of branches.
    let mut counts = [0_u32; 4];
    for chunk in codes.chunks(255) {
        let mut ones = [0_u8; 3];
        for &code in chunk {
            ones[0] += u8::from(code >= 1);
            ones[1] += u8::from(code >= 2);
            ones[2] += u8::from(code >= 3);
        }
        let at_least = ones.map(u32::from);
        counts[0] += chunk.len() as u32 - at_least[0];
        counts[1] += at_least[0] - at_least[1];
        counts[2] += at_least[1] - at_least[2];
        counts[3] += at_least[2];
    }
    counts
}

/// What the window sees of a layer at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerSample {
    /// Its codes counted; all 0 for layers that make none.
    pub codes: CodeHistogram,
    /// How long it took.
    pub elapsed: Duration,
}

/// The window's probe: a [`LayerSample`] of every layer, and one watched layer whole.
#[derive(Clone, Debug)]
pub struct Sampler {
    samples: Vec<LayerSample>,
    watched: usize,
    detail: LayerValues,
}

impl Sampler {
    /// For runs of `network`, watching `watched` (the last layer where it is beyond).
    pub fn new(network: &Network, watched: usize) -> Self {
        let layers = network.layers().len();
        let samples = vec![LayerSample::default(); layers];
        Self { samples, watched: watched.min(layers - 1), detail: LayerValues::default() }
    }

    /// Watches another layer from the next run on.
    pub fn watch(&mut self, layer: usize) {
        let layer = layer.min(self.samples.len() - 1);
        if layer != self.watched {
            self.watched = layer;
            self.detail = LayerValues::default();
        }
    }

    /// The layer that is kept whole.
    pub fn watched(&self) -> usize {
        self.watched
    }

    /// The last run, layer by layer.
    pub fn samples(&self) -> &[LayerSample] {
        &self.samples
    }

    /// The watched layer of the last run.
    pub fn detail(&self) -> &LayerValues {
        &self.detail
    }
}

impl Probe for Sampler {
    fn wants(&self, layer: usize) -> Wants {
        Wants { codes: true, sums: layer == self.watched }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.samples[layer].codes = count_codes(codes);
        if layer == self.watched {
            self.detail.codes.clear();
            self.detail.codes.extend_from_slice(codes);
        }
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        if layer == self.watched {
            self.detail.sums.assign(sums);
        }
    }

    fn time(&mut self, layer: usize, elapsed: Duration) {
        self.samples[layer].elapsed = elapsed;
        if layer == self.watched {
            self.detail.elapsed = elapsed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_counted_once() {
        let codes: Vec<u8> = (0..4096_u32).map(|i| (i * i / 7 % 4) as u8).collect();
        let expected = [0, 1, 2, 3].map(|code| codes.iter().filter(|&&c| c == code).count() as u32);
        assert_eq!(count_codes(&codes), expected);
    }
}
