//! A run that is held, and how others differ from it: two frames, two engines or two networks of one shape, side by side.

use crate::engine::{Probe, Wants};
use crate::network::Network;
use std::sync::Arc;

/// All codes of a run.
#[derive(Clone, Debug)]
pub(crate) struct HeldRun {
    network: Arc<Network>,
    edge: usize,
    /// Of each layer, CHW; empty where it makes none, or the engine showed none.
    codes: Vec<Vec<u8>>,
}

impl HeldRun {
    /// Before a run of `network` at an input of `edge` × `edge` pixels; it is the probe that fills it.
    pub(crate) fn new(network: Arc<Network>, edge: usize) -> Self {
        Self { codes: vec![Vec::new(); network.layers().len()], network, edge }
    }

    /// The codes of a layer, CHW; none where it makes none.
    pub(crate) fn codes(&self, layer: usize) -> &[u8] {
        self.codes.get(layer).map_or(&[], Vec::as_slice)
    }

    /// As if it were compared with itself: 0 for each layer that has codes.
    pub(crate) fn no_differences(&self) -> Vec<Option<u32>> {
        self.codes.iter().map(|codes| (!codes.is_empty()).then_some(0)).collect()
    }

    /// Whether runs of `network` at `edge` can be compared with it code by code: layers of the same names and shapes.
    pub(crate) fn is_comparable(&self, network: &Network, edge: usize) -> bool {
        let names = |network: &Network| network.layers().iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
        let shapes = |network: &Network, edge| {
            network.shapes(edge).iter().map(|shape| (shape.channels, shape.edge)).collect::<Vec<_>>()
        };
        let codes = |network: &Network| network.layers().iter().map(|layer| layer.op.makes_codes()).collect::<Vec<_>>();
        edge == self.edge
            && names(network) == names(&self.network)
            && codes(network) == codes(&self.network)
            && without_last(shapes(network, edge)) == without_last(shapes(&self.network, self.edge))
    }
}

/// Two classifiers may have different numbers of classes: they make no codes.
fn without_last<T>(mut shapes: Vec<T>) -> Vec<T> {
    shapes.pop();
    shapes
}

impl Probe for HeldRun {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        if let Some(own) = self.codes.get_mut(layer) {
            own.clear();
            own.extend_from_slice(codes);
        }
    }
}

/// Counts, layer by layer, where a run differs from a held one.
#[derive(Clone, Debug)]
pub(crate) struct HeldComparer {
    held: Arc<HeldRun>,
    differing: Vec<Option<u32>>,
}

impl HeldComparer {
    /// Against `held`, before a run.
    pub(crate) fn new(held: Arc<HeldRun>) -> Self {
        Self { differing: vec![None; held.codes.len()], held }
    }

    /// The number of codes of each layer that differ; `None` of layers that show none.
    pub(crate) fn into_differing(self) -> Vec<Option<u32>> {
        self.differing
    }
}

impl Probe for HeldComparer {
    fn wants(&self, layer: usize) -> Wants {
        Wants { codes: !self.held.codes(layer).is_empty(), ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        let held = self.held.codes(layer);
        if held.len() == codes.len() && !held.is_empty() {
            let count = held.iter().zip(codes).filter(|(one, other)| one != other).count();
            self.differing[layer] = Some(count as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::cpu::{CpuEngine, Level};
    use crate::frame::InputImage;
    use crate::network::published::PublishedShape;

    fn engine(seed: u64) -> CpuEngine {
        let shape = PublishedShape::named("erns18-0.75x").expect("published");
        let network = shape.random(seed, false).expect("sane");
        CpuEngine::new(network.into(), 32, Level::best(), 1).expect("a size of it")
    }

    /// A picture of its own for every shade.
    fn picture(shade: u8) -> InputImage {
        InputImage::from_rgb(32, (0..32 * 32 * 3).map(|at| (at as u8).wrapping_mul(shade)).collect()).expect("square")
    }

    #[test]
    fn what_differs_is_counted_layer_by_layer() {
        let mut engine = engine(1);
        let mut held = HeldRun::new(Arc::clone(engine.network()), 32);
        engine.run_probed(&picture(3), &mut held).expect("it fits");
        let held = Arc::new(held);
        let mut differing = |shade| {
            let mut comparer = HeldComparer::new(Arc::clone(&held));
            engine.run_probed(&picture(shade), &mut comparer).expect("it fits");
            comparer.into_differing()
        };
        let same = differing(3);
        assert_eq!(same, held.no_differences());
        let apart = differing(5);
        let shown = same.iter().flatten().count();
        assert_eq!(shown, engine.network().layers().iter().filter(|layer| layer.op.makes_codes()).count());

        let mut other = HeldRun::new(Arc::clone(engine.network()), 32);
        engine.run_probed(&picture(5), &mut other).expect("it fits");
        for (layer, count) in apart.iter().enumerate() {
            let expected = held.codes(layer).iter().zip(other.codes(layer)).filter(|(one, other)| one != other).count();
            assert_eq!(count.unwrap_or(0) as usize, expected, "layer {layer}");
        }
        assert!(apart[0].is_some_and(|count| count > 0));
    }

    #[test]
    fn runs_of_one_shape_can_be_compared_and_others_cannot() {
        let held = HeldRun::new(Arc::clone(engine(1).network()), 32);
        assert!(held.is_comparable(engine(2).network(), 32));
        assert!(!held.is_comparable(engine(2).network(), 64));
        let deeper = PublishedShape::named("erns18").and_then(|shape| shape.random(1, false).ok()).expect("published");
        assert!(!held.is_comparable(&deeper, 32));
    }
}
