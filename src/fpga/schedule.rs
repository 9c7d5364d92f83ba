//! How many cycles a program takes: the model of `rtl/README.md`, to be compared with what a board counts.

use super::capabilities::Capabilities;
use super::program::{Descriptor, FrameFormat, Program, flags};
use super::weight_feed::WeightFeed;
use crate::board::LayerCycles;
use crate::network::Network;

/// Cycles of a descriptor beside its windows: it is fetched, decoded and started before, and recorded behind them.
const STARTED_CYCLES: u64 = 3;
const RECORDED_CYCLES: u64 = 1;
/// From a layer's last step until all of it is written, beside the drain of the last tile.
const PIPELINE_CYCLES: u64 = 13;
/// From the beat of a row's last pixel until the row counts as written.
const LOADER_CYCLES: u64 = 4;

/// The cycles of every descriptor of `program`. Exact but for the first convolution, which runs while the frame comes in at a
/// beat a cycle: there, what its own writes take from the loader is counted on average. Where `counted` says how many cycles
/// that one took, the others follow from it: the weight stream goes on meanwhile.
pub fn predict(program: &Program, counted: Option<u64>) -> Vec<LayerCycles> {
    let frame = LayerCycles { cycles: STARTED_CYCLES + RECORDED_CYCLES, ..LayerCycles::default() };
    let mut feed = WeightFeed::new(program);
    // Words flow from when the frame's descriptor starts, in its last cycle but one.
    feed.advance(1 + RECORDED_CYCLES);
    let layers = program.descriptors[1..].iter().map(|descriptor| {
        if descriptor.tiles_outermost() {
            Walk::new(program, descriptor, &mut feed).layer()
        } else {
            Walk::new(program, descriptor, &mut feed).layer_behind_loader(&program.descriptors[0], counted)
        }
    });
    std::iter::once(frame).chain(layers).collect()
}

/// Cycles from a frame's first beat to its last result, where the host never pauses.
pub fn frame_cycles(program: &Program) -> u64 {
    let results = program.descriptors.last().map_or(0, |last| u64::from(last.classes));
    let fetches = results.div_ceil(program.capabilities.drain_channels as u64);
    // The frame's descriptor starts the loader in its last cycle but one.
    let layers: u64 = predict(program, None)[1..].iter().map(|layer| layer.cycles).sum();
    layers + results + 2 * fetches
}

/// Digits of a byte to the base of 4: what the array multiplies has two bits.
const PLANES: u32 = 4;

/// The program with a first layer of eight bits in place of pixel embedding, for the model alone. The digits of a pixel's bytes are one
/// word, of which the first convolution takes a plane after the other through all of its taps, with the same weights; between planes an
/// accumulator moves up by two bits. That would take hardware that the array does not have, and no cycle. `None` where the
/// program begins with codes.
pub(crate) fn bit_plane_program(program: &Program) -> Option<Program> {
    let mut planes = (program.format == FrameFormat::Pixels).then(|| program.clone())?;
    planes.descriptors[0].out_words = 1;
    planes.descriptors[1].in_words = PLANES;
    Some(planes)
}

/// The cycles that computing a frame would take more with a first layer of eight bits [by bit planes](bit_plane_program).
pub(super) fn extra_bit_plane_cycles(program: &Program) -> Option<u64> {
    let computing = |program: &Program| predict(program, None).iter().map(LayerCycles::computing).sum::<u64>();
    Some(computing(&bit_plane_program(program)?).saturating_sub(computing(program)))
}

/// Useful multiply-accumulates, those of real channels and positions, over what the array could do in `cycles`.
pub fn utilisation(network: &Network, program: &Program, cycles: u64) -> f64 {
    let on_board = network.shapes(program.edge).iter().map(|shape| shape.macs).sum::<u64>();
    let on_host = match program.format {
        FrameFormat::Pixels => 0,
        FrameFormat::Codes => network.shapes(program.edge)[0].macs,
    };
    (on_board - on_host) as f64 / (program.capabilities.macs() * cycles) as f64
}

/// A descriptor on its way, window by window.
struct Walk<'a> {
    board: Capabilities,
    descriptor: &'a Descriptor,
    feed: &'a mut WeightFeed,
    counted: LayerCycles,
    /// Cycles since the last tile's last step, where there is one.
    since_tile: Option<u64>,
}

