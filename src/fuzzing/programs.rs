//! Programs for boards: compiled of random networks for boards of random sizes, and read again bit by bit.

use super::{Choices, check_error};
use crate::fpga::capabilities::{CAPABILITY_WORDS, Capabilities};
use crate::fpga::compiler::compile;
use crate::fpga::program::{AcceleratorCommand, DESCRIPTOR_WORDS, Descriptor, Program, Stream, flags};
use crate::fpga::schedule;
use crate::network::{BinaryConv, CodeTable, Network, Op, Thresholds};

/// A network and a board, which may be too small for it.
pub fn program(data: &[u8]) {
    let mut choices = Choices(data);
    let network = choices.recipe().network();
    let Some(board) = board(&mut choices) else { return };
    let edge = network.edge() * (1 + choices.below(3));
    match compile(&network, edge, board) {
        Ok(program) => check(&network, &program),
        Err(error) => check_error(&error),
    }
}

/// What a board may tell of itself, if it is possible.
fn board(choices: &mut Choices<'_>) -> Option<Capabilities> {
    const DEPTHS: [u32; 8] = [1 << 14, 4096, 1 << 24, 1024, 300, 64, 7, 2];
    let lanes = choices.of(&[4, 4, 8, 4, 12, 8, 16, 32]);
    let mut told = [0; CAPABILITY_WORDS];
    told[..2].copy_from_slice(&[0x4552_4e31, 2]);
    told[2..6].copy_from_slice(&[
        lanes,
        lanes * choices.of(&[1, 2, 3]),
        choices.of(&[1, 2, 4, 8]),
        choices.of(&[4, 1, 2]),
    ]);
    told[6..8].copy_from_slice(&[31 - choices.below(24) as u32, 32 - choices.below(24) as u32]);
    for depth in [8, 9, 11, 13, 14] {
        told[depth] = choices.of(&DEPTHS);
    }
    told[9] *= choices.of(&[1, 1, 0]);
    (told[10], told[15]) = (choices.of(&[256, 64, 16, 8]), choices.of(&[1 << 12, 512, 64, 16]));
    (told[16], told[18]) = (told[11] / choices.of(&[1, 2]), told[7] - choices.of(&[0, 3]));
    (told[17], told[19]) = (told[16] / choices.of(&[1, 2]), told[18] - choices.of(&[0, 2]));
    told[12] = choices.of(&[16, 1, 2, 4]);
    Capabilities::parse(&told).ok()
}

/// The parts of an upload, and how many there are of each.
struct Parts<'a> {
    layers: &'a [u32],
    weights: &'a [u32],
    table: &'a [u32],
}

fn parts(program: &Program) -> Parts<'_> {
    let board = &program.capabilities;
    let mut rest = program.upload();
    let mut part = |command: AcceleratorCommand, beats: usize, most: usize| {
        let [head, count] = *rest.split_off(..2).expect("a command") else { panic!("two words") };
        assert_eq!(head, (command as u32) << 24, "a command at address 0");
        assert!(count as usize <= most, "{count} words where there is room for {most}");
        rest.split_off(..count as usize * beats).expect("as many words as it says")
    };
    let parts = Parts {
        layers: part(AcceleratorCommand::WriteLayers, DESCRIPTOR_WORDS, board.layers),
        weights: part(
            AcceleratorCommand::WriteWeights,
            board.weight_beat_bits().div_ceil(32),
            board.weight_depth * board.weight_beats(),
        ),
        table: part(AcceleratorCommand::WriteTable, (6 * board.parallel_in).div_ceil(32), 256 * board.table_words),
    };
    assert!(rest.is_empty(), "{} words behind the last command", rest.len());
    Parts { weights: program.streamed_weights().unwrap_or(parts.weights), ..parts }
}

