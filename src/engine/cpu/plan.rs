//! Lowers a network once: packed weights, thresholds lane by lane, and where every map lies in the arena.

use super::classify::PackedClassifier;
use super::embed::PackedTable;
use super::kernels::Along;
use super::kernels::pool::Pool;
use super::packing::{AlongPositions, CodeMap, LaneThresholds, Lines, Packing};
use super::pixel_sums::PackedPixelConv;
use crate::network::{BinaryConv, FloatConv, LayerShape, Network, Op, Thresholds, TrunkMode};
use std::ops::Range;
use std::sync::Arc;

/// Most that a sum may reach in 16 bits: one less than their largest number, which stands for "never".
const NARROW: i32 = i16::MAX as i32 - 1;
/// A layer of fewer multiply-accumulates is not worth waking another thread.
const PARALLEL_MACS: u64 = 4_000_000;
/// Nor is anything in a network that takes a fraction of a millisecond anyway.
const PARALLEL_NETWORK_MACS: u64 = 400_000_000;
/// Nor is a layer without multiplications of fewer values.
const PARALLEL_VALUES: usize = 30_000;

/// A network, lowered for one input edge and one level.
pub(super) struct Plan {
    /// A step a layer.
    pub(super) steps: Vec<Step>,
    /// The shape of every layer.
    pub(super) shapes: Vec<LayerShape>,
    /// Bytes of every map of codes in the arena.
    pub(super) slots: Vec<usize>,
    /// Sums that the trunk holds at its widest.
    pub(super) trunk_sums: usize,
    /// Whether the trunk needs 32 bits.
    pub(super) wide_trunk: bool,
    /// Sums that a convolution of several passes adds up.
    pub(super) pass_sums: usize,
}

/// One layer.
pub(super) struct Step {
    /// What to do.
    pub(super) work: Work,
    /// Whether to share it among threads.
    pub(super) parallel: bool,
    /// When what it makes is made.
    pub(super) made: Made,
}

/// When what a layer makes is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// In its own step.
    Now,
    /// In the step before.
    Before,
    /// For probes alone: no other step reads it.
    ForProbes,
}

/// What a layer does.
pub(super) enum Work {
    /// Image → codes.
    Embed { table: PackedTable, output: CodeSlot },
    /// Image → codes, through an embedding whose codes are never made.
    PixelConv { conv: PackedPixelConv, thresholds: Lines<i16>, output: CodeSlot },
    /// Image → codes.
    FloatConv { conv: PackedFloatConv, output: CodeSlot },
    /// Codes → codes.
    Conv { input: CodeSlot, conv: PackedConv, thresholds: ConvThresholds, output: CodeSlot },
    /// Codes → trunk, and the codes of the activation behind it where they are made at once.
    Residual { input: CodeSlot, conv: PackedConv, add: bool, activated: Option<(LaneThresholds<i16>, CodeSlot)> },
    /// Trunk → codes.
    Activation { thresholds: TrunkThresholds, output: CodeSlot },
    /// Codes that the step before has made.
    Activated { output: CodeSlot },
    /// Codes → logits.
    Classify { input: CodeSlot, classifier: PackedClassifier },
}

/// A map of codes in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CodeSlot {
    /// Which slot holds it.
    pub(super) slot: usize,
    /// How it lies there.
    pub(super) map: CodeMap,
}

/// A binary convolution for the kernels.
pub(super) struct PackedConv {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) blocks: usize,
    /// One, or several where the sums could leave 16 bits.
    pub(super) passes: Vec<Pass>,
    /// Output channels whose weights are turned round, so that their sums have the other sign.
    pub(super) turned: Vec<bool>,
}

/// A range of input channels of a convolution.
pub(super) struct Pass {
    /// As `kernels::Conv::taps`.
    pub(super) taps: Vec<u32>,
    /// What does not depend on the size of the map.
    pub(super) packed: Arc<PackedPass>,
}

