//! From a network to the program of a board: descriptors, packed weights and thresholds, a plan of the code memory.
//!
//! Every layer that convolves is a descriptor. An activation that directly follows a residual layer is computed with it, from
//! the sums on their way to the trunk; another one walks the trunk with every code counted as 0.

use super::capabilities::Capabilities;
use super::program::{
    AcceleratorCommand, CodePlace, DESCRIPTOR_WORDS, Descriptor, FrameFormat, Needs, Program, Stream, TooWide,
    TrunkPlace, flags,
};
use crate::network::{BinaryConv, CodeTable, LayerShape, Network, NetworkError, Op, Thresholds, TrunkMode};
use std::fmt;
use thiserror::Error;

/// Why a network has no program for a board.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompileError {
    /// The network does not run at that size.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A layer needs more than there is.
    #[error("layer `{layer}` does not fit the board: it needs {needs} {resource}, there are {available}")]
    Resource {
        /// The first layer that does not fit.
        layer: String,
        /// What is short.
        resource: Resource,
        /// What the program needs up to this layer.
        needs: u64,
        /// What the board has.
        available: u64,
    },
    /// A number that no descriptor can hold.
    #[error("layer `{layer}` does not fit any board: its {field} is {value}, and a descriptor holds up to {most}")]
    Descriptor {
        /// The layer.
        layer: String,
        /// The field, as `rtl/ernscope_pkg.sv` calls it.
        field: &'static str,
        /// What it would be.
        value: u32,
        /// The most that it can be.
        most: u32,
    },
}

/// What a board has limited amounts of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Descriptors.
    Descriptors,
    /// Words of the weight stream.
    Weights,
    /// Words of its window.
    Window,
    /// Rows of thresholds.
    Thresholds,
    /// Words of codes a bank.
    Codes,
    /// Words of the trunk.
    Trunk,
    /// Words a pixel in the table of pixel embedding.
    Table,
    /// Words of pooling sums.
    Pool,
    /// Bits of an accumulator.
    AccumulatorBits,
    /// Bits of sums, trunk and thresholds.
    TrunkBits,
    /// Bits of a pooling sum.
    PoolBits,
    /// Words that a row of a frame may have.
    FrameRow,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Descriptors => "layer descriptors",
            Self::Weights => "words of weights and thresholds",
            Self::Window => "words of weights and thresholds at a time",
            Self::Thresholds => "rows of thresholds at a time",
            Self::Codes => "words of codes a bank",
            Self::Trunk => "words of the trunk",
            Self::Table => "words a pixel in the pixel-embedding table",
            Self::Pool => "words of pooling sums",
            Self::AccumulatorBits => "bits of an accumulator",
            Self::TrunkBits => "bits of sums and trunk",
            Self::PoolBits => "bits of a pooling sum",
            Self::FrameRow => "beats of a row of the frame",
        })
    }
}

/// The program of `network` at `edge` pixels for a board of these capabilities.
///
/// # Errors
/// [`CompileError`] names the first layer that does not fit.
pub(crate) fn compile(network: &Network, edge: usize, capabilities: Capabilities) -> Result<Program, CompileError> {
    network.check_edge(edge)?;
    let whole_frame = Compiler::new(network, edge, capabilities, false).compile();
    match whole_frame {
        // Where the first convolution alone reads the frame, a few rows at a time will do.
        Err(CompileError::Resource { resource: Resource::Codes, .. }) if network.last_readers()[0] == 1 => {
            Compiler::new(network, edge, capabilities, true).compile()
        }
        program => program,
    }
}

/// 2³ rows of the frame: three that a kernel reads, and some that come in meanwhile.
const RING: u32 = 3;

/// Bits of a pooling sum, the sign included.
const POOL_BITS: u32 = 32;
/// Beats of a row are counted in 16 bits.
const FRAME_ROW: u64 = 1 << 16;

struct Compiler<'a> {
    network: &'a Network,
    capabilities: Capabilities,
    edge: usize,
    shapes: Vec<LayerShape>,
    last_readers: Vec<usize>,
    /// Whether the frame's rows take turns in a few places.
    ring: bool,
    /// The first layer of the descriptor that is being made.
    first: usize,
    descriptors: Vec<Descriptor>,
    weights: Vec<u32>,
    stream_starts: Vec<usize>,
    table: Vec<u32>,
    format: FrameFormat,
    codes: Vec<Option<CodePlace>>,
    trunks: Vec<Option<TrunkPlace>>,
    descriptor_of: Vec<usize>,
    needs: Needs,
}