impl<'a> Walk<'a> {
    fn new(program: &Program, descriptor: &'a Descriptor, feed: &'a mut WeightFeed) -> Self {
        let board = program.capabilities;
        Self { board, descriptor, feed, counted: LayerCycles::default(), since_tile: None }
    }

    fn layer(mut self) -> LayerCycles {
        let tiles = u64::from(self.descriptor.rows) * u64::from(self.descriptor.groups);
        self.pass(STARTED_CYCLES);
        for _ in 0..self.descriptor.tiles {
            self.window();
            self.tiles(tiles);
        }
        self.finish()
    }

    fn drain(&self) -> u64 {
        self.board.drain() as u64
    }

    fn pass(&mut self, cycles: u64) {
        self.feed.advance(cycles);
        self.counted.cycles += cycles;
        self.since_tile = self.since_tile.map(|since| since + cycles);
    }

    /// Waits for a window, and takes its thresholds.
    fn window(&mut self) {
        let rows = match self.descriptor.flags & flags::WRITE_CODES {
            0 => 0,
            _ => u64::from(self.descriptor.window_tiles()) * self.drain(),
        };
        let words = rows / self.board.rows_a_word() as u64;
        let needed = words + u64::from(self.descriptor.window_words);
        let stalls = self.feed.wait_for(needed);
        self.counted.weight_stalls += stalls;
        self.counted.cycles += stalls;
        self.since_tile = self.since_tile.map(|since| since + stalls);
        self.pass(1 + rows);
        self.feed.free(words);
    }

    /// So many tiles of a window: one ends no earlier than its drain allows behind the one before.
    fn tiles(&mut self, tiles: u64) {
        let (steps, drain) = (self.descriptor.steps(), self.drain());
        let first = self.since_tile.map_or(0, |since| drain.saturating_sub(since + steps));
        let stalls = first + (tiles - 1) * drain.saturating_sub(steps);
        self.counted.steps += tiles * steps;
        self.counted.drain_stalls += stalls;
        self.pass(tiles * steps + stalls);
        self.since_tile = Some(0);
        self.feed.free(u64::from(self.descriptor.window_words));
    }

    fn finish(mut self) -> LayerCycles {
        self.pass(PIPELINE_CYCLES + self.drain() + RECORDED_CYCLES);
        self.counted
    }

    /// Row by row: a row starts when the row before is through and all that it reads is written.
    fn layer_behind_loader(mut self, frame: &Descriptor, counted: Option<u64>) -> LayerCycles {
        let descriptor = self.descriptor;
        self.pass(STARTED_CYCLES);
        self.window();
        let begun = self.counted.cycles - STARTED_CYCLES;
        let row_tiles = u64::from(descriptor.groups * descriptor.tiles);
        let (row_steps, drain) = (row_tiles * descriptor.steps(), self.drain());
        let row_cycles = row_steps.max(row_tiles * drain);
        let words_a_row = u64::from(frame.in_edge * frame.out_words).max(u64::from(frame.in_row));
        // Of a row's cycles, those in which the output unit writes are lost to the loader.
        let writes = u64::from(descriptor.groups * descriptor.out_words);
        let (stride, reach) =
            (if descriptor.flags & flags::STRIDE_2 == 0 { 1 } else { 2 }, descriptor.flags & flags::KERNEL_3);
        let mut now = begun;
        let mut busy = 0;
        for row in 0..u64::from(descriptor.rows) {
            let needs = (row * stride + u64::from(reach) + 1).min(u64::from(frame.in_edge));
            let lost = (writes * (row + 1)).min(busy * writes / row_cycles.max(1));
            now = u64::max(now, needs * words_a_row + lost + LOADER_CYCLES) + row_cycles;
            busy += row_cycles;
        }
        let flush = PIPELINE_CYCLES + drain + RECORDED_CYCLES;
        let (steps, all) = (descriptor.steps(), descriptor.all_tiles());
        self.counted.steps = all * steps;
        self.counted.drain_stalls = (all - 1) * drain.saturating_sub(steps);
        self.counted.input_stalls = now - begun - busy;
        let stepping = self.counted.steps + self.counted.drain_stalls + self.counted.input_stalls;
        let stepping = counted.map_or(stepping, |all| all.saturating_sub(self.counted.cycles + flush));
        self.pass(stepping);
        self.feed.free(u64::from(descriptor.window_words));
        self.finish()
    }
}
