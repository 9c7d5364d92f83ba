//! Which part of a map, and of the picture, counts for a neuron.

use super::neuron::Neuron;
use crate::network::{Geometry, Layer, Op, TrunkMode};
use std::ops::Range;

/// A rectangle of a map or of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Area {
    /// Rows.
    pub(super) y: Range<usize>,
    /// Columns.
    pub(super) x: Range<usize>,
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