impl<'a> Compiler<'a> {
    fn new(network: &'a Network, edge: usize, capabilities: Capabilities, ring: bool) -> Self {
        let layers = network.layers().len();
        Self {
            network,
            capabilities,
            edge,
            shapes: network.shapes(edge),
            last_readers: network.last_readers(),
            ring,
            first: 0,
            descriptors: Vec::new(),
            weights: Vec::new(),
            stream_starts: Vec::new(),
            table: Vec::new(),
            format: FrameFormat::Codes,
            codes: vec![None; layers],
            trunks: vec![None; layers],
            descriptor_of: vec![0; layers],
            needs: Needs::default(),
        }
    }

    fn compile(mut self) -> Result<Program, CompileError> {
        let mut layer = 0;
        while layer < self.network.layers().len() {
            layer += self.layer(layer)?;
        }
        self.finish()
    }

    /// The logarithm of the rows that the codes of `layer` take turns in, if they do.
    fn ring(&self, layer: usize) -> u32 {
        let turns = self.ring && layer == 0 && self.shapes[0].edge > 1 << RING;
        if turns { RING } else { 0 }
    }

    /// Compiles one layer, and the one behind it where both are one descriptor; returns how many.
    fn layer(&mut self, layer: usize) -> Result<usize, CompileError> {
        let index = self.descriptors.len();
        self.need(layer, Resource::Descriptors, index + 1, self.capabilities.layers)?;
        self.descriptor_of[layer] = index;
        self.first = layer;
        self.stream_starts.push(self.needs.weights);
        let network = self.network;
        let layers = network.layers();
        let mut taken = 1;
        let mut coded = None;
        let descriptor = match &layers[layer].op {
            Op::PixelEmbedding(table) => {
                self.embedding(layer, table)?;
                self.frame(layer, FrameFormat::Pixels)?
            }
            Op::FloatConv(_) => self.frame(layer, FrameFormat::Codes)?,
            Op::Conv { input, conv, thresholds } => {
                let convolution = self.convolution(layer, *input, conv)?;
                coded = Some(thresholds);
                self.coding(layer, convolution)?
            }
            Op::Residual { input, conv, trunk } => {
                let add = if *trunk == TrunkMode::Add { flags::ADD_TRUNK } else { 0 };
                let mut descriptor = self.convolution(layer, *input, conv)?;
                descriptor.flags |= flags::WRITE_TRUNK | add;
                self.trunk(layer, &descriptor)?;
                match layers.get(layer + 1).map(|next| &next.op) {
                    Some(Op::Activation(thresholds)) => {
                        taken = 2;
                        self.descriptor_of[layer + 1] = index;
                        coded = Some(thresholds);
                        self.coding(layer + 1, descriptor)?
                    }
                    _ => descriptor,
                }
            }
            Op::Activation(thresholds) => {
                let blank = self.blank(layer);
                coded = Some(thresholds);
                self.coding(layer, blank)?
            }
            Op::Classifier { input, classifier } => {
                let mut descriptor = self.convolution(layer, *input, classifier.conv())?;
                self.pool(layer, &descriptor, self.shapes[*input].edge)?;
                descriptor.flags |= flags::POOL;
                descriptor.classes = self.shapes[layer].channels as u32;
                descriptor
            }
        };
        self.stream(layer, &descriptor, coded, layers[layer].op.binary_conv())?;
        self.descriptors.push(descriptor);
        self.needs.layers = self.descriptors.len();
        Ok(taken)
    }

    fn need(&self, layer: usize, resource: Resource, needs: usize, available: usize) -> Result<(), CompileError> {
        let (needs, available) = (needs as u64, available as u64);
        if needs <= available {
            return Ok(());
        }
        let layer = self.network.layers()[layer].name.clone();
        Err(CompileError::Resource { layer, resource, needs, available })
    }

