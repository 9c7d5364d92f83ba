//! A layer of a run, kept whole.

use crate::engine::Sums;
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
    pub(crate) fn assign(&mut self, sums: Sums<'_>) {
        match (self, sums) {
            (Self::Integers(own), Sums::Integers(new)) => copy(own, new),
            (Self::Floats(own), Sums::Floats(new)) => copy(own, new),
            (own, new) => *own = new.into(),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
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

impl From<Sums<'_>> for SumValues {
    fn from(sums: Sums<'_>) -> Self {
        match sums {
            Sums::Integers(sums) => Self::Integers(sums.to_vec()),
            Sums::Floats(sums) => Self::Floats(sums.to_vec()),
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

impl LayerValues {
    /// Forgets everything; the buffers stay.
    pub(crate) fn clear(&mut self) {
        self.codes.clear();
        self.elapsed = Duration::ZERO;
        match &mut self.sums {
            SumValues::Integers(sums) => sums.clear(),
            SumValues::Floats(sums) => sums.clear(),
        }
    }
}
