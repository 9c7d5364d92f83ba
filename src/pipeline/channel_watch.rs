//! What becomes of channels while frames go by: the watched layer's in full, and whether any layer has still ones.

use super::predictor::Predictor;
use crate::frame::Frame;
use crate::inspect::Sampler;
use crate::inspect::channels::{LayerLife, LayerMark, LayerRounds, SampleTime};
use crate::inspect::moments::{Excitement, Moment, StrongestMoments};
use crate::network::Network;
use std::sync::Arc;
use web_time::Instant;

/// The channels of the watched layer, and the marks of all layers. All of it counts from when the layer, the network, the size
/// or the source was last changed; marks go on where only the layer is another one.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "app"), allow(dead_code, reason = "what the window shows"))]
pub(crate) struct ChannelReport {
    /// The network.
    pub(crate) network: Arc<Network>,
    /// The watched layer's number.
    pub(crate) layer: usize,
    /// When the last sample was taken.
    pub(crate) at: SampleTime,
    /// Its channels over time; without samples where the layer makes no codes.
    pub(crate) life: LayerLife,
    /// The strongest moments of each of its channels, no two of one second; a moment's picture is the frame's number in its
    /// source.
    pub(crate) moments: Vec<Arc<Vec<Moment>>>,
    /// A mark a layer of the network.
    pub(crate) marks: Vec<LayerMark>,
}

/// Follows the channels, sample by sample, in memory that does not grow.
pub(super) struct ChannelWatch {
    network: Arc<Network>,
    edge: usize,
    source: u64,
    rounds: LayerRounds,
    layer: WatchedChannels,
}

/// Follows one layer.
struct WatchedChannels {
    since: Instant,
    last: Option<SampleTime>,
    life: LayerLife,
    moments: StrongestMoments,
}

impl WatchedChannels {
    fn new(network: &Network, edge: usize, layer: usize) -> Self {
        let life = LayerLife::new(network.shapes(edge)[layer].channels);
        Self { since: Instant::now(), last: None, life, moments: StrongestMoments::new(network, edge, layer) }
    }
}

impl ChannelWatch {
    /// Before the first sample.
    pub(super) fn new(predictor: &Predictor, layer: usize) -> Self {
        let (network, edge) = (predictor.network(), predictor.engine().edge());
        Self {
            network: Arc::clone(network),
            edge,
            source: 0,
            rounds: LayerRounds::new(network),
            layer: WatchedChannels::new(network, edge, layer),
        }
    }

    /// Has the next run sampled for this.
    pub(super) fn prepare(&mut self, sampler: &mut Sampler, predictor: &Predictor, frame: &Frame) {
        let (network, edge) = (predictor.network(), predictor.engine().edge());
        if !Arc::ptr_eq(network, &self.network) || edge != self.edge || frame.source != self.source {
            *self = Self { source: frame.source, ..Self::new(predictor, sampler.watched()) };
        }
        if self.layer.moments.layer() != sampler.watched() {
            self.layer = WatchedChannels::new(&self.network, edge, sampler.watched());
        }
        sampler.visit(self.rounds.next());
    }

    /// Takes a run that was [prepared](Self::prepare).
    pub(super) fn take(&mut self, sampler: &Sampler, predictor: &Predictor, frame: &Frame) {
        let WatchedChannels { since, last, life, moments } = &mut self.layer;
        if last.is_some_and(|last| last.frame == frame.index) {
            // It is looked at again.
            return;
        }
        let at = SampleTime { frame: frame.index, seconds: since.elapsed().as_secs_f64() };
        *last = Some(at);
        let values = sampler.detail();
        life.take(at, &values.codes, predictor.class().unwrap_or(0));
        if let Some(seen) = Excitement::of(values) {
            moments.take([at.frame, at.seconds as u64], seen, predictor.input());
        }
        self.rounds.take(sampler.visited_codes());
    }

    /// How it stands; `None` before the first sample.
    pub(super) fn report(&self) -> Option<ChannelReport> {
        let WatchedChannels { last, life, moments, .. } = &self.layer;
        Some(ChannelReport {
            network: Arc::clone(&self.network),
            layer: moments.layer(),
            at: (*last)?,
            life: life.clone(),
            moments: moments.channels().to_vec(),
            marks: self.rounds.marks(),
        })
    }
}