    /// Words a pixel.
    fn words(&self, channels: usize) -> usize {
        channels.div_ceil(self.capabilities.parallel_in)
    }

    fn tiles(&self, channels: usize) -> usize {
        channels.div_ceil(self.capabilities.parallel_out)
    }

    // ---- The frame.

    fn frame(&mut self, layer: usize, format: FrameFormat) -> Result<Descriptor, CompileError> {
        self.format = format;
        let place = self.place(layer)?;
        let beats = place.edge * if format == FrameFormat::Pixels { 1 } else { place.words };
        self.need(layer, Resource::FrameRow, beats, FRAME_ROW as usize - 1)?;
        Ok(Descriptor {
            flags: if format == FrameFormat::Pixels { flags::KERNEL_3 } else { 0 },
            in_row: beats as u32,
            in_edge: place.edge as u32,
            ring: self.ring(layer),
            stream: Some(Stream::default()),
            ..writes_to(place)
        })
    }

    /// 256 rows a word: what the bytes of each colour add to it.
    fn embedding(&mut self, layer: usize, table: &CodeTable) -> Result<(), CompileError> {
        let depth = table.depth();
        let words = self.words(3 * depth);
        self.need(layer, Resource::Table, words, self.capabilities.table_words)?;
        let lanes = self.capabilities.parallel_in;
        for word in 0..words {
            for byte in 0..=255 {
                let mut bits = BitWriter::default();
                for colour in 0..3 {
                    let code = |lane: usize| {
                        let channel = word * lanes + lane;
                        let ours = channel / depth == colour;
                        if ours { table.row(colour, byte)[channel % depth] } else { 0 }
                    };
                    (0..lanes).for_each(|lane| bits.push(code(lane) & 1 == 1));
                    (0..lanes).for_each(|lane| bits.push(code(lane) >> 1 == 1));
                }
                self.table.extend(bits.finish());
            }
        }
        Ok(())
    }

    // ---- Convolutions.

    fn convolution(&mut self, layer: usize, input: usize, conv: &BinaryConv) -> Result<Descriptor, CompileError> {
        let g = conv.geometry();
        let bits = |bound: i32| (i32::BITS - bound.leading_zeros()) as usize;
        let Capabilities { acc_bits, trunk_bits, .. } = self.capabilities;
        self.need(layer, Resource::AccumulatorBits, bits(conv.bound()), acc_bits as usize)?;
        let bound = self.network.bound(layer).max(conv.bound());
        // Thresholds lie one beyond the bound, and one that is never reached beyond them.
        self.need(layer, Resource::TrunkBits, bits(bound.saturating_add(2)) + 1, trunk_bits as usize)?;
        let place = self.codes[input].expect("a layer's input makes codes and stands before it");
        let (tiles, words) = (self.tiles(g.out_channels), self.words(g.in_channels));
        // The pooling layer has a position a pixel of its input.
        let edge = place.edge / g.stride;
        let waits = self.descriptors.len() == 1;
        let window_words = words * g.kernel * g.kernel * if waits { tiles } else { 1 };
        Ok(Descriptor {
            flags: if waits { flags::WAIT_INPUT } else { 0 }
                | if g.kernel == 3 { flags::KERNEL_3 } else { 0 }
                | if g.stride == 2 { flags::STRIDE_2 } else { 0 },
            in_base: place.base as u32,
            in_row: place.row as u32,
            in_words: words as u32,
            in_edge: place.edge as u32,
            groups: edge.div_ceil(self.capabilities.pixels) as u32,
            rows: edge as u32,
            tiles: tiles as u32,
            trunk_plane: self.capabilities.trunk_words(edge) as u32,
            window_words: window_words as u32,
            ring: self.ring(input),
            ..Descriptor::default()
        })
    }

    /// The trunk alone: one step a tile, in which all codes count as 0.
    fn blank(&self, layer: usize) -> Descriptor {
        let LayerShape { channels, edge, .. } = self.shapes[layer];
        Descriptor {
            flags: flags::BLANK | flags::ADD_TRUNK,
            in_words: 1,
            in_edge: edge as u32,
            groups: edge.div_ceil(self.capabilities.pixels) as u32,
            trunk_plane: self.capabilities.trunk_words(edge) as u32,
            rows: edge as u32,
            tiles: self.tiles(channels) as u32,
            ..Descriptor::default()
        }
    }

