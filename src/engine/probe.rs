//! What can be watched of a run, layer by layer.

use crate::board::LayerCycles;
use std::time::Duration;

/// How often each code 0..=3 stands in a layer.
pub type CodeHistogram = [u32; 4];

/// Counts codes, one a byte; what is above 3 counts as 3 (there is none).
pub(crate) fn count_codes(codes: &[u8]) -> CodeHistogram {
    let mut counts = [0; 4];
    for &code in codes {
        counts[usize::from(code.min(3))] += 1;
    }
    counts
}

/// What a probe wants of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The codes that the layer makes.
    pub codes: bool,
    /// How often each code stands among them: much cheaper than the codes.
    pub histogram: bool,
    /// Its sums before thresholds.
    pub sums: bool,
}

impl Wants {
    /// What one of two probes wants, or both.
    #[cfg(feature = "live")]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            codes: self.codes || other.codes,
            histogram: self.histogram || other.histogram,
            sums: self.sums || other.sums,
        }
    }
}

/// Sums before thresholds, CHW. An accumulator of a convolution, the trunk behind a residual layer and before an activation, the sum
/// over all positions for the classifier (one a class).
#[derive(Clone, Copy, Debug)]
pub enum Sums<'a> {
    /// Of a binary layer.
    Integers(&'a [i32]),
    /// Of a float first layer.
    Floats(&'a [f32]),
}

/// Watches a run, layer by layer, in order, a layer's sums before its codes. `layer` is the index in [`Network::layers`](crate::network::Network::layers).
/// What is not implemented looks at nothing.
pub trait Probe {
    /// Asked before a layer runs; what is not wanted is not made.
    fn wants(&self, _layer: usize) -> Wants {
        Wants::default()
    }

    /// The layer's codes, CHW, one a byte.
    fn codes(&mut self, _layer: usize, _codes: &[u8]) {}

    /// The layer's codes, counted.
    fn histogram(&mut self, _layer: usize, _counts: CodeHistogram) {}

    /// The layer's sums.
    fn sums(&mut self, _layer: usize, _sums: Sums<'_>) {}

    /// How long the layer took, without what the probe itself cost.
    fn time(&mut self, _layer: usize, _elapsed: Duration) {}

    /// What a board counted of the layer, where one ran it; a layer that is computed along with the one before has none.
    fn cycles(&mut self, _layer: usize, _counted: LayerCycles) {}
}
