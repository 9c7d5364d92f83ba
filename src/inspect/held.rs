//! A run that is held, and how others differ from it: two frames, two engines or two networks of one shape, side by side.

use crate::engine::{Probe, Wants};
use crate::network::{Layer, LayerShape, Network};
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

    /// For each layer of `network` at `edge` the held one whose codes it can be compared with: of the same name and shape. So a twin, or a
    /// taught network, is compared wherever it is the same; all are `None` where nothing is.
    pub(crate) fn matching(&self, network: &Network, edge: usize) -> Vec<Option<usize>> {
        let own_shapes = self.network.shapes(self.edge);
        let size = |shape: LayerShape| (shape.channels, shape.edge);
        let of_layer = |(layer, shape): (&Layer, LayerShape)| {
            let own = self.network.layers().iter().position(|own| own.name == layer.name)?;
            let both = !self.codes(own).is_empty() && layer.op.makes_codes();
            (both && size(own_shapes[own]) == size(shape)).then_some(own)
        };
        network.layers().iter().zip(network.shapes(edge)).map(of_layer).collect()
    }
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
    /// The held layer of each layer that runs.
    matching: Vec<Option<usize>>,
    differing: Vec<Option<u32>>,
}

impl HeldComparer {
    /// Against `held`, before a run; `matching` is what [`HeldRun::matching`] gives for it.
    pub(crate) fn new(held: Arc<HeldRun>, matching: Vec<Option<usize>>) -> Self {
        Self { held, differing: vec![None; matching.len()], matching }
    }

    /// The number of codes of each layer that differ; `None` of layers that have none or nothing to be compared with.
    pub(crate) fn into_differing(self) -> Vec<Option<u32>> {
        self.differing
    }

    fn held_codes(&self, layer: usize) -> &[u8] {
        self.matching.get(layer).copied().flatten().map_or(&[], |own| self.held.codes(own))
    }
}

impl Probe for HeldComparer {
    fn wants(&self, layer: usize) -> Wants {
        Wants { codes: !self.held_codes(layer).is_empty(), ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        let held = self.held_codes(layer);
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
            let matching = held.matching(engine.network(), 32);
            let mut comparer = HeldComparer::new(Arc::clone(&held), matching);
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
    fn layers_of_one_name_and_shape_are_compared() {
        let filled = |mut engine: CpuEngine| {
            let mut held = HeldRun::new(Arc::clone(engine.network()), 32);
            engine.run_probed(&picture(3), &mut held).expect("it fits");
            held
        };
        let held = filled(engine(1));
        let count = |network: &Network, edge| held.matching(network, edge).iter().flatten().count();
        let with_codes = engine(1).network().layers().iter().filter(|layer| layer.op.makes_codes()).count();
        assert_eq!(count(engine(2).network(), 32), with_codes);
        assert_eq!(count(engine(2).network(), 64), 0);
        // Its twin lacks the embedding alone.
        let shape = PublishedShape::named("erns18-0.75x").expect("published");
        let twin = shape.random(1, true).expect("sane");
        assert_eq!(count(&twin, 32), with_codes - 1);
        assert_eq!(twin.layers()[0].name, held.network.layers()[held.matching(&twin, 32)[0].expect("there")].name);
    }
}