    // ---- What becomes of sums.

    fn trunk(&mut self, layer: usize, descriptor: &Descriptor) -> Result<(), CompileError> {
        let words = descriptor.all_tiles() as usize * self.capabilities.drain();
        self.need(layer, Resource::Trunk, words, self.capabilities.trunk_depth)?;
        self.needs.trunk = self.needs.trunk.max(words);
        let bits = signed_bits(self.network.bound(layer));
        self.need(layer, Resource::TrunkBits, bits, self.capabilities.trunk_bits_of(words) as usize)?;
        let made_by = self.descriptors.len();
        let LayerShape { channels, edge, .. } = self.shapes[layer];
        if let Some(before) = self.trunks.iter_mut().flatten().last() {
            before.overwritten_by = made_by;
        }
        self.trunks[layer] = Some(TrunkPlace { edge, channels, made_by, overwritten_by: usize::MAX });
        Ok(())
    }

    fn pool(&mut self, layer: usize, descriptor: &Descriptor, edge: usize) -> Result<(), CompileError> {
        let rows = descriptor.tiles as usize * self.capabilities.drain();
        self.need(layer, Resource::Pool, rows, self.capabilities.pool_depth)?;
        let bound = u64::from(self.network.bound(layer).unsigned_abs()) * (edge * edge) as u64;
        let bits = (u64::BITS - bound.leading_zeros() + 1) as usize;
        self.need(layer, Resource::PoolBits, bits, POOL_BITS as usize)
    }

    fn coding(&mut self, layer: usize, descriptor: Descriptor) -> Result<Descriptor, CompileError> {
        let rows = descriptor.window_tiles() as usize * self.capabilities.drain();
        self.need(layer, Resource::Thresholds, rows, self.capabilities.threshold_depth / 2)?;
        self.needs.thresholds = self.needs.thresholds.max(rows);
        let place = self.place(layer)?;
        let Descriptor { out_base, out_row, out_words, .. } = writes_to(place);
        let flags = descriptor.flags | flags::WRITE_CODES;
        Ok(Descriptor { flags, out_base, out_row, out_words, ..descriptor })
    }

    // ---- The weight stream.

    /// What the descriptor takes of the weight stream: window by window, the rows of thresholds of its tiles, then their weights.
    fn stream(
        &mut self,
        layer: usize,
        descriptor: &Descriptor,
        thresholds: Option<&Thresholds<i32>>,
        conv: Option<&BinaryConv>,
    ) -> Result<(), CompileError> {
        let board = self.capabilities;
        let beats = self.weights.len();
        for window in 0..descriptor.windows() as usize {
            let tiles = descriptor.window_tiles() as usize;
            let tiles = window * tiles..(window + 1) * tiles;
            if let Some(thresholds) = thresholds {
                tiles.clone().for_each(|tile| self.weights.extend(pack_thresholds(thresholds, tile, &board)));
            }
            if let Some(conv) = conv {
                tiles.for_each(|tile| self.weights.extend(pack_weights(conv, tile, &board)));
            }
        }
        let words = (self.weights.len() - beats) / board.word_beats();
        let window = words / descriptor.windows().max(1) as usize;
        self.need(layer, Resource::Window, window, board.window_room())?;
        self.needs.window = self.needs.window.max(window);
        self.needs.weights += words;
        let available = if board.weight_depth == 0 { u32::MAX as usize } else { board.weight_depth };
        self.need(layer, Resource::Weights, self.needs.weights, available)
    }

    // ---- Code memory.

