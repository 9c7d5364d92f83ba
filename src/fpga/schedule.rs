//! How many cycles a program takes: the model of `rtl/README.md`, to be compared with what a board counts.

use super::program::{Descriptor, FrameFormat, Program, flags};
use crate::board::LayerCycles;
use crate::network::Network;

/// Cycles of a descriptor beside its steps: it is fetched, decoded and started before, and recorded behind them.
const DESCRIPTOR_CYCLES: u64 = 4;
/// From a layer's last step until all of it is written, beside the drain of the last tile.
const PIPELINE_CYCLES: u64 = 13;
/// From the beat of a row's last pixel until the row counts as written.
const LOADER_CYCLES: u64 = 4;

/// The cycles of every descriptor of `program`. Exact but for the first convolution, which runs while the frame comes in at a
/// beat a cycle: there, what its own writes take from the loader is counted on average.
pub fn predict(program: &Program) -> Vec<LayerCycles> {
    let frame = LayerCycles { cycles: DESCRIPTOR_CYCLES, ..LayerCycles::default() };
    let layers = program.descriptors[1..].iter().map(|descriptor| {
        if descriptor.flags & flags::WAIT_INPUT == 0 {
            let (steps, drain_stalls) = unhindered(program, descriptor, descriptor.all_tiles());
            layer_cycles(program, steps, 0, drain_stalls)
        } else {
            behind_loader(program, descriptor)
        }
    });
    std::iter::once(frame).chain(layers).collect()
}

/// Cycles from a frame's first beat to its last result, where the host never pauses.
pub fn frame_cycles(program: &Program) -> u64 {
    let results = program.descriptors.last().map_or(0, |last| u64::from(last.classes));
    let fetches = results.div_ceil(program.capabilities.drain_channels as u64);
    // The frame's descriptor starts the loader in its last cycle but one.
    let layers: u64 = predict(program)[1..].iter().map(|layer| layer.cycles).sum();
    layers + results + 2 * fetches
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

fn layer_cycles(program: &Program, steps: u64, input_stalls: u64, drain_stalls: u64) -> LayerCycles {
    let flush = PIPELINE_CYCLES + program.capabilities.drain() as u64;
    let cycles = DESCRIPTOR_CYCLES + steps + input_stalls + drain_stalls + flush;
    LayerCycles { cycles, steps, input_stalls, drain_stalls }
}

/// Steps and drain stalls of so many tiles: a tile ends no earlier than its drain allows behind the one before.
fn unhindered(program: &Program, descriptor: &Descriptor, tiles: u64) -> (u64, u64) {
    let (steps, drain) = (descriptor.steps(), program.capabilities.drain() as u64);
    (tiles * steps, (tiles - 1) * drain.saturating_sub(steps))
}

/// Row by row: a row starts when the row before is through and all that it reads is written.
fn behind_loader(program: &Program, descriptor: &Descriptor) -> LayerCycles {
    let frame = &program.descriptors[0];
    let row_tiles = u64::from(descriptor.groups * descriptor.tiles);
    let (row_steps, drain) = (row_tiles * descriptor.steps(), program.capabilities.drain() as u64);
    let row_cycles = row_steps.max(row_tiles * drain);
    let words_a_row = u64::from(frame.in_edge * frame.out_words).max(u64::from(frame.in_row));
    // Of a row's cycles, those in which the output unit writes are lost to the loader.
    let writes = u64::from(descriptor.groups * descriptor.out_words);
    let (stride, reach) =
        (if descriptor.flags & flags::STRIDE_2 == 0 { 1 } else { 2 }, descriptor.flags & flags::KERNEL_3);
    let mut now = 0;
    let mut busy = 0;
    for row in 0..u64::from(descriptor.rows) {
        let needs = (row * stride + u64::from(reach) + 1).min(u64::from(frame.in_edge));
        let lost = (writes * (row + 1)).min(busy * writes / row_cycles.max(1));
        now = u64::max(now, needs * words_a_row + lost + LOADER_CYCLES) + row_cycles;
        busy += row_cycles;
    }
    let (steps, drain_stalls) = unhindered(program, descriptor, descriptor.all_tiles());
    layer_cycles(program, steps, now - busy, drain_stalls)
}
