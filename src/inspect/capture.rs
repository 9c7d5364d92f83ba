//! Keeps every layer of a run whole.

use crate::engine::{Probe, Sums, Wants};
use crate::network::Network;
use std::time::Duration;

/// Sums before thresholds, CHW, owned.
#[derive(Clone, Debug, PartialEq)]
pub enum SumValues {
    /// Of a binary layer.
    Integers(Vec<i32>),
    /// Of a float first layer.
    Floats(Vec<f32>),
}

impl SumValues {
    /// Copies what a probe was shown, into the buffer that is there where the kind is the same.
    pub fn assign(&mut self, sums: Sums<'_>) {
        match (self, sums) {
            (Self::Integers(own), Sums::Integers(new)) => copy(own, new),
            (Self::Floats(own), Sums::Floats(new)) => copy(own, new),
            (own, Sums::Integers(new)) => *own = Self::Integers(new.to_vec()),
            (own, Sums::Floats(new)) => *own = Self::Floats(new.to_vec()),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(v) => v.len(),
            Self::Floats(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them, for showing.
    pub fn get(&self, index: usize) -> Option<f64> {
        match self {
            Self::Integers(v) => v.get(index).map(|&n| f64::from(n)),
            Self::Floats(v) => v.get(index).map(|&x| f64::from(x)),
        }
    }
}

impl Default for SumValues {
    fn default() -> Self {
        Self::Integers(Vec::new())
    }
}

fn copy<T: Copy>(own: &mut Vec<T>, new: &[T]) {
    own.clear();
    own.extend_from_slice(new);
}

/// What one layer held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerValues {
    /// Its codes, CHW; empty where it makes none.
    pub codes: Vec<u8>,
    /// Its sums before thresholds, CHW; empty where it has none.
    pub sums: SumValues,
    /// How long it took.
    pub elapsed: Duration,
}

/// The probe that keeps everything.
#[derive(Clone, Debug)]
pub struct Capture {
    layers: Vec<LayerValues>,
}

impl Capture {
    /// For runs of `network`.
    pub fn new(network: &Network) -> Self {
        Self { layers: vec![LayerValues::default(); network.layers().len()] }
    }

    /// What the last run held, in the order of the layers.
    pub fn layers(&self) -> &[LayerValues] {
        &self.layers
    }
}

impl Probe for Capture {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, histogram: false, sums: true }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        copy(&mut self.layers[layer].codes, codes);
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        self.layers[layer].sums.assign(sums);
    }

    fn time(&mut self, layer: usize, elapsed: Duration) {
        self.layers[layer].elapsed = elapsed;
    }
}