    /// A place for the codes of `layer`: the lowest that is free of codes that this descriptor or a later one reads.
    fn place(&mut self, layer: usize) -> Result<CodePlace, CompileError> {
        let LayerShape { channels, edge, .. } = self.shapes[layer];
        let words = self.words(channels);
        let row = edge.div_ceil(self.capabilities.banks()) * words;
        let alive = self.codes.iter().zip(&self.last_readers).filter(|(_, last)| **last >= self.first);
        let mut alive: Vec<(usize, usize)> =
            alive.filter_map(|(place, _)| place.map(|p| (p.base, p.base + p.addresses()))).collect();
        alive.sort_unstable();
        let rows = if self.ring(layer) > 0 { 1 << RING } else { edge };
        let size = row * rows;
        // A ring is read first and then never again: at the end of the memory it parts none of the free space.
        let mut base = if rows < edge { self.capabilities.code_depth.saturating_sub(size) } else { 0 };
        for (start, end) in alive {
            if base + size <= start {
                break;
            }
            base = base.max(end);
        }
        self.need(layer, Resource::Codes, base + size, self.capabilities.code_depth)?;
        self.needs.codes = self.needs.codes.max(base + size);
        let made_by = self.descriptors.len();
        for other in self.codes.iter_mut().flatten() {
            let apart = other.base + other.addresses() <= base || base + size <= other.base;
            if !apart && other.overwritten_by == usize::MAX {
                other.overwritten_by = made_by;
            }
        }
        let place = CodePlace { base, row, words, edge, rows, channels, made_by, overwritten_by: usize::MAX };
        self.codes[layer] = Some(place);
        Ok(place)
    }

    fn finish(mut self) -> Result<Program, CompileError> {
        let Capabilities { parallel_in, weight_depth, .. } = self.capabilities;
        let stream = Stream { first: 0, crc: checksum(&self.weights), words: self.needs.weights as u32 };
        self.descriptors[0].stream = Some(stream);
        let kept: &[u32] = if weight_depth == 0 { &[] } else { &self.weights };
        let table_beats = (3 * 2 * parallel_in).div_ceil(32);
        let mut descriptors = Vec::with_capacity(self.descriptors.len() * DESCRIPTOR_WORDS);
        for (index, descriptor) in self.descriptors.iter().enumerate() {
            descriptors.extend(descriptor.pack().map_err(|wide| self.too_wide(index, wide))?);
        }
        let parts = [
            (AcceleratorCommand::WriteLayers, descriptors.as_slice(), DESCRIPTOR_WORDS),
            (AcceleratorCommand::WriteWeights, kept, self.capabilities.weight_beat_bits().div_ceil(32)),
            (AcceleratorCommand::WriteTable, &self.table, table_beats),
        ];
        let mut upload = Vec::new();
        for (command, words, beats) in parts {
            upload.extend(command.words(0, (words.len() / beats) as u32));
            upload.extend(words);
        }
        Ok(Program {
            capabilities: self.capabilities,
            upload,
            weights: self.weights,
            stream_starts: self.stream_starts,
            descriptors: self.descriptors,
            format: self.format,
            edge: self.edge,
            codes: self.codes,
            trunks: self.trunks,
            descriptor_of: self.descriptor_of,
            needs: self.needs,
        })
    }

    fn too_wide(&self, descriptor: usize, TooWide { field, value, most }: TooWide) -> CompileError {
        let mut layers = self.network.layers().iter().zip(&self.descriptor_of);
        let layer =
            layers.find(|(_, own)| **own == descriptor).map_or_else(String::new, |(layer, _)| layer.name.clone());
        CompileError::Descriptor { layer, field, value, most }
    }
}

/// Bits of a signed integer of this bound.
fn signed_bits(bound: i32) -> usize {
    (i32::BITS - bound.leading_zeros()) as usize + 1
}

/// CRC-32 of a weight stream's bytes.
fn checksum(beats: &[u32]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    beats.iter().for_each(|beat| hasher.update(&beat.to_le_bytes()));
    hasher.finalize()
}

/// A tile's weights: a word a kernel tap and word of input channels, in it a bit a pair of lanes.
pub(super) fn pack_weights(conv: &BinaryConv, tile: usize, capabilities: &Capabilities) -> Vec<u32> {
    let g = conv.geometry();
    let Capabilities { parallel_in, parallel_out, .. } = *capabilities;
    let mut weights = Vec::new();
    for (ky, kx) in (0..g.kernel * g.kernel).map(|tap| (tap / g.kernel, tap % g.kernel)) {
        for word in 0..g.in_channels.div_ceil(parallel_in) {
            let mut bits = BitWriter::default();
            for out in tile * parallel_out..(tile + 1) * parallel_out {
                let filter = (out < g.out_channels).then(|| conv.tap(out, ky, kx));
                for channel in word * parallel_in..(word + 1) * parallel_in {
                    let byte = filter.and_then(|filter| filter.get(channel / 8));
                    bits.push(byte.is_some_and(|byte| byte >> (channel % 8) & 1 == 1));
                }
            }
            weights.extend(bits.finish());
        }
    }
    weights
}

