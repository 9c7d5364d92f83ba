//! One position of one channel of a layer, and whether a network has it.

use crate::network::{Layer, Network};
use thiserror::Error;

/// One position of one channel of a layer: of its codes, of the trunk behind it, or of a classifier's sums, whose only position is 0, 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neuron {
    /// The layer's index in [`Network::layers`].
    pub(crate) layer: usize,
    /// The channel; of a classifier the row, which is the class where every class has one.
    pub(crate) channel: usize,
    /// Row of the map.
    pub(crate) y: usize,
    /// Column of the map.
    pub(crate) x: usize,
}

/// A neuron that the network does not have.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum NeuronError {
    /// No layer has this name.
    #[error("network {network} has no layer `{name}`: choose another, such as {near}")]
    Layer {
        /// The name asked for.
        name: String,
        /// The network's name.
        network: String,
        /// The names most like it.
        near: String,
    },
    /// The layer has fewer channels.
    #[error("layer `{layer}` has no channel {channel}: choose one from 0 to {}", channels - 1)]
    Channel {
        /// The layer's name.
        layer: String,
        /// The channel asked for.
        channel: usize,
        /// How many it has.
        channels: usize,
    },
    /// The layer's map is smaller.
    #[error("layer `{layer}` has {edge}×{edge} positions and none at {y},{x}: choose a row and a column from 0 to {}", edge - 1)]
    Position {
        /// The layer's name.
        layer: String,
        /// Rows, and columns, of its map.
        edge: usize,
        /// The row asked for.
        y: usize,
        /// The column asked for.
        x: usize,
    },
}

impl Neuron {
    /// Whether `network` has it, for a picture of `edge` pixels, which [`Network::check_edge`] accepts.
    ///
    /// # Errors
    /// [`NeuronError::Channel`], [`NeuronError::Position`].
    ///
    /// # Panics
    /// Where `layer` is no index of a layer.
    pub(crate) fn check(self, network: &Network, edge: usize) -> Result<(), NeuronError> {
        let shape = network.shapes(edge)[self.layer];
        let layer = || network.layers()[self.layer].name.clone();
        if self.channel >= shape.channels {
            return Err(NeuronError::Channel { layer: layer(), channel: self.channel, channels: shape.channels });
        }
        if self.y.max(self.x) >= shape.edge {
            return Err(NeuronError::Position { layer: layer(), edge: shape.edge, y: self.y, x: self.x });
        }
        Ok(())
    }
}

/// The index of the layer called `name`.
///
/// # Errors
/// [`NeuronError::Layer`] with the three names most like it.
pub(crate) fn layer_named(network: &Network, name: &str) -> Result<usize, NeuronError> {
    let found = network.layers().iter().position(|layer| layer.name == name);
    found.ok_or_else(|| NeuronError::Layer {
        name: name.into(),
        network: network.name().into(),
        near: most_like(name, network.layers()),
    })
}

fn most_like(name: &str, layers: &[Layer]) -> String {
    let mut names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
    names.sort_by_cached_key(|other| edits(name, other));
    let quoted: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    quoted.join(" or ")
}

/// How many characters must be put in, taken out or changed to make one text of the other (Levenshtein); of long texts their starts.
fn edits(one: &str, other: &str) -> usize {
    const START: usize = 64;
    let other: Vec<char> = other.chars().take(START).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, a) in one.chars().take(START).enumerate() {
        let mut corner = above;
        row[0] = above + 1;
        for (at, &b) in other.iter().enumerate() {
            let changed = corner + usize::from(a != b);
            corner = row[at + 1];
            row[at + 1] = changed.min(corner + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::published::PublishedShape;

    fn network() -> Network {
        PublishedShape::named("erns18").and_then(|shape| shape.random(1, false).ok()).expect("ours")
    }

    #[test]
    fn edits_are_counted() {
        for (one, other, expected) in [("", "", 0), ("act", "", 3), ("kitten", "sitting", 3), ("act1", "act2", 1)] {
            assert_eq!((edits(one, other), edits(other, one)), (expected, expected), "{one} {other}");
        }
        assert_eq!(edits(&"a".repeat(100_000), "a"), 63);
    }

    #[test]
    fn a_layer_that_is_not_there_names_those_like_it() {
        let network = network();
        assert_eq!(
            layer_named(&network, "backbone.act2").map(|layer| network.layers()[layer].name.as_str()),
            Ok("backbone.act2")
        );
        let error = layer_named(&network, "backbone.layer3.1.act").unwrap_err().to_string();
        assert!(error.contains("`backbone.layer3.1.act0`") && error.contains("`backbone.layer3.1.act1`"), "{error}");
    }

    #[test]
    fn places_outside_are_refused() {
        let network = network();
        let layer = layer_named(&network, "backbone.act1").expect("there");
        let neuron = Neuron { layer, channel: 63, y: 31, x: 31 };
        assert_eq!(neuron.check(&network, 64), Ok(()));
        for (neuron, words) in [
            (Neuron { channel: 64, ..neuron }, "has no channel 64: choose one from 0 to 63"),
            (
                Neuron { y: 32, ..neuron },
                "has 32×32 positions and none at 32,31: choose a row and a column from 0 to 31",
            ),
            (Neuron { x: usize::MAX, ..neuron }, "none at 31,18446744073709551615"),
        ] {
            let error = neuron.check(&network, 64).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
