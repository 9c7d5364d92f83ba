//! One layer by itself: the inputs go into the buffers that its step reads, the step runs, what it made is shown.

use super::arena::{Arena, TrunkSums, Workbench};
use super::kernels::Kernels;
use super::packing::{CodeMap, Packing};
use super::plan::{CodeSlot, Plan, Work};
use super::{CpuEngine, unpack};
use crate::engine::isolated::{InputsRead, IsolatesLayers, LayerInputs};
use crate::engine::{EngineError, Probe, Wants, check_input};
use crate::network::LayerShape;

impl IsolatesLayers for CpuEngine {
    /// A convolution that is one step with the pixel embedding reads the picture, so that its codes are of this engine's table. An
    /// activation that is one step with the residual layer before it gets the trunk through that step, with codes of 0.
    fn run_layer(
        &mut self,
        layer: usize,
        inputs: LayerInputs<'_>,
        probe: &mut dyn Probe,
    ) -> Result<InputsRead, EngineError> {
        check_input(inputs.image, self.edge)?;
        let Self { kernels, plan, arena, pool, .. } = self;
        let (kernels, plan) = (*kernels, &*plan);
        arena.make_probe_room(plan);
        let steps = &plan.steps;
        // The layer whose step makes it.
        let step = if matches!(steps[layer].work, Work::Activated { .. }) { layer - 1 } else { layer };
        let input = match &steps[step].work {
            Work::Conv { input, .. } | Work::Residual { input, .. } | Work::Classify { input, .. } => Some(*input),
            _ => None,
        };
        if let Some(input) = input {
            let codes: &[u8] = if step == layer { inputs.codes } else { &[] };
            arena.put_codes(kernels.packing(), input, codes);
        }
        let LayerShape { channels, .. } = plan.shapes[layer];
        arena.put_trunk(kernels.packing(), channels, inputs.trunk);
        let mut read = InputsRead::default();
        let mut stage = Workbench { arena: &mut *arena, kernels, plan, pool, image: inputs.image };
        if matches!(steps[layer].work, Work::PixelConv { .. }) {
            stage.run(0);
            read.codes = Some(stage.arena.codes_of_embedding(kernels, plan)).filter(|codes| codes != inputs.codes);
        }
        match &steps[step].work {
            Work::Residual { input, conv, activated: Some((thresholds, output)), .. } if step != layer => {
                stage.add_and_activate(conv, *input, true, (thresholds, *output), steps[step].parallel);
                read.trunk = Some(stage.arena.trunk_of(kernels.packing(), plan.shapes[layer]))
                    .filter(|trunk| trunk != inputs.trunk);
            }
            _ => stage.run(step),
        }
        if let Some(mut room) = stage.arena.probe_room.take() {
            stage.show(layer, Wants { codes: true, histogram: false, sums: true }, &mut room, probe);
            stage.arena.probe_room = Some(room);
        }
        Ok(read)
    }
}

impl Arena {
    /// Packs codes, CHW, into a map; where there are fewer than it holds, the others are 0.
    fn put_codes(&mut self, packing: Packing, CodeSlot { slot, map }: CodeSlot, codes: &[u8]) {
        pack(packing, map, codes, &mut self.codes[slot]);
    }

    /// Packs a trunk of `channels` channels, CHW.
    fn put_trunk(&mut self, packing: Packing, channels: usize, trunk: &[i32]) {
        let lanes = packing.blocks(channels) * packing.lanes;
        let area = trunk.len() / channels;
        let places = trunk.iter().enumerate().map(|(i, &sum)| (i % area * lanes + packing.lane(i / area), sum));
        match &mut self.trunk {
            // No sum of a network whose trunk has 16 bits needs more.
            TrunkSums::Narrow(sums) => places.for_each(|(place, sum)| sums[place] = sum as i16),
            TrunkSums::Wide(sums) => places.for_each(|(place, sum)| sums[place] = sum),
        }
    }

    fn trunk_of(&self, packing: Packing, LayerShape { channels, edge, .. }: LayerShape) -> Vec<i32> {
        let area = edge * edge;
        let lanes = area * packing.blocks(channels) * packing.lanes;
        let mut trunk = vec![0; channels * area];
        match &self.trunk {
            TrunkSums::Narrow(sums) => unpack::sums(packing, &sums[..lanes], &mut trunk, area, |_, sum| i32::from(sum)),
            TrunkSums::Wide(sums) => unpack::sums(packing, &sums[..lanes], &mut trunk, area, |_, sum| sum),
        }
        trunk
    }

    fn codes_of_embedding(&self, kernels: Kernels, plan: &Plan) -> Vec<u8> {
        let LayerShape { channels, edge, .. } = plan.shapes[0];
        let mut codes = vec![0; channels * edge * edge];
        if let Some(CodeSlot { slot, map }) = plan.steps[0].work.output() {
            unpack::codes(kernels.packing(), map, &self.codes[slot], channels, &mut codes);
        }
        codes
    }
}

/// Codes, CHW, one a byte → packed codes.
fn pack(packing: Packing, map: CodeMap, codes: &[u8], packed: &mut [u8]) {
    packed[..map.bytes()].fill(0);
    for (channel, plane) in codes.chunks_exact(map.edge * map.edge).enumerate() {
        let (group, slot) = packing.place(channel);
        let byte = group * packing.index_bytes + slot / 4;
        for (i, &code) in plane.iter().enumerate() {
            packed[map.at(i / map.edge, i % map.edge) + byte] |= code << (2 * (slot % 4));
        }
    }
}
