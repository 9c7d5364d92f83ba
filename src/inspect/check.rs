//! One engine held against another while it goes on: what it shows of a frame is kept, and compared when the other engine has
//! time.

use super::SumValues;
use super::diff::{DiffError, Difference, FirstDifference, differ_at, finished, logit_difference};
use crate::engine::{Engine, Probe, Sums, Wants};
use crate::frame::InputImage;
use crate::network::{LayerShape, Network, Op};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes of a frame that are kept at most, but for a layer that alone has more: of a larger network some layers are kept of
/// one frame, the ones behind them of the next.
const KEPT_BYTES: usize = 32 << 20;

/// What an engine shows of a frame: codes, the classifier's sums, and those of the trunk where they are wanted.
pub(crate) struct KeptRun {
    layers: Vec<KeptLayer>,
}

#[derive(Default)]
struct KeptLayer {
    wants: Wants,
    codes: Option<Vec<u8>>,
    sums: Option<SumValues>,
}

impl KeptRun {
    /// For one run of `network` at `edge`, of the layers from `first` on; and which one is to be the first of the next
    /// record.
    pub(crate) fn new(network: &Network, edge: usize, first: usize, with_trunk: bool) -> (Self, usize) {
        let shapes = network.shapes(edge);
        let count = shapes.len();
        let mut layers: Vec<KeptLayer> = shapes.iter().map(|_| KeptLayer::default()).collect();
        let mut bytes = 0;
        for turn in 0..count {
            let layer = (first + turn) % count;
            let op = &network.layers()[layer].op;
            let sums = matches!(op, Op::Classifier { .. }) || with_trunk && matches!(op, Op::Residual { .. });
            let LayerShape { channels, edge, .. } = shapes[layer];
            bytes += channels * edge * edge * if sums { size_of::<i32>() } else { 1 };
            if turn > 0 && bytes > KEPT_BYTES {
                return (Self { layers }, layer);
            }
            layers[layer].wants = Wants { codes: op.makes_codes(), histogram: false, sums };
        }
        (Self { layers }, first)
    }

    /// Runs `other` on the same picture; `None` where all that both show is the same, and the bits of the logits are `logits`.
    ///
    /// # Errors
    /// [`DiffError`], where `other` fails or panics.
    pub(crate) fn compare(
        &self,
        logits: &[f32],
        other: &mut dyn Engine,
        image: &InputImage,
    ) -> Result<Option<Difference>, DiffError> {
        let mut against = Against { record: self, first: None };
        let name = other.info().name;
        // It is not used again behind a panic.
        let run = AssertUnwindSafe(|| other.run_probed(image, &mut against).map(|outcome| outcome.logits.to_vec()));
        let other_logits = finished(catch_unwind(run), name)?;
        let last = self.layers.len() - 1;
        let first = against.first.or_else(|| logit_difference(last, logits, &other_logits));
        Ok(first.map(|first| first.named(other.network(), other.edge())))
    }
}

impl Probe for KeptRun {
    fn wants(&self, layer: usize) -> Wants {
        self.layers[layer].wants
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.layers[layer].codes = Some(codes.to_vec());
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        self.layers[layer].sums = Some(sums.into());
    }
}

/// Compares what it is shown with a record, until something differs.
struct Against<'a> {
    record: &'a KeptRun,
    first: Option<FirstDifference>,
}

impl Against<'_> {
    fn found(&mut self, layer: usize, what: &'static str, at: usize, values: [Option<f64>; 2]) {
        let values = values.map(|value| value.unwrap_or(f64::NAN));
        self.first = Some(FirstDifference { layer, what, at, values });
    }
}

