//! One layer by itself on a board.
//!
//! The program stays as it is but for the descriptors: the frame's writes codes of the host where the layer reads its own, and has the
//! layer's part of the weight stream alone; those between do nothing, so that the layer's is at its place too. A trunk is put in by
//! adding up convolutions of codes: no command writes it. What then stands in the memories is read back, so that a layer is judged on what it
//! had.

use super::board::{BoardEngine, BoardError, code_beats};
use super::capabilities::Capabilities;
use super::compiler::{CompileError, Resource, pack_weights};
use super::link::{Beats, End, Link, LinkError, ReadBack};
use super::program::{AcceleratorCommand, CodePlace, Descriptor, FrameFormat, Stream, TrunkPlace, flags};
use crate::engine::isolated::{InputsRead, IsolatesLayers, LayerInputs};
use crate::engine::{EngineError, Probe, Sums, check_input};
use crate::network::{BinaryConv, Geometry, LayerShape, Op, TrunkMode};

/// The largest code.
const MOST: i32 = 3;
/// The most descriptors that add the same: greedy digits need no step beyond fourfold.
const MOST_ADDED: usize = 64;

impl<L: Link> IsolatesLayers for BoardEngine<L> {
    /// A board shows the codes of its layers, the trunk, and the classifier's sums; a float first layer is the host's. An activation
    /// that is computed with the residual layer before it is computed alone, from the trunk as it stands.
    fn run_layer(
        &mut self,
        layer: usize,
        inputs: LayerInputs<'_>,
        probe: &mut dyn Probe,
    ) -> Result<InputsRead, EngineError> {
        check_input(inputs.image, self.program.edge)?;
        self.drain()?;
        if self.program.capabilities.weight_depth == 0 {
            // One layer's part of the stream, and weights that make a trunk, have no place outside.
            return Err(BoardError::Link(LinkError::NoWeights).into());
        }
        let read = self.run_isolated(layer, inputs, probe)?;
        let whole = self.program.descriptors.clone();
        self.upload_descriptors(layer, &whole)?;
        Ok(read)
    }
}

impl<L: Link> BoardEngine<L> {
    fn run_isolated(
        &mut self,
        layer: usize,
        inputs: LayerInputs<'_>,
        probe: &mut dyn Probe,
    ) -> Result<InputsRead, EngineError> {
        let beats = if layer == 0 { self.beats(inputs.image)? } else { Vec::new() };
        if let (0, Some(host)) = (layer, &self.host) {
            probe.codes(0, &host.codes);
            return Ok(InputsRead::default());
        }
        let codes = self.program.codes[layer].filter(|place| !place.is_ring());
        if layer == 0 {
            if let Some(place) = codes {
                self.start(&beats, End::Descriptor(0)).map_err(BoardError::Link)?;
                probe.codes(0, &self.codes(place).map_err(BoardError::Link)?);
            }
            return Ok(InputsRead::default());
        }
        let network = self.network.clone();
        let op = &network.layers()[layer].op;
        let LayerShape { channels, edge, .. } = network.shapes(self.program.edge)[layer];
        let trunk_place = TrunkPlace { edge, channels, made_by: 0, overwritten_by: usize::MAX };
        let mut read = InputsRead::default();
        if matches!(op, Op::Activation(_) | Op::Residual { trunk: TrunkMode::Add, .. }) {
            self.put_trunk(layer, trunk_place, inputs.trunk)?;
            let trunk = self.trunk(trunk_place).map_err(BoardError::Link)?;
            read.trunk = Some(trunk).filter(|trunk| trunk != inputs.trunk);
        }
        let input = op.input().and_then(|input| self.program.codes[input]);
        self.upload_descriptors(layer, &self.isolating(layer, input))?;
        let beats = match input {
            Some(place) => code_beats(inputs.codes, place.channels, &self.program.capabilities),
            None => code_beats(&[0], 1, &self.program.capabilities),
        };
        let descriptor = self.program.descriptor_of[layer];
        let is_classifier = matches!(op, Op::Classifier { .. });
        let end = if is_classifier { End::Results(descriptor) } else { End::Descriptor(descriptor) };
        self.start_codes(end, &beats)?;
        if is_classifier {
            let (words, _) = self.link.results(channels).map_err(BoardError::Link)?;
            let sums: Vec<i32> = words.iter().map(|word| word.cast_signed()).collect();
            probe.sums(layer, Sums::Integers(&sums));
        } else if matches!(op, Op::Residual { .. }) {
            probe.sums(layer, Sums::Integers(&self.trunk(trunk_place).map_err(BoardError::Link)?));
        } else if let Some(place) = codes {
            probe.codes(layer, &self.codes(place).map_err(BoardError::Link)?);
        }
        if let Some(place) = input.filter(|place| !place.is_ring()) {
            let codes = self.codes(place).map_err(BoardError::Link)?;
            read.codes = Some(codes).filter(|codes| codes != inputs.codes);
        }
        Ok(read)
    }

