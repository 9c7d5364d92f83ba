//! Whether two engines hold the same integers, layer by layer.

use super::{Capture, LayerValues, SumValues};
use crate::engine::{Engine, EngineError};
use crate::frame::InputImage;
use std::fmt;

/// The first place where two engines differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The layer's name.
    pub layer: String,
    /// `code`, `sum` or `logit`.
    pub what: &'static str,
    /// Channel, row, column.
    pub position: [usize; 3],
    /// What the first engine holds.
    pub left: f64,
    /// What the second engine holds.
    pub right: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [channel, y, x] = self.position;
        let Self { layer, what, left, right, .. } = self;
        write!(f, "{layer}: {what} at channel {channel}, row {y}, column {x}: {left} against {right}")
    }
}

/// Compares two engines of one network and size, their buffers kept.
pub struct Differ<'a> {
    engines: [&'a mut dyn Engine; 2],
    captures: [Capture; 2],
    edges: Vec<usize>,
}

impl<'a> Differ<'a> {
    /// For two engines made for the same network and edge.
    pub fn new(left: &'a mut dyn Engine, right: &'a mut dyn Engine) -> Self {
        let capture = Capture::new(left.network());
        let edges = left.network().shapes(left.edge()).iter().map(|shape| shape.edge).collect();
        Self { captures: [capture.clone(), capture], engines: [left, right], edges }
    }

    /// Runs both; `None` where codes, sums and the logits' bits are identical at every layer.
    ///
    /// # Errors
    /// [`EngineError`] of either engine.
    pub fn compare(&mut self, image: &InputImage) -> Result<Option<Difference>, EngineError> {
        let [left, right] = &mut self.engines;
        let [first, second] = &mut self.captures;
        let left_logits = left.run_probed(image, first)?.to_vec();
        let right_logits = right.run_probed(image, second)?;
        let network = left.network();
        for (index, layer) in network.layers().iter().enumerate() {
            let (a, b) = (&first.layers()[index], &second.layers()[index]);
            if let Some((what, at, left, right)) = first_difference(a, b) {
                let position = locate(at, self.edges[index]);
                return Ok(Some(Difference { layer: layer.name.clone(), what, position, left, right }));
            }
        }
        let differs = |(a, b): (&f32, &f32)| a.to_bits() != b.to_bits();
        Ok(left_logits.iter().zip(right_logits).position(differs).map(|class| Difference {
            layer: network.layers().last().map_or_else(String::new, |l| l.name.clone()),
            what: "logit",
            position: [class, 0, 0],
            left: f64::from(left_logits[class]),
            right: f64::from(right_logits[class]),
        }))
    }
}

/// What differs, at which index of the CHW map, and both values (NaN where one engine shows none).
fn first_difference(a: &LayerValues, b: &LayerValues) -> Option<(&'static str, usize, f64, f64)> {
    let sums = |at: usize| ("sum", at, a.sums.get(at).unwrap_or(f64::NAN), b.sums.get(at).unwrap_or(f64::NAN));
    let sum_at = match (&a.sums, &b.sums) {
        (SumValues::Integers(x), SumValues::Integers(y)) => differ_at(x, y, |x, y| x == y),
        (SumValues::Floats(x), SumValues::Floats(y)) => differ_at(x, y, |x, y| x.to_bits() == y.to_bits()),
        _ => Some(0),
    };
    let codes = |at: usize| {
        let value = |codes: &[u8]| codes.get(at).map_or(f64::NAN, |&c| f64::from(c));
        ("code", at, value(&a.codes), value(&b.codes))
    };
    sum_at.map(sums).or_else(|| differ_at(&a.codes, &b.codes, |x, y| x == y).map(codes))
}

fn differ_at<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> Option<usize> {
    let at = a.iter().zip(b).position(|(x, y)| !same(x, y));
    at.or_else(|| (a.len() != b.len()).then(|| a.len().min(b.len())))
}

fn locate(at: usize, edge: usize) -> [usize; 3] {
    [at / (edge * edge), at / edge % edge, at % edge]
}