/// The weights of a pass.
pub(super) struct PackedPass {
    /// As `kernels::Conv::weights`.
    pub(super) weights: Lines<u8>,
    /// What the kernel's sums have too much, lane by lane: three a 0 bit.
    pub(super) offsets: Lines<i16>,
    /// For weights along positions, the input channels and `kernels::Along::borders`.
    borders: Option<(usize, Lines<i16>)>,
}

/// Thresholds behind a convolution.
pub(super) enum ConvThresholds {
    /// Over the sums of its one pass, in the kernel's order.
    OnePass(Lines<i16>),
    /// Over the sums of all passes.
    AllPasses(LaneThresholds<i32>),
}

/// Thresholds over the trunk, which has 16 or 32 bits.
pub(super) enum TrunkThresholds {
    Narrow(LaneThresholds<i16>),
    Wide(LaneThresholds<i32>),
}

/// The float first layer for the kernels.
pub(super) struct PackedFloatConv {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) blocks: usize,
    /// As `kernels::FloatRows::values`.
    pub(super) values: Box<[[f32; 256]; 3]>,
    /// As `kernels::FloatRows::weights`.
    pub(super) weights: Lines<f32>,
    pub(super) thresholds: LaneThresholds<f32>,
    /// Output channels whose weights are turned round, so that their sums have the other sign.
    pub(super) turned: Vec<bool>,
}

impl Plan {
    /// For an `edge` that [`Network::check_edge`] accepts. What `before`, a plan of the same network and packing for another edge,
    /// has packed of convolutions is shared with it.
    pub(super) fn new(network: &Network, edge: usize, packing: Packing, before: Option<&Self>) -> Self {
        let shapes = network.shapes(edge);
        let residuals = || network.layers().iter().enumerate().filter(|(_, l)| matches!(l.op, Op::Residual { .. }));
        let sums = |i: usize| shapes[i].edge * shapes[i].edge * packing.blocks(shapes[i].channels) * packing.lanes;
        let wide_trunk = residuals().any(|(i, _)| network.bound(i) > NARROW);
        let is_fused = |i: usize| !wide_trunk && follows_residual(network, i);
        let (outputs, slots) = place_codes(network, &shapes, packing, is_fused);
        let mut plan = Self {
            steps: Vec::with_capacity(shapes.len()),
            slots,
            trunk_sums: residuals().map(|(i, _)| sums(i)).max().unwrap_or(0),
            wide_trunk,
            pass_sums: 0,
            shapes,
        };
        let parallel_network = is_large_network(&plan.shapes);
        let (from_pixels, mut pixel_conv) = lower_pixel_conv(network, &plan.shapes, &outputs, packing).unzip();
        for (i, layer) in network.layers().iter().enumerate() {
            let shape = plan.shapes[i];
            let before = before.and_then(|before| before.steps[i].work.conv());
            let lowered = || lower(&layer.op, shape, &outputs, outputs[i], packing, plan.wide_trunk, before);
            let work = pixel_conv.take_if(|_| from_pixels == Some(i)).unwrap_or_else(lowered);
            if let Work::Conv { conv, .. } = &work
                && conv.passes.len() > 1
            {
                plan.pass_sums = plan.pass_sums.max(shape.edge * shape.edge * conv.blocks * packing.lanes);
            }
            let made = match i {
                0 if from_pixels.is_some() => Made::ForProbes,
                _ if is_fused(i) => Made::Before,
                _ => Made::Now,
            };
            plan.steps.push(Step { work, parallel: parallel_network && is_large(shape), made });
            if made == Made::Before {
                plan.fuse(i);
            }
        }
        plan
    }

    /// Hands the thresholds of the activation `i` to the step before it, which makes its codes.
    fn fuse(&mut self, i: usize) {
        let [.., residual, activation] = &mut self.steps[..=i] else { return };
        let Some(output) = activation.work.output() else { return };
        let work = std::mem::replace(&mut activation.work, Work::Activated { output });
        if let Work::Residual { activated, .. } = &mut residual.work
            && let Work::Activation { thresholds: TrunkThresholds::Narrow(thresholds), .. } = work
        {
            *activated = Some((thresholds, output));
        }
    }