/// A tile's thresholds: a row for every channels that are drained together, as many rows in a word as it holds. Channels that only
/// fill up a tile reach no threshold.
fn pack_thresholds(thresholds: &Thresholds<i32>, tile: usize, capabilities: &Capabilities) -> Vec<u32> {
    let Capabilities { parallel_out, drain_channels, trunk_bits, .. } = *capabilities;
    let never = ((1_i64 << (trunk_bits - 1)) - 1) as i32;
    let (channels_a_word, word_beats) = (capabilities.rows_a_word() * drain_channels, capabilities.word_beats());
    let mut words = Vec::new();
    for first in (tile * parallel_out..(tile + 1) * parallel_out).step_by(channels_a_word) {
        let mut bits = BitWriter::default();
        for channel in first..first + channels_a_word {
            let falling = thresholds.falling().get(channel).copied().unwrap_or(false);
            let row = thresholds.rows().get(channel).copied().unwrap_or([never; 3]);
            for threshold in row {
                bits.push_integer(if falling { !threshold } else { threshold }, trunk_bits);
            }
            bits.push(falling);
        }
        words.extend(bits.finish());
        words.resize(words.len().next_multiple_of(word_beats), 0);
    }
    words
}

fn writes_to(place: CodePlace) -> Descriptor {
    Descriptor {
        out_base: place.base as u32,
        out_row: place.row as u32,
        out_words: place.words as u32,
        ..Descriptor::default()
    }
}

/// Bits into words of 32, lowest first.
#[derive(Default)]
struct BitWriter {
    words: Vec<u32>,
    bits: usize,
}

impl BitWriter {
    fn push(&mut self, bit: bool) {
        if self.bits.is_multiple_of(32) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u32::from(bit) << (self.bits % 32);
        }
        self.bits += 1;
    }

    fn push_integer(&mut self, value: i32, bits: u32) {
        (0..bits).for_each(|bit| self.push(value >> bit & 1 == 1));
    }

    fn finish(self) -> Vec<u32> {
        self.words
    }
}

#[cfg(test)]
mod tests {
    use super::super::designs::{KV260, ULX3S};
    use super::*;
    use crate::network::published::PublishedShape;
    use crate::network::shipped::SHIPPED;
    use crate::network::{Classifier, Geometry, Layer, NetworkParts};

    fn cards() -> Network {
        crate::network::file::parse(SHIPPED[0].bytes().expect("inside")).expect("ours")
    }

