//! What a network's layers say of a picture: the features that classes are told by.

use crate::engine::cpu::{CpuEngine, CpuError, Level};
use crate::engine::{Engine, EngineError, Probe, Wants};
use crate::frame::InputImage;
use crate::network::{Network, Op};
use crate::preprocess::PreprocessError;
use std::sync::Arc;
use thiserror::Error;

/// A feature is the mean of a channel's codes over all positions, in steps of 1/80 of a code: 0 to 240. Of 4×4 positions it is exact.
pub(super) const STEPS: usize = 80;

/// One feature a channel.
pub(super) type Features = Box<[u8]>;

/// What the eyes see in a frame, and in the varied copies of it: `[sample][layer]`, the frame itself first.
pub(super) type Samples = [Vec<Features>];

/// Why nothing can be taught.
#[derive(Debug, Error)]
pub(crate) enum TeachError {
    /// The network does not run.
    #[error(transparent)]
    Engine(#[from] CpuError),
    /// A picture is of another size.
    #[error(transparent)]
    Picture(#[from] EngineError),
    /// Fewer than two classes have frames.
    #[error("{0}: show at least two things, one of them may be the empty place, called `nothing`")]
    TooFewClasses(String),
    /// More frames than a lesson takes.
    #[error("{0} frames are all that a lesson takes: take some out")]
    TooManyFrames(usize),
    /// A frame has no pixels, or too many.
    #[error(transparent)]
    Frame(#[from] PreprocessError),
    /// More classes than a lesson takes.
    #[error("at most {} classes can be taught: take one out, or teach another network", super::MOST_CLASSES)]
    TooManyClasses,
    /// A name that no class can have.
    #[error("{0}")]
    Name(String),
    /// The frames cannot be told apart in numbers.
    #[error("these frames cannot be told apart: show different things")]
    Alike,
    /// What was made is no network.
    #[error("the taught network is not well formed: {0}")]
    Network(#[from] crate::network::NetworkError),
}

/// Runs a network up to its last layers, and reads the ones that a classifier may stand behind.
pub(super) struct Eyes {
    engine: CpuEngine,
    layers: Vec<usize>,
    pooled: Pooled,
}

impl Eyes {
    /// Of `network`, at its own input size.
    pub(super) fn new(network: Arc<Network>) -> Result<Self, TeachError> {
        let layers = layers(&network);
        Self::reading(network, layers)
    }

    /// The same, reading but the layer that the network's own classifier reads.
    pub(super) fn of_last(network: Arc<Network>) -> Result<Self, TeachError> {
        let layers = vec![network.classifier().0];
        Self::reading(network, layers)
    }

    fn reading(network: Arc<Network>, layers: Vec<usize>) -> Result<Self, TeachError> {
        let shapes = network.shapes(network.edge());
        let watched = layers.iter().map(|&layer| (layer, shapes[layer].edge * shapes[layer].edge)).collect();
        let engine = CpuEngine::new(network.clone(), network.edge(), Level::best(), 1)?;
        let features = vec![Features::default(); layers.len()];
        Ok(Self { engine, layers, pooled: Pooled { watched, features } })
    }

    /// The network whose eyes these are.
    pub(super) fn network(&self) -> &Arc<Network> {
        self.engine.network()
    }

    /// The layers that are read, as indices in the network; the one that its own classifier reads is the last.
    pub(super) fn layers(&self) -> &[usize] {
        &self.layers
    }

    /// The layer that is told least by the place where things were shown, by its place among those: inside the last block.
    pub(super) fn placeless(&self) -> usize {
        let is_inside = |layer: &usize| matches!(self.network().layers()[*layer].op, Op::Conv { .. });
        self.layers.iter().position(is_inside).unwrap_or(self.layers.len() - 1)
    }

    /// What these layers say of a picture.
    pub(super) fn look(&mut self, picture: &InputImage) -> Result<Vec<Features>, TeachError> {
        self.engine.run_probed(picture, &mut self.pooled)?;
        Ok(self.pooled.features.clone())
    }
}

/// The layers that a classifier may stand behind: the codes that the last block starts from, which are less bound to the classes that
/// the network learned; those inside it; and those that the network's own classifier reads. All of one shape, in their order.
fn layers(network: &Network) -> Vec<usize> {
    let (last, _) = network.classifier();
    let shapes = network.shapes(network.edge());
    let is_like_last = |layer: usize| {
        let (one, other) = (shapes[layer], shapes[last]);
        (one.channels, one.edge) == (other.channels, other.edge)
    };
    let before = |is_kind: fn(&Op) -> bool| {
        (0..last).rfind(|&layer| is_kind(&network.layers()[layer].op) && is_like_last(layer))
    };
    let starts = before(|op| matches!(op, Op::Activation(_)));
    let inside =
        before(|op| matches!(op, Op::Conv { .. })).filter(|&inside| starts.is_none_or(|starts| starts < inside));
    starts.into_iter().chain(inside).chain([last]).collect()
}

/// Pools the codes of some layers: each with its number of positions.
struct Pooled {
    watched: Vec<(usize, usize)>,
    features: Vec<Features>,
}

impl Probe for Pooled {
    fn wants(&self, layer: usize) -> Wants {
        Wants { codes: self.watched.iter().any(|watched| watched.0 == layer), ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        for (&(watched, positions), features) in self.watched.iter().zip(&mut self.features) {
            if watched == layer {
                *features = codes.chunks(positions).map(pool).collect();
            }
        }
    }
}

/// The mean of codes, in steps.
fn pool(codes: &[u8]) -> u8 {
    let sum: usize = codes.iter().map(|&code| usize::from(code)).sum();
    ((sum * STEPS + codes.len() / 2) / codes.len()) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::shipped::Shipped;

    #[test]
    fn the_codes_around_and_inside_the_last_block_are_read() {
        let network = Arc::new(Shipped::named("objects").expect("shipped").load().expect("sound"));
        let mut eyes = Eyes::new(network.clone()).expect("it runs");
        let names: Vec<&str> = eyes.layers().iter().map(|&layer| network.layers()[layer].name.as_str()).collect();
        assert_eq!(names, ["backbone.layer3.1.act0", "backbone.layer3.1.act1", "backbone.last_act_layer3"]);
        assert_eq!(eyes.placeless(), 1);
        let seen = eyes.look(&InputImage::black(64)).expect("it fits");
        assert_eq!(seen.iter().map(|features| features.len()).collect::<Vec<_>>(), [512; 3]);
        assert!(seen.iter().all(|features| features.iter().any(|&feature| feature > 0)));
    }

    #[test]
    fn pooling_rounds_to_the_nearest_step() {
        assert_eq!(pool(&[3; 16]), 240);
        assert_eq!(pool(&[0, 1, 2, 3]), 120);
        assert_eq!(pool(&[1, 0, 0]), 27);
    }
}