    /// As many of `threads` threads as are worth it.
    pub(super) fn pool(&self, threads: usize) -> Pool {
        Pool::new(if is_shared(&self.shapes) { threads } else { 1 })
    }

    /// Bytes of packed weights, tables and thresholds.
    pub(super) fn weight_bytes(&self) -> usize {
        self.steps.iter().map(|step| step.work.weight_bytes()).sum()
    }
}

/// Whether any step of a network of these layers is shared among threads.
pub(super) fn is_shared(shapes: &[LayerShape]) -> bool {
    is_large_network(shapes) && shapes.iter().any(|&shape| is_large(shape))
}

fn is_large_network(shapes: &[LayerShape]) -> bool {
    shapes.iter().map(|shape| shape.macs).sum::<u64>() >= PARALLEL_NETWORK_MACS
}

fn is_large(shape: LayerShape) -> bool {
    shape.macs >= PARALLEL_MACS || shape.macs == 0 && shape.channels * shape.edge * shape.edge >= PARALLEL_VALUES
}

impl Work {
    /// Where the layer's codes go, if it makes some.
    pub(super) fn output(&self) -> Option<CodeSlot> {
        match *self {
            Self::Embed { output, .. }
            | Self::PixelConv { output, .. }
            | Self::FloatConv { output, .. }
            | Self::Conv { output, .. }
            | Self::Activation { output, .. }
            | Self::Activated { output } => Some(output),
            Self::Residual { .. } | Self::Classify { .. } => None,
        }
    }

    /// Its binary convolution, where it is one over codes.
    fn conv(&self) -> Option<&PackedConv> {
        match self {
            Self::Conv { conv, .. } | Self::Residual { conv, .. } => Some(conv),
            _ => None,
        }
    }

    fn weight_bytes(&self) -> usize {
        match self {
            Self::Embed { table, .. } => table.bytes(),
            Self::PixelConv { conv, thresholds, .. } => conv.bytes() + size_of_val(&**thresholds),
            Self::FloatConv { conv, .. } => {
                size_of_val(&*conv.weights) + size_of_val(&*conv.values) + conv.thresholds.bytes()
            }
            Self::Conv { conv, thresholds: ConvThresholds::OnePass(thresholds), .. } => {
                conv.bytes() + size_of_val(&**thresholds)
            }
            Self::Conv { conv, thresholds: ConvThresholds::AllPasses(thresholds), .. } => {
                conv.bytes() + thresholds.bytes()
            }
            Self::Residual { conv, activated, .. } => {
                conv.bytes() + activated.as_ref().map_or(0, |(thresholds, _)| thresholds.bytes())
            }
            Self::Activated { .. } => 0,
            Self::Activation { thresholds: TrunkThresholds::Narrow(thresholds), .. } => thresholds.bytes(),
            Self::Activation { thresholds: TrunkThresholds::Wide(thresholds), .. } => thresholds.bytes(),
            Self::Classify { classifier, .. } => classifier.bytes(),
        }
    }
}

/// Whether layer `i` compares the trunk with thresholds right behind a convolution of one pass that adds to it: then the trunk of
/// 16 bits need not be read again.
fn follows_residual(network: &Network, i: usize) -> bool {
    let before = i.checked_sub(1).map(|before| &network.layers()[before].op);
    matches!((&network.layers()[i].op, before), (Op::Activation(_), Some(Op::Residual { conv, .. })) if conv.bound() <= NARROW)
}