fn check(network: &Network, program: &Program) {
    let parts = parts(program);
    let descriptors = program.descriptors();
    let packed = parts.layers.as_chunks::<DESCRIPTOR_WORDS>().0;
    assert_eq!(packed.len(), descriptors.len());
    for (words, descriptor) in packed.iter().zip(descriptors) {
        check_packing(words, descriptor);
    }
    for (layer, op) in network.layers().iter().map(|layer| &layer.op).enumerate() {
        let index = program.descriptor_of[layer];
        let part = Part::new(program, index, parts.weights);
        if let Some(conv) = op.binary_conv() {
            part.check_weights(conv);
        }
        if let (Some(thresholds), 1..) = (op.thresholds(), index) {
            part.check_thresholds(thresholds);
        }
        if let Op::PixelEmbedding(table) = op {
            check_table(table, &program.capabilities, parts.table);
        }
    }
    let stream = descriptors[0].stream.expect("the frame's");
    assert_eq!((stream.first, stream.words as usize), (0, program.needs().weights));
    assert_eq!(stream.words as usize * program.capabilities.word_beats(), parts.weights.len());
    check_places(network, program);
    let layers = schedule::predict(program, None);
    assert_eq!(layers.len(), descriptors.len());
    let cycles = schedule::frame_cycles(program);
    let utilisation = schedule::utilisation(network, program, cycles);
    assert!((0.0..=1.0).contains(&utilisation), "{utilisation} of the array in {cycles} cycles");
}

/// What the board unpacks is what was meant: no field was cut.
fn check_packing(words: &[u32; DESCRIPTOR_WORDS], descriptor: &Descriptor) {
    let [head, row, edge, out, out_row, plane, rows, classes] = *words;
    let (low, high) = (|word: u32| word & 0xffff, |word: u32| word >> 16);
    // The board counts down to 0; a layer without any of something is not asked for it.
    let counted = |field: u32, meant: u32| if meant == 0 { 0 } else { field + 1 };
    let stream = descriptor.stream.map(|_| Stream { first: plane, crc: rows, words: classes });
    let layer = |value: u32| if stream.is_some() { 0 } else { value };
    let unpacked = Descriptor {
        flags: head & 0xff,
        in_base: head >> 8,
        in_row: low(row),
        in_words: high(row),
        in_edge: low(edge),
        groups: counted(high(edge), descriptor.groups),
        out_base: out & 0xff_ffff,
        ring: out >> 24,
        out_row: low(out_row),
        out_words: high(out_row),
        trunk_plane: layer(plane),
        rows: layer(counted(low(rows), descriptor.rows)),
        tiles: layer(counted(high(rows), descriptor.tiles)),
        classes: layer(counted(low(classes), descriptor.classes)),
        window_words: layer(high(classes)),
        stream,
    };
    assert_eq!(&unpacked, descriptor);
}

fn bit(words: &[u32], at: usize) -> bool {
    words[at / 32] >> (at % 32) & 1 == 1
}

/// What a descriptor takes of the weight stream.
struct Part<'a> {
    board: &'a Capabilities,
    descriptor: &'a Descriptor,
    beats: &'a [u32],
}

impl<'a> Part<'a> {
    fn new(program: &'a Program, index: usize, weights: &'a [u32]) -> Self {
        let (board, stream) = (&program.capabilities, program.stream_of(index));
        let first = stream.first as usize * board.word_beats();
        let beats = &weights[first..][..stream.words as usize * board.word_beats()];
        Self { board, descriptor: &program.descriptors()[index], beats }
    }

    /// The words of thresholds that stand before the weights of a window.
    fn threshold_words(&self) -> usize {
        let rows = self.descriptor.window_tiles() as usize * self.board.drain();
        if self.descriptor.flags & flags::WRITE_CODES == 0 { 0 } else { rows / self.board.rows_a_word() }
    }

    /// A word of a tile's window, behind `skipped` words of it and those of the window's tiles before.
    fn word(&self, tile: usize, skipped: usize, words_a_tile: usize, word: usize) -> &[u32] {
        let tiles = self.descriptor.window_tiles() as usize;
        let window = self.threshold_words() + self.descriptor.window_words as usize;
        let at = tile / tiles * window + skipped + tile % tiles * words_a_tile + word;
        &self.beats[at * self.board.word_beats()..][..self.board.word_beats()]
    }