    /// Descriptors of which the last is the layer's, at its place; the codes that it reads come as a frame.
    fn isolating(&self, layer: usize, input: Option<CodePlace>) -> Vec<Descriptor> {
        let program = &self.program;
        let index = program.descriptor_of[layer];
        let own = program.descriptors[index];
        let own = match self.network.layers()[layer].op {
            // It may be computed with the layer before, whose weights come with its thresholds.
            Op::Activation(_) => {
                let walk = own.flags & (flags::KERNEL_3 | flags::STRIDE_2 | flags::WAIT_INPUT);
                Descriptor { flags: walk | flags::BLANK | flags::ADD_TRUNK | flags::WRITE_CODES, ..own }
            }
            _ => own,
        };
        let frame = match input {
            Some(place) => frame_of_codes(place, own.ring),
            // A word where the layer writes its own.
            None => Descriptor {
                in_row: 1,
                in_edge: 1,
                out_base: own.out_base,
                out_row: 1,
                out_words: 1,
                ..Descriptor::default()
            },
        };
        let mut descriptors = vec![NOTHING; index + 1];
        descriptors[0] = Descriptor { stream: Some(program.stream_of(index)), ..frame };
        descriptors[1].flags |= flags::WAIT_INPUT;
        descriptors[index] = own;
        descriptors
    }

    fn upload_descriptors(&mut self, layer: usize, descriptors: &[Descriptor]) -> Result<(), BoardError> {
        let mut words = AcceleratorCommand::WriteLayers.words(0, descriptors.len() as u32).to_vec();
        for descriptor in descriptors {
            let packed = descriptor.pack().map_err(|wide| CompileError::Descriptor {
                layer: self.network.layers()[layer].name.clone(),
                field: wide.field,
                value: wide.value,
                most: wide.most,
            })?;
            words.extend(packed);
        }
        Ok(self.link.upload(&words)?)
    }

    fn start_codes(&mut self, end: End, bytes: &[u8]) -> Result<(), BoardError> {
        let size = 2 * self.program.capabilities.parallel_in / 8;
        Ok(self.link.start(end, Beats { format: FrameFormat::Codes, size, bytes })?)
    }

    /// Adds up convolutions to a trunk, CHW, each of them several times over.
    fn put_trunk(&mut self, layer: usize, place: TrunkPlace, trunk: &[i32]) -> Result<(), BoardError> {
        let capabilities = self.program.capabilities;
        let writer = TrunkWriter::new(place, trunk, &capabilities);
        let stream = self.weights_for(layer, &writer)?;
        let descriptor = writer.descriptor(&capabilities);
        let beats = capabilities.weight_beats() as u32;
        let mut upload = AcceleratorCommand::WriteWeights.words(stream.first * beats, stream.words * beats).to_vec();
        (0..writer.tiles(&capabilities))
            .for_each(|tile| upload.extend(pack_weights(&writer.conv, tile, &capabilities)));
        self.link.upload(&upload)?;
        let frame = Descriptor { stream: Some(stream), ..frame_of_codes(writer.codes, 0) };
        let waits = Descriptor { flags: NOTHING.flags | flags::WAIT_INPUT, ..NOTHING };
        let start = Descriptor { flags: descriptor.flags & !flags::ADD_TRUNK, ..descriptor };
        self.upload_descriptors(layer, &[frame, waits, start])?;
        self.start_codes(End::Descriptor(2), &writer.beats(0, &capabilities))?;
        // A new upload interrupts what still runs; nothing is read before it is through.
        self.link.read(ReadBack::Trunk, 0, 1, capabilities.trunk_beats())?;
        // The stream begins again with each.
        let mut descriptors = vec![descriptor; 2 + writer.most_times()];
        (descriptors[0], descriptors[1]) = (frame, waits);
        self.upload_descriptors(layer, &descriptors)?;
        for (digit, &times) in writer.times.iter().enumerate().skip(1) {
            self.start_codes(End::Descriptor(1 + times), &writer.beats(digit, &capabilities))?;
        }
        self.link.read(ReadBack::Trunk, 0, 1, capabilities.trunk_beats())?;
        Ok(())
    }