/// Gives every layer that makes codes a slot of the arena, free again behind the layer's last reader; returns the slots' sizes
/// too. The codes of a layer that `is_fused` are made in the step before.
fn place_codes(
    network: &Network,
    shapes: &[LayerShape],
    packing: Packing,
    is_fused: impl Fn(usize) -> bool,
) -> (Vec<Option<CodeSlot>>, Vec<usize>) {
    let layers = network.layers();
    let last_readers = network.last_readers();
    let mut outputs: Vec<Option<CodeSlot>> = vec![None; layers.len()];
    let mut slots: Vec<usize> = Vec::new();
    let mut free_behind: Vec<usize> = Vec::new();
    for (i, layer) in layers.iter().enumerate().filter(|(_, layer)| layer.op.makes_codes()) {
        let pixel = match &layer.op {
            Op::PixelEmbedding(table) => PackedTable::pixel(table, packing),
            _ => packing.blocks(shapes[i].channels) * packing.block_bytes(),
        };
        let map = CodeMap { edge: shapes[i].edge, pixel };
        let bytes = map.bytes() + AlongPositions::SPARE;
        // The free slot that has to grow least, then the one that fits tightest.
        let fit = |&slot: &usize| (bytes.saturating_sub(slots[slot]), slots[slot]);
        let made = if is_fused(i) { i - 1 } else { i };
        let slot = (0..slots.len()).filter(|&slot| free_behind[slot] < made).min_by_key(fit).unwrap_or_else(|| {
            slots.push(0);
            free_behind.push(0);
            slots.len() - 1
        });
        slots[slot] = slots[slot].max(bytes);
        free_behind[slot] = last_readers[i];
        outputs[i] = Some(CodeSlot { slot, map });
    }
    (outputs, slots)
}

/// Lowers one layer. `outputs` holds the codes of every layer that makes some, `output` this layer's own; `before` is its
/// convolution at another size.
fn lower(
    op: &Op,
    shape: LayerShape,
    outputs: &[Option<CodeSlot>],
    output: Option<CodeSlot>,
    packing: Packing,
    wide_trunk: bool,
    before: Option<&PackedConv>,
) -> Work {
    // A `Network` is well formed: inputs make codes.
    let codes = |codes: Option<CodeSlot>| codes.expect("a well-formed network reads and makes codes where it must");
    match op {
        Op::PixelEmbedding(table) => Work::Embed { table: PackedTable::new(table, packing), output: codes(output) },
        Op::FloatConv(conv) => {
            Work::FloatConv { conv: PackedFloatConv::new(conv, shape.edge, packing), output: codes(output) }
        }
        Op::Conv { input, conv, thresholds } => {
            let input = codes(outputs[*input]);
            let (conv, thresholds) = lower_conv(conv, thresholds, input.map, packing, before);
            Work::Conv { input, conv, thresholds, output: codes(output) }
        }
        Op::Residual { input, conv, trunk } => {
            let turned = vec![false; shape.channels];
            let input = codes(outputs[*input]);
            let conv = PackedConv::new(conv, turned, input.map, packing, before);
            Work::Residual { input, conv, add: *trunk == TrunkMode::Add, activated: None }
        }
        Op::Activation(thresholds) => {
            let rows = thresholds.rows().iter().zip(thresholds.falling());
            let thresholds = if wide_trunk {
                TrunkThresholds::Wide(LaneThresholds::new(packing, rows.map(|(&row, &falling)| (row, falling))))
            } else {
                let narrow = |row: [i32; 3]| row.map(narrowed);
                TrunkThresholds::Narrow(LaneThresholds::new(
                    packing,
                    rows.map(|(&row, &falling)| (narrow(row), falling)),
                ))
            };
            Work::Activation { thresholds, output: codes(output) }
        }
        Op::Classifier { input, classifier } => {
            Work::Classify { input: codes(outputs[*input]), classifier: PackedClassifier::new(classifier, packing) }
        }
    }
}