    /// Every bit of every word of the layer: a weight's, or 0 where there is none.
    fn check_weights(&self, conv: &BinaryConv) {
        let (g, descriptor) = (conv.geometry(), self.descriptor);
        let (ins, outs) = (self.board.parallel_in, self.board.parallel_out);
        let (taps, in_words) = (g.kernel * g.kernel, descriptor.in_words as usize);
        assert!(in_words * ins >= g.in_channels && descriptor.tiles as usize * outs >= g.out_channels);
        assert_eq!(descriptor.steps(), (taps * in_words) as u64);
        for step in 0..descriptor.tiles as usize * taps * in_words {
            let (tile, tap, word) = (step / in_words / taps, step / in_words % taps, step % in_words);
            let bits = self.word(tile, self.threshold_words(), taps * in_words, step % (taps * in_words));
            for (out, channel) in (0..outs).flat_map(|out| (0..ins).map(move |channel| (out, channel))) {
                let place = out * ins + channel;
                let (out, channel) = (tile * outs + out, word * ins + channel);
                let is_there = out < g.out_channels && channel < g.in_channels;
                let weight =
                    is_there && conv.tap(out, tap / g.kernel, tap % g.kernel)[channel / 8] >> (channel % 8) & 1 == 1;
                assert_eq!(bit(bits, place), weight, "weight {channel} → {out}, tap {tap}");
            }
        }
    }

    /// Three integers and a direction a channel.
    fn check_thresholds(&self, thresholds: &Thresholds<i32>) {
        let (board, width) = (self.board, self.board.trunk_bits as usize);
        let words_a_tile = board.drain() / board.rows_a_word();
        for (channel, (row, &falling)) in thresholds.rows().iter().zip(thresholds.falling()).enumerate() {
            let (tile, at) = (channel / board.parallel_out, channel % board.parallel_out / board.drain_channels);
            let words = self.word(tile, 0, words_a_tile, at / board.rows_a_word());
            let lane = at % board.rows_a_word() * board.drain_channels + channel % board.drain_channels;
            let first = lane * (3 * width + 1);
            let integer = |number: usize| {
                let bits = (0..width).map(|i| u64::from(bit(words, first + number * width + i)) << i).sum::<u64>();
                // With the sign of its highest bit.
                (bits << (64 - width)) as i64 >> (64 - width)
            };
            assert_eq!(bit(words, first + 3 * width), falling, "channel {channel}");
            for (number, &threshold) in row.iter().enumerate() {
                // The board counts n ≤ T as !n ≥ !T.
                let meant = i64::from(if falling { !threshold } else { threshold });
                assert_eq!(integer(number), meant, "threshold {number} of channel {channel}");
            }
        }
    }
}

fn check_table(table: &CodeTable, board: &Capabilities, words: &[u32]) {
    let (lanes, depth) = (board.parallel_in, table.depth());
    let beats = (6 * lanes).div_ceil(32);
    for (colour, byte) in (0..3).flat_map(|colour| (0..=255).map(move |byte| (colour, byte))) {
        for (i, &code) in table.row(colour, byte).iter().enumerate() {
            let channel = colour * depth + i;
            let at = (channel / lanes * 256 + usize::from(byte)) * beats;
            let lane = colour * 2 * lanes + channel % lanes;
            let [low, high] = [lane, lane + lanes].map(|place| u8::from(bit(&words[at..at + beats], place)));
            assert_eq!(low | high << 1, code, "byte {byte} of channel {channel}");
        }
    }
}

/// While a descriptor runs, nothing that it or a later one reads is written over, and nothing lies beyond a memory.
fn check_places(network: &Network, program: &Program) {
    let (board, needs) = (&program.capabilities, program.needs());
    assert!(needs.codes <= board.code_depth && needs.trunk <= board.trunk_depth);
    assert!(board.weight_depth == 0 || needs.weights <= board.weight_depth);
    assert!(needs.window <= board.window_room() && needs.thresholds <= board.threshold_depth / 2);
    assert!(needs.layers <= board.layers);
    let last_readers = network.last_readers();
    for (layer, place) in program.codes.iter().enumerate() {
        let Some(place) = place else { continue };
        assert!(place.base + place.addresses() <= needs.codes, "layer {layer}");
        let last_read = program.descriptor_of[last_readers[layer]];
        assert!(place.overwritten_by > last_read, "layer {layer}: {place:?}, read until {last_read}");
    }
    for descriptor in program.descriptors() {
        if descriptor.flags & flags::WRITE_TRUNK != 0 {
            assert!(descriptor.all_tiles() as usize * board.drain() <= needs.trunk);
        }
    }
}
