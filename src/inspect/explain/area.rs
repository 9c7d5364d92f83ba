//! Which part of a map, and of the picture, counts for a neuron.

use super::neuron::Neuron;
use crate::network::{Geometry, Layer, Network, Op, TrunkMode};
use std::ops::Range;

/// A rectangle of a map or of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    /// Rows.
    pub(crate) y: Range<usize>,
    /// Columns.
    pub(crate) x: Range<usize>,
}

impl Area {
    /// One position.
    pub(super) fn of(neuron: Neuron) -> Self {
        Self { y: neuron.y..neuron.y + 1, x: neuron.x..neuron.x + 1 }
    }

    /// What the layer `op` reads of a map of `edge` × `edge` to make these positions, without the padding.
    pub(super) fn read_by(&self, op: &Op, edge: usize) -> Self {
        let convolved = |g: Geometry| {
            let read = |at: &Range<usize>| {
                let (start, end) = (at.start * g.stride, (at.end - 1) * g.stride + g.kernel);
                start.saturating_sub(g.kernel / 2)..(end - g.kernel / 2).min(edge)
            };
            Self { y: read(&self.y), x: read(&self.x) }
        };
        match op {
            Op::Conv { conv, .. } | Op::Residual { conv, .. } => convolved(conv.geometry()),
            Op::FloatConv(conv) => convolved(conv.geometry()),
            Op::PixelEmbedding(_) | Op::Activation(_) => self.clone(),
            // It takes the mean over all positions.
            Op::Classifier { .. } => Self { y: 0..edge, x: 0..edge },
        }
    }

    /// The smallest one around both.
    fn around(&self, other: &Self) -> Self {
        let around = |a: &Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Self { y: around(&self.y, &other.y), x: around(&self.x, &other.x) }
    }
}

/// The layers whose convolutions, or table, make the values of `layer`: itself, or for a trunk all that wrote to it since it started.
pub(super) fn branches(layers: &[Layer], layer: usize) -> Vec<usize> {
    if !matches!(layers[layer].op, Op::Residual { .. } | Op::Activation(_)) {
        return vec![layer];
    }
    let mut found = Vec::new();
    for (index, layer) in layers[..=layer].iter().enumerate().rev() {
        if let Op::Residual { trunk, .. } = layer.op {
            found.push(index);
            if trunk == TrunkMode::Start {
                break;
            }
        }
    }
    found.reverse();
    found
}

/// The pixels that `neuron` depends on, for a picture of `edge` pixels; the neuron is one of `network` at that size.
pub(crate) fn receptive_field(network: &Network, edge: usize, neuron: Neuron) -> Area {
    let (layers, shapes) = (network.layers(), network.shapes(edge));
    // What counts of each layer's values, found from the last layer to the first.
    let mut counts: Vec<Option<Area>> = vec![None; neuron.layer + 1];
    counts[neuron.layer] = Some(Area::of(neuron));
    for layer in (1..=neuron.layer).rev() {
        let Some(area) = counts[layer].take() else { continue };
        for branch in branches(layers, layer) {
            let op = &layers[branch].op;
            if let Some(input) = op.input() {
                let read = area.read_by(op, shapes[input].edge);
                counts[input] =
                    Some(counts[input].as_ref().map_or_else(|| read.clone(), |before| before.around(&read)));
            }
        }
    }
    counts[0].as_ref().map_or(Area { y: 0..0, x: 0..0 }, |area| area.read_by(&layers[0].op, edge))
}