impl Probe for Against<'_> {
    fn wants(&self, layer: usize) -> Wants {
        let KeptLayer { codes, sums, .. } = &self.record.layers[layer];
        let goes_on = self.first.is_none();
        Wants { codes: goes_on && codes.is_some(), histogram: false, sums: goes_on && sums.is_some() }
    }

    fn codes(&mut self, layer: usize, right: &[u8]) {
        let Some(left) = self.record.layers[layer].codes.as_deref().filter(|_| self.first.is_none()) else { return };
        if let Some(at) = differ_at(left, right, |a, b| a == b) {
            self.found(layer, "code", at, [left, right].map(|codes| codes.get(at).map(|&code| code.into())));
        }
    }

    fn sums(&mut self, layer: usize, right: Sums<'_>) {
        let Some(left) = self.record.layers[layer].sums.as_ref().filter(|_| self.first.is_none()) else { return };
        let differ = match (left, right) {
            (SumValues::Integers(left), Sums::Integers(right)) => differ_at(left, right, |a, b| a == b),
            (SumValues::Floats(left), Sums::Floats(right)) => differ_at(left, right, |a, b| a.to_bits() == b.to_bits()),
            _ => Some(0),
        };
        if let Some(at) = differ {
            self.found(layer, "sum", at, [left.get(at), SumValues::from(right).get(at)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::{CpuEngine, Level};
    use crate::engine::reference::ReferenceEngine;
    use crate::network::published::PublishedShape;
    use std::sync::Arc;

    fn network(seed: u64) -> Arc<Network> {
        let shape = PublishedShape::named("erns18-0.75x").expect("published");
        Arc::new(shape.random(seed, false).expect("well formed"))
    }

    fn image() -> InputImage {
        let mut image = InputImage::black(32);
        image.rgb_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 7 % 255) as u8);
        image
    }

    #[test]
    fn a_record_equals_the_same_network_and_no_other() {
        let mut engine = CpuEngine::new(network(1), 32, Level::best(), 1).expect("a size of it");
        for with_trunk in [false, true] {
            let (mut record, next) = KeptRun::new(&network(1), 32, 0, with_trunk);
            assert_eq!(next, 0);
            let logits = engine.run_probed(&image(), &mut record).expect("it runs").logits.to_vec();
            let mut same = ReferenceEngine::new(network(1), 32).expect("a size of it");
            assert_eq!(record.compare(&logits, &mut same, &image()).expect("it runs"), None);
            let mut other = ReferenceEngine::new(network(2), 32).expect("a size of it");
            let difference = record.compare(&logits, &mut other, &image()).expect("it runs").expect("other weights");
            assert_eq!((difference.layer.as_str(), difference.what), ("backbone.act1", "code"));
            let mut wrong = logits.clone();
            wrong[7] += 1.0;
            let difference = record.compare(&wrong, &mut same, &image()).expect("it runs").expect("a logit");
            assert_eq!(
                (difference.what, difference.position, difference.left),
                ("logit", [7, 0, 0], f64::from(wrong[7]))
            );
        }
    }

    #[test]
    fn one_code_of_any_layer_is_found_where_it_is() {
        let mut engine = CpuEngine::new(network(1), 32, Level::best(), 1).expect("a size of it");
        let (mut record, _) = KeptRun::new(&network(1), 32, 0, true);
        let logits = engine.run_probed(&image(), &mut record).expect("it runs").logits.to_vec();
        for (layer, LayerShape { channels, edge, .. }) in network(1).shapes(32).into_iter().enumerate() {
            let position = [channels - 1, edge / 2, edge - 1];
            let at = (position[0] * edge + position[1]) * edge + position[2];
            let change = |record: &mut KeptRun, by: i32| match &mut record.layers[layer] {
                KeptLayer { codes: Some(codes), .. } => codes[at] = (i32::from(codes[at]) ^ by) as u8,
                KeptLayer { sums: Some(SumValues::Integers(sums)), .. } => sums[at] ^= by,
                _ => unreachable!("everything is kept"),
            };
            change(&mut record, 1);
            let found = record.compare(&logits, &mut engine, &image()).expect("it runs").expect("a difference");
            assert_eq!((&found.layer, found.position), (&network(1).layers()[layer].name, position));
            assert_eq!((found.left - found.right).abs(), 1.0);
            change(&mut record, 1);
        }
    }

    #[test]
    fn layers_of_a_large_network_take_turns() {
        let network = network(1);
        let mut first = 0;
        let mut kept = vec![0; network.layers().len()];
        for _ in 0..8 {
            let (record, next) = KeptRun::new(&network, 1024, first, true);
            let shapes = network.shapes(1024);
            let bytes = |layer: usize| shapes[layer].channels * shapes[layer].edge * shapes[layer].edge;
            let wanted = |layer: &usize| record.layers[*layer].wants != Wants::default();
            let layers: Vec<usize> = (0..kept.len()).filter(wanted).collect();
            assert!(layers.len() == 1 || layers.iter().map(|&layer| bytes(layer)).sum::<usize>() <= KEPT_BYTES);
            layers.iter().for_each(|&layer| kept[layer] += 1);
            first = next;
        }
        assert!(kept.iter().all(|&count| count > 0), "{kept:?}");
    }
}