    fn short(capabilities: Capabilities) -> (String, Resource, u64) {
        match compile(&cards(), 64, capabilities) {
            Err(CompileError::Resource { layer, resource, needs, .. }) => (layer, resource, needs),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let needs = compile(&cards(), 64, ULX3S).expect("fits").needs();
        let error = compile(&cards(), 64, Capabilities { weight_depth: 9, ..ULX3S }).expect_err("too large");
        assert_eq!(
            error.to_string(),
            "layer `backbone.act1` does not fit the board: it needs 11 words of weights and thresholds, there are 9"
        );
        let classifier = "conv".to_string();
        let weight_depth = needs.weights - 1;
        let expected = (classifier.clone(), Resource::Weights, needs.weights as u64);
        assert_eq!(short(Capabilities { weight_depth, ..ULX3S }), expected);
        assert_eq!(short(Capabilities { pool_depth: 7, ..ULX3S }), (classifier, Resource::Pool, 8));
        let layers = needs.layers - 1;
        assert_eq!(short(Capabilities { layers, ..ULX3S }).1, Resource::Descriptors);
        let first = "backbone.act1".to_string();
        assert_eq!(short(Capabilities { threshold_depth: 4, ..ULX3S }), (first.clone(), Resource::Thresholds, 4));
        assert_eq!(short(Capabilities { window_depth: 8, ..ULX3S }), (first, Resource::Window, 11));
        let narrow = Capabilities { trunk_wide_depth: 64, trunk_middle_depth: 64, trunk_narrow_bits: 8, ..ULX3S };
        assert_eq!(short(narrow).1, Resource::TrunkBits);
        assert_eq!(short(Capabilities { acc_bits: 9, ..ULX3S }).1, Resource::AccumulatorBits);
        assert_eq!(short(Capabilities { trunk_bits: 12, ..ULX3S }).1, Resource::TrunkBits);
        assert_eq!(short(Capabilities { trunk_depth: 1023, ..ULX3S }).1, Resource::Trunk);
        assert_eq!(short(Capabilities { code_depth: 64, ..ULX3S }).1, Resource::Codes);
        assert_eq!(short(Capabilities { parallel_in: 16, ..ULX3S }).1, Resource::Table);
    }

    /// A row of 64 pixels of 1 024 words each.
    #[test]
    fn what_no_descriptor_holds_is_refused() {
        let geometry = Geometry { in_channels: 4095, out_channels: 2, kernel: 1, stride: 1 };
        let conv = BinaryConv::new(geometry, vec![0; 2 * 512]).expect("well formed");
        let classifier = Classifier::new(conv, vec![1.0; 2]).expect("a scale a class");
        let table = CodeTable::thermometer(1365).expect("a depth");
        let layer = |name: &str, op| Layer { name: name.into(), op };
        let layers =
            vec![layer("table", Op::PixelEmbedding(table)), layer("conv", Op::Classifier { input: 0, classifier })];
        let parts = NetworkParts {
            name: "wide".into(),
            family: "wide".into(),
            edge: 64,
            labels: vec!["a".into(), "b".into()],
            layers,
            known: None,
            training: serde_json::Map::new(),
        };
        let network = Network::new(parts).expect("well formed");
        let board = Capabilities {
            parallel_in: 4,
            code_depth: 1 << 24,
            weight_depth: 1 << 16,
            window_depth: 1 << 11,
            table_words: 1024,
            ..ULX3S
        };
        let refused = compile(&network, 64, board).expect_err("too long a row");
        let expected =
            CompileError::Descriptor { layer: "table".into(), field: "out_row", value: 1 << 16, most: 0xffff };
        assert_eq!(refused, expected);
    }

    #[test]
    fn an_edge_that_does_not_divide_is_refused() {
        assert!(matches!(compile(&cards(), 63, ULX3S), Err(CompileError::Network(_))));
    }

    /// While a descriptor runs, nothing that it or a later one reads may be written over.
    #[test]
    fn buffers_that_are_read_do_not_overlap() {
        for (network, edge, board) in [(cards(), 64, ULX3S), (erns18(), 256, KV260)] {
            let program = compile(&network, edge, board).expect("fits");
            let last_readers = network.last_readers();
            for (layer, place) in program.codes.iter().enumerate() {
                let Some(place) = place else { continue };
                let last_read = program.descriptor_of[last_readers[layer]];
                assert!(place.overwritten_by > last_read, "layer {layer}: {place:?}, read until {last_read}");
                assert!(place.base + place.addresses() <= board.code_depth, "layer {layer}");
            }
        }
    }

    fn erns18() -> Network {
        PublishedShape::named("erns18").expect("published").random(1, false).expect("well formed")
    }

    /// Each within the device's memory, at the cycles that `tests/common/kv260.rs` counts too.
    #[test]
    fn the_papers_networks_fit_their_board() {
        for (name, most_ms) in
            [("erns18-0.75x", 2.2), ("erns18", 2.4), ("erns34", 4.0), ("erns50", 4.6), ("erns101", 7.6)]
        {
            let network = PublishedShape::named(name).expect("published").random(1, false).expect("well formed");
            let program = compile(&network, 256, KV260).expect(name);
            assert!(program.frame_passes_through());
            assert!(program.streamed_weights().is_some());
            let ms = crate::fpga::frame_cycles(&program) as f64 / 200_000.0;
            assert!(ms <= most_ms, "{name}: {ms} ms");
        }
        // On a board with more room the frame stays, to be looked at.
        let roomy = Capabilities { code_depth: 8192, ..KV260 };
        assert!(!compile(&erns18(), 256, roomy).expect("fits").frame_passes_through());
    }
}
