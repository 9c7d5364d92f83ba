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

/// Takes a [`LayerSample`] of every layer, and one watched layer whole; and the codes of one more, where somebody visits one
/// after the other.
///
/// It is made for one network. Should another one run, with more layers, it takes samples of these too.
#[derive(Clone, Debug)]
pub struct Sampler {
    samples: Vec<LayerSample>,
    watched: usize,
    detail: LayerValues,
    visited: Option<usize>,
    /// Of the visited layer, CHW.
    codes: Vec<u8>,
}

impl Sampler {
    /// For runs of `network`, watching `watched` (the last layer where it is beyond).
    pub fn new(network: &Network, watched: usize) -> Self {
        let layers = network.layers().len();
        let samples = vec![LayerSample::default(); layers];
        let detail = LayerValues::default();
        Self { samples, watched: watched.min(layers - 1), detail, visited: None, codes: Vec::new() }
    }

    /// Watches another layer from the next run on.
    pub fn watch(&mut self, layer: usize) {
        let layer = layer.min(self.samples.len() - 1);
        if layer != self.watched {
            self.watched = layer;
            self.detail = LayerValues::default();
        }
    }

    /// Takes the codes of this layer too in the next run.
    #[cfg(feature = "live")]
    pub(crate) fn visit(&mut self, layer: usize) {
        self.visited = Some(layer);
    }

    /// The codes of the visited layer in the last run, CHW; none where they were not shown.
    #[cfg(feature = "live")]
    pub(crate) fn visited_codes(&self) -> &[u8] {
        &self.codes
    }

    /// Forgets the last run: an engine may show less than the one before it did.
    pub fn begin(&mut self) {
        self.samples.fill(LayerSample::default());
        self.detail.clear();
        self.codes.clear();
    }

    /// The layer that is kept whole.
    pub fn watched(&self) -> usize {
        self.watched
    }

    /// The last run, layer by layer; a layer that it did not have is as [`Sampler::begin`] leaves it.
    pub fn samples(&self) -> &[LayerSample] {
        &self.samples
    }

    /// The watched layer of the last run.
    pub fn detail(&self) -> &LayerValues {
        &self.detail
    }

    /// The sample of a layer, which a network with more layers than the own one may have.
    fn sample(&mut self, layer: usize) -> &mut LayerSample {
        if layer >= self.samples.len() {
            self.samples.resize(layer + 1, LayerSample::default());
        }
        &mut self.samples[layer]
    }
}

impl Probe for Sampler {
    fn wants(&self, layer: usize) -> Wants {
        let watched = layer == self.watched;
        Wants { codes: watched || self.visited == Some(layer), histogram: true, sums: watched }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        if layer == self.watched {
            self.detail.codes.clear();
            self.detail.codes.extend_from_slice(codes);
        }
        if self.visited == Some(layer) {
            self.codes.clear();
            self.codes.extend_from_slice(codes);
        }
    }

    fn histogram(&mut self, layer: usize, counts: CodeHistogram) {
        self.sample(layer).codes = counts;
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        if layer == self.watched {
            self.detail.sums.assign(sums);
        }
    }

    fn time(&mut self, layer: usize, elapsed: Duration) {
        // Where a board was lost on the way, another engine begins the frame anew.
        let sample = self.sample(layer);
        (sample.elapsed, sample.counted) = (elapsed, None);
        if layer == self.watched {
            self.detail.elapsed = elapsed;
        }
    }

    fn cycles(&mut self, layer: usize, counted: LayerCycles) {
        self.sample(layer).counted = Some(counted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::cpu::{CpuEngine, Level};
    use crate::frame::InputImage;
    use crate::network::published::PublishedShape;

    #[test]
    fn a_run_of_a_deeper_network_is_sampled_whole() {
        let network = |name| PublishedShape::named(name).and_then(|shape| shape.random(1, false).ok()).expect("ours");
        let [small, large] = ["erns18-0.75x", "erns50"].map(network);
        let layers = large.layers().len();
        assert!(small.layers().len() < layers);
        let mut sampler = Sampler::new(&small, 0);
        let mut engine = CpuEngine::new(large.into(), 32, Level::best(), 1).expect("a size of it");
        engine.run_probed(&InputImage::black(32), &mut sampler).expect("the picture fits");
        assert_eq!(sampler.samples().len(), layers);
        assert!(sampler.samples()[layers - 2].codes.iter().any(|&count| count > 0));
    }
}
