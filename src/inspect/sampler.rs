//! The probe that samples a run.

use super::values::LayerValues;
use crate::board::LayerCycles;
use crate::engine::{CodeHistogram, Probe, Sums, Wants};
use crate::network::Network;
use std::time::Duration;

/// What is seen of a layer at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerSample {
    /// Its codes counted; all 0 for layers that make none.
    pub codes: CodeHistogram,
    /// How long it took.
    pub elapsed: Duration,
    /// What a board counted of it; `None` of layers that no board ran, or ran along with another.
    pub counted: Option<LayerCycles>,
}

/// Takes a [`LayerSample`] of every layer, and one watched layer whole.
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

    /// Forgets the last run: an engine may show less than the one before it did.
    pub fn begin(&mut self) {
        self.samples.fill(LayerSample::default());
        self.detail.clear();
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
        let watched = layer == self.watched;
        Wants { codes: watched, histogram: true, sums: watched }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        if layer == self.watched {
            self.detail.codes.clear();
            self.detail.codes.extend_from_slice(codes);
        }
    }

    fn histogram(&mut self, layer: usize, counts: CodeHistogram) {
        self.samples[layer].codes = counts;
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        if layer == self.watched {
            self.detail.sums.assign(sums);
        }
    }

    fn time(&mut self, layer: usize, elapsed: Duration) {
        // Where a board was lost on the way, another engine begins the frame anew.
        (self.samples[layer].elapsed, self.samples[layer].counted) = (elapsed, None);
        if layer == self.watched {
            self.detail.elapsed = elapsed;
        }
    }

    fn cycles(&mut self, layer: usize, counted: LayerCycles) {
        self.samples[layer].counted = Some(counted);
    }
}