/// The nearest 16-bit number: right for thresholds, as no sum comes near the ends.
fn narrowed(threshold: i32) -> i16 {
    threshold.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// Falling channels get their weights turned round, so that the kernel only ever asks n ≥ T.
fn lower_conv(
    conv: &BinaryConv,
    thresholds: &Thresholds<i32>,
    map: CodeMap,
    packing: Packing,
    before: Option<&PackedConv>,
) -> (PackedConv, ConvThresholds) {
    let rows = thresholds.rows().iter().zip(thresholds.falling());
    if conv.bound() > NARROW {
        let packed = PackedConv::new(conv, vec![false; thresholds.channels()], map, packing, before);
        let thresholds = LaneThresholds::new(packing, rows.map(|(&row, &falling)| (row, falling)));
        return (packed, ConvThresholds::AllPasses(thresholds));
    }
    let packed = PackedConv::new(conv, thresholds.falling().to_vec(), map, packing, before);
    let thresholds = turned_thresholds(thresholds, &packed.passes[0].packed.offsets, packing);
    (packed, ConvThresholds::OnePass(thresholds))
}

/// Thresholds as the kernels take them, over sums that have `offsets` too much; those of falling channels are turned round as
/// their weights are.
fn turned_thresholds(thresholds: &Thresholds<i32>, offsets: &[i16], packing: Packing) -> Lines<i16> {
    let half = packing.lanes / 2;
    let mut lanes = Lines::new(i16::MAX, 3 * offsets.len());
    for (channel, (row, &falling)) in thresholds.rows().iter().zip(thresholds.falling()).enumerate() {
        let lane = packing.lane(channel);
        for (j, &threshold) in row.iter().enumerate() {
            let threshold = if falling { -threshold } else { threshold };
            lanes[(lane / half * 3 + j) * half + lane % half] = narrowed(threshold + i32::from(offsets[lane]));
        }
    }
    lanes
}

/// The one layer that reads the pixel embedding, by its number, lowered to read the picture instead; `None` where there is no
/// such layer, or its table would be too large.
fn lower_pixel_conv(
    network: &Network,
    shapes: &[LayerShape],
    outputs: &[Option<CodeSlot>],
    packing: Packing,
) -> Option<(usize, Work)> {
    let Op::PixelEmbedding(table) = &network.layers()[0].op else { return None };
    let mut readers = network.layers().iter().enumerate().filter(|(_, layer)| layer.op.input() == Some(0));
    let ((reader, layer), None) = (readers.next()?, readers.next()) else { return None };
    let Op::Conv { conv, thresholds, .. } = &layer.op else { return None };
    let conv = PackedPixelConv::new(table, conv, thresholds.falling().to_vec(), shapes[reader].edge, packing)?;
    let thresholds = turned_thresholds(thresholds, &conv.offsets, packing);
    Some((reader, Work::PixelConv { conv, thresholds, output: outputs[reader]? }))
}

impl PackedConv {
    fn new(conv: &BinaryConv, turned: Vec<bool>, map: CodeMap, packing: Packing, before: Option<&Self>) -> Self {
        let g = conv.geometry();
        // One pass if it can be; else passes start where a block of indices does.
        let most = NARROW as usize / (3 * g.kernel * g.kernel);
        let a_pass = if g.in_channels <= most { g.in_channels } else { most / 64 * 64 };
        let starts = (0..g.in_channels).step_by(a_pass).enumerate();
        let along = a_pass == g.in_channels && AlongPositions::pays(g, map.edge, packing);
        let passes = starts.map(|(pass, start)| {
            let channels = start..g.in_channels.min(start + a_pass);
            let taps = tap_offsets(g.kernel, packing.tap_groups(&channels), map, packing);
            let known =
                before.map(|before| &before.passes[pass].packed).filter(|known| known.borders.is_some() == along);
            let made = || Arc::new(PackedPass::new(conv, &turned, channels, packing, along));
            let packed = known.map_or_else(made, Arc::clone);
            Pass { taps, packed }
        });
        Self {
            kernel: g.kernel,
            stride: g.stride,
            width: map.edge / g.stride,
            blocks: packing.blocks(g.out_channels),
            passes: passes.collect(),
            turned,
        }
    }

    /// Whether it looks up in tables along positions.
    pub(super) fn is_along_positions(&self) -> bool {
        self.passes.iter().any(|pass| pass.packed.borders.is_some())
    }

    fn bytes(&self) -> usize {
        self.passes.iter().map(|pass| 4 * pass.taps.len() + pass.packed.bytes()).sum()
    }
}

impl PackedPass {
    fn new(conv: &BinaryConv, turned: &[bool], channels: Range<usize>, packing: Packing, along: bool) -> Self {
        #[cfg(test)]
        crate::done::PACKINGS.count();
        if along {
            Self::along_positions(conv, turned, packing)
        } else if packing.multiplies() {
            Self::signs(conv, turned, channels, packing)
        } else {
            Self::positions(conv, turned, channels, packing)
        }
    }

    fn bytes(&self) -> usize {
        let borders = self.borders.as_ref().map_or(0, |(_, borders)| size_of_val(&**borders));
        self.weights.len() + size_of_val(&*self.offsets) + borders
    }

    /// Beside weights along positions, what they need.
    pub(super) fn along(&self) -> Option<Along<'_>> {
        self.borders.as_ref().map(|(channels, borders)| Along { channels: *channels, borders })
    }

    /// Weights to look up with in tables along positions.
    fn along_positions(conv: &BinaryConv, turned: &[bool], packing: Packing) -> Self {
        let g = conv.geometry();
        let lanes = packing.blocks(g.out_channels) * packing.lanes;
        let mut weights = Lines::new(0, AlongPositions::bytes(g.in_channels, lanes));
        let mut borders = Lines::new(0_i16, AlongPositions::BORDERS * lanes);
        let mut offsets = Lines::new(0_i16, lanes);
        for (out, &turned) in turned.iter().enumerate() {
            for (ky, kx) in (0..g.kernel).flat_map(|ky| (0..g.kernel).map(move |kx| (ky, kx))) {
                let bits = conv.tap(out, ky, kx);
                let mut zeros = 0;
                for channel in 0..g.in_channels {
                    if (bits[channel / 8] >> (channel % 8) & 1 == 1) != turned {
                        let (place, bit) = AlongPositions::place(g, lanes, out, (ky, kx), channel);
                        weights[place] += bit;
                    } else {
                        zeros += 1;
                    }
                }
                let lane = packing.lane(out);
                offsets[lane] += 3 * zeros;
                for border in (0..AlongPositions::BORDERS).filter(|&border| is_outside(border, (ky, kx))) {
                    borders[border * lanes + lane] += 3 * zeros;
                }
            }
        }
        Self { weights, offsets, borders: Some((g.in_channels, borders)) }
    }

    /// Weights to multiply with: a bit is set for +1. Those behind the last channel meet codes of 0.
    fn signs(conv: &BinaryConv, turned: &[bool], channels: Range<usize>, packing: Packing) -> Self {
        let g = conv.geometry();
        let groups = packing.tap_groups(&channels);
        let taps = g.kernel * g.kernel * groups.len();
        let block_bytes = taps * packing.lanes * packing.weight_bytes();
        let mut weights = Lines::new(0, packing.blocks(g.out_channels) * block_bytes);
        for (out, &turned) in turned.iter().enumerate() {
            let lane = packing.lane(out);
            for (ky, kx) in (0..g.kernel).flat_map(|ky| (0..g.kernel).map(move |kx| (ky, kx))) {
                let bits = conv.tap(out, ky, kx);
                for channel in channels.clone() {
                    let tap = (ky * groups.len() + channel / packing.tap - groups.start) * g.kernel + kx;
                    let place = packing.place_of_sign(taps, tap, lane % packing.lanes, channel % packing.tap);
                    let positive = (bits[channel / 8] >> (channel % 8) & 1 == 1) != turned;
                    weights[lane / packing.lanes * block_bytes + place / 8] |= u8::from(positive) << (place % 8);
                }
            }
        }
        let offsets = Lines::new(0, packing.blocks(g.out_channels) * packing.lanes);
        Self { weights, offsets, borders: None }
    }

    /// Weights to look up with: positions in tables.
    fn positions(conv: &BinaryConv, turned: &[bool], channels: Range<usize>, packing: Packing) -> Self {
        let g = conv.geometry();
        let taps = g.kernel * g.kernel;
        let groups = packing.tap_groups(&channels);
        let blocks = packing.blocks(g.out_channels);
        // Bits behind the last channel are 1, where the code 0 adds nothing.
        let ones = (1_u8 << packing.group) - 1;
        let mut weights = Lines::new(ones, blocks * taps * groups.len() * packing.lanes);
        let mut offsets = Lines::new(0_i16, blocks * packing.lanes);
        for (out, &turned) in turned.iter().enumerate() {
            let (block, lane) = (out / packing.lanes, out % packing.lanes);
            // Blocks that lie together share a chunk; the last one may be alone.
            let first = block / packing.together * packing.together;
            let together = (blocks - first).min(packing.together);
            for tap in 0..taps {
                let bits = conv.tap(out, tap / g.kernel, tap % g.kernel);
                for channel in channels.clone() {
                    if (bits[channel / 8] >> (channel % 8) & 1 == 1) == turned {
                        let (group, place) = packing.place(channel);
                        let (ky, kx) = (tap / g.kernel, tap % g.kernel);
                        let step = (ky * groups.len() + group - groups.start) * g.kernel + kx;
                        let row = first * taps * groups.len() + step * together;
                        weights[(row + block - first) * packing.lanes + lane] ^= 1 << place;
                        offsets[packing.lane(out)] += 3;
                    }
                }
            }
        }
        Self { weights, offsets, borders: None }
    }
}