    /// Where a writer's weights go: behind the network's. What else it needs is checked too.
    fn weights_for(&self, layer: usize, writer: &TrunkWriter) -> Result<Stream, BoardError> {
        let capabilities = &self.program.capabilities;
        let first = self.program.needs.weights;
        let words = writer.tiles(capabilities) * writer.codes.words;
        let needs = [
            (Resource::Weights, first + words, capabilities.weight_depth),
            (Resource::Window, writer.codes.words, capabilities.window_room()),
            (Resource::Codes, writer.codes.addresses(), capabilities.code_depth),
            (Resource::FrameRow, writer.codes.edge * writer.codes.words, (1 << 16) - 1),
        ];
        match needs.into_iter().find(|(_, needs, available)| needs > available) {
            None => Ok(Stream { first: first as u32, crc: 0, words: words as u32 }),
            Some((resource, needs, available)) => Err(BoardError::Compile(CompileError::Resource {
                layer: format!("{}, isolated", self.network.layers()[layer].name),
                resource,
                needs: needs as u64,
                available: available as u64,
            })),
        }
    }
}

/// A layer that takes nothing and writes nothing.
const NOTHING: Descriptor = Descriptor {
    flags: flags::BLANK,
    in_base: 0,
    in_row: 0,
    in_words: 1,
    in_edge: 1,
    groups: 1,
    out_base: 0,
    ring: 0,
    out_row: 0,
    out_words: 0,
    trunk_plane: 0,
    rows: 1,
    tiles: 1,
    classes: 0,
    window_words: 0,
    stream: None,
};

/// A frame of a layer's codes.
fn frame_of_codes(place: CodePlace, ring: u32) -> Descriptor {
    Descriptor {
        in_row: (place.edge * place.words) as u32,
        in_edge: place.edge as u32,
        out_base: place.base as u32,
        out_row: place.row as u32,
        out_words: place.words as u32,
        ring,
        ..Descriptor::default()
    }
}

/// How a trunk is made of convolutions. Every channel has a pair of codes that count twice for it and cancel out for all others; two
/// more codes are taken off all channels, as pairs only add. All channels of a position are even, or all are odd: each is a sum of the
/// same codes, with one sign or the other.
struct TrunkWriter {
    conv: BinaryConv,
    codes: CodePlace,
    groups: usize,
    /// Once each, in this order: how often the digit counts.
    times: Vec<usize>,
    /// What each position takes off, then what is added a channel: CHW, the two halves of what is taken off first.
    amounts: Vec<i32>,
}

impl TrunkWriter {
    fn new(TrunkPlace { edge, channels, .. }: TrunkPlace, trunk: &[i32], capabilities: &Capabilities) -> Self {
        let area = edge * edge;
        let mut amounts = vec![0; (2 + channels) * area];
        for at in 0..area {
            let least = (0..channels).map(|channel| trunk[channel * area + at]).min().unwrap_or(0);
            // Of the same parity as all of them.
            let off = (-least).max(least & 1);
            let off = off + (off + least) % 2;
            (amounts[at], amounts[area + at]) = (off / 2, off - off / 2);
            for channel in 0..channels {
                amounts[(2 + channel) * area + at] = (trunk[channel * area + at] + off) / 2;
            }
        }
        let in_channels = 2 + 2 * channels;
        let words = in_channels.div_ceil(capabilities.parallel_in);
        let row = edge.div_ceil(capabilities.banks()) * words;
        Self {
            conv: pairs(channels),
            codes: CodePlace {
                base: 0,
                row,
                words,
                edge,
                rows: edge,
                channels: in_channels,
                made_by: 0,
                overwritten_by: usize::MAX,
            },
            groups: edge.div_ceil(capabilities.pixels),
            times: times(amounts.iter().copied().max().unwrap_or(0), capabilities.layers.saturating_sub(2)),
            amounts,
        }
    }

    fn most_times(&self) -> usize {
        self.times.iter().copied().max().unwrap_or(1)
    }

    fn tiles(&self, capabilities: &Capabilities) -> usize {
        self.conv.geometry().out_channels.div_ceil(capabilities.parallel_out)
    }

    /// Adds the convolution.
    fn descriptor(&self, capabilities: &Capabilities) -> Descriptor {
        Descriptor {
            flags: flags::WRITE_TRUNK | flags::ADD_TRUNK,
            in_base: self.codes.base as u32,
            in_row: self.codes.row as u32,
            in_words: self.codes.words as u32,
            in_edge: self.codes.edge as u32,
            groups: self.groups as u32,
            rows: self.codes.edge as u32,
            tiles: self.tiles(capabilities) as u32,
            trunk_plane: capabilities.trunk_words(self.codes.edge) as u32,
            window_words: self.codes.words as u32,
            ..Descriptor::default()
        }
    }