/// Whether a tap lies outside the map at a kind of border, see [`AlongPositions::BORDERS`].
fn is_outside(border: usize, (ky, kx): (usize, usize)) -> bool {
    border / 3 != 1 && ky == border / 3 || border % 3 != 1 && kx == border % 3
}

/// Where the taps of `groups`, an index or several each, lie under a kernel, from the first tap's position on: `[ky][group][kx]`.
fn tap_offsets(kernel: usize, groups: Range<usize>, map: CodeMap, packing: Packing) -> Vec<u32> {
    let rows = (0..kernel).flat_map(|ky| groups.clone().map(move |group| (ky, group)));
    let taps = rows.flat_map(|(ky, group)| (0..kernel).map(move |kx| (ky, group, kx)));
    // Maps of at most 4096 × 4096 positions and 8192 channels: two rows of one are far below 4 GiB.
    taps.map(|(ky, group, kx)| (ky * map.row() + kx * map.pixel + group * packing.tap_bytes()) as u32).collect()
}

impl PackedFloatConv {
    fn new(conv: &FloatConv, width: usize, packing: Packing) -> Self {
        let g = conv.geometry();
        let inputs = g.kernel * g.kernel * 3;
        let blocks = packing.blocks(g.out_channels);
        let mut weights = Lines::new(0.0, blocks * inputs * packing.lanes);
        let turned = conv.thresholds().falling();
        for ((out, row), &turned) in conv.weights().chunks_exact(inputs).enumerate().zip(turned) {
            let lane = packing.lane(out);
            for (i, &weight) in row.iter().enumerate() {
                let place = (lane / packing.lanes * inputs + i) * packing.lanes + lane % packing.lanes;
                weights[place] = if turned { -weight } else { weight };
            }
        }
        let (values, _) = conv.pixel_values().as_chunks::<256>();
        let thresholds = conv.thresholds();
        let rows = thresholds.rows().iter().zip(thresholds.falling()).map(|(&row, &falling)| (row, falling));
        Self {
            kernel: g.kernel,
            stride: g.stride,
            width,
            blocks,
            values: Box::new(std::array::from_fn(|colour| values[colour])),
            weights,
            thresholds: LaneThresholds::new(packing, rows),
            turned: turned.to_vec(),
        }
    }
}