    /// The codes of one digit of all amounts, as a frame.
    fn beats(&self, digit: usize, capabilities: &Capabilities) -> Vec<u8> {
        let area = self.codes.edge * self.codes.edge;
        let mut codes = vec![0; self.codes.channels * area];
        for (i, &amount) in self.amounts.iter().enumerate() {
            let (row, at) = (i / area, i % area);
            let code = digits(&self.times, amount)[digit];
            let channels = if row < 2 { row..row + 1 } else { 2 * row - 2..2 * row };
            channels.for_each(|channel| codes[channel * area + at] = code);
        }
        code_beats(&codes, self.codes.channels, capabilities)
    }
}

/// Two channels that are taken off all; then of each pair the first is added to all, the second to the pair's own channel and taken
/// off the others.
fn pairs(channels: usize) -> BinaryConv {
    let geometry = Geometry { in_channels: 2 + 2 * channels, out_channels: channels, kernel: 1, stride: 1 };
    let tap_bytes = geometry.in_channels.div_ceil(8);
    let mut bits = vec![0_u8; channels * tap_bytes];
    for (out, filter) in bits.chunks_exact_mut(tap_bytes).enumerate() {
        let firsts = (0..channels).map(|pair| 2 + 2 * pair);
        firsts.chain([3 + 2 * out]).for_each(|channel| filter[channel / 8] |= 1 << (channel % 8));
    }
    BinaryConv::new(geometry, bits).expect("as many bits as the shape has, of channels that a network may have")
}

/// How often each digit counts, so that digits of 0 to 3 make every amount up to `most`: once first, then four times as often, as far
/// as `limit` goes.
fn times(most: i32, limit: usize) -> Vec<usize> {
    let limit = limit.min(MOST_ADDED);
    let mut times: Vec<usize> =
        std::iter::successors(Some(1), |times| Some(4 * times)).take_while(|&t| t < limit).collect();
    if times.is_empty() {
        times.push(1);
    }
    let reached = |times: &[usize]| times.iter().sum::<usize>() as i32 * MOST;
    while reached(&times) < most {
        times.push(limit.max(1));
    }
    times
}

/// The digits of an amount, as [`times`] counts them.
fn digits(times: &[usize], amount: i32) -> Vec<u8> {
    let mut left = amount;
    let mut digits = vec![0; times.len()];
    for (digit, &times) in digits.iter_mut().zip(times).rev() {
        let code = (left / times as i32).clamp(0, MOST);
        left -= code * times as i32;
        *digit = code as u8;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_make_every_amount() {
        for limit in [1, 2, 5, 16, 17, 63, 255] {
            for most in [0, 1, 3, 62, 63, 64, 300, 2000] {
                let times = times(most, limit);
                assert!(times[0] == 1 && times.iter().all(|&times| times <= limit), "{times:?}");
                for amount in 0..=most {
                    let digits = digits(&times, amount);
                    let sum: usize = digits.iter().zip(&times).map(|(&digit, times)| usize::from(digit) * times).sum();
                    assert_eq!(sum, amount as usize, "{times:?}");
                }
            }
        }
    }

    /// The sums of the convolutions are the trunk, whatever it is.
    #[test]
    fn a_trunk_is_a_sum_of_convolutions() {
        let capabilities = Capabilities {
            parallel_in: 8,
            parallel_out: 8,
            pixels: 2,
            drain_channels: 2,
            acc_bits: 14,
            trunk_bits: 16,
            code_depth: 4096,
            weight_depth: 64,
            window_depth: 64,
            threshold_depth: 64,
            trunk_depth: 64,
            trunk_middle_depth: 64,
            trunk_wide_depth: 64,
            trunk_middle_bits: 16,
            trunk_narrow_bits: 16,
            table_words: 1,
            layers: 64,
            pool_depth: 16,
        };
        let place = TrunkPlace { edge: 2, channels: 3, made_by: 0, overwritten_by: usize::MAX };
        let trunk = [5, -200, 0, 7, -3, 1000, 2, 9, 1, -2, -4, 11];
        let writer = TrunkWriter::new(place, &trunk, &capabilities);
        for (i, &expected) in trunk.iter().enumerate() {
            let (out, at) = (i / 4, i % 4);
            let row_of = |channel: usize| if channel < 2 { channel } else { channel / 2 + 1 };
            let sum: i32 = (0..8)
                .map(|channel: usize| {
                    let positive = writer.conv.tap(out, 0, 0)[channel / 8] >> (channel % 8) & 1 == 1;
                    let amount = writer.amounts[row_of(channel) * 4 + at];
                    if positive { amount } else { -amount }
                })
                .sum();
            assert_eq!(sum, expected, "channel {out}, position {at}");
        }
    }
}
