//! What pixel embedding buys on a board: a network's whole frames with the table, against the two usual first layers. Cycles are
//! those of the model that every simulated board keeps to; nothing is run but the float layer, which is the host's.

use super::timing::milliseconds;
use crate::board::at_clock;
use crate::fpga::CompileError;
use crate::fpga::compiler::compile;
use crate::fpga::designs::BoardDesign;
use crate::fpga::program::Program;
use crate::fpga::schedule::{bit_plane_program, frame_cycles};
use crate::network::Network;
use serde::Serialize;
use std::time::Duration;

/// What a network begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FirstLayerKind {
    /// A table on the board, and a binary convolution.
    PixelEmbedding,
    /// A convolution of bytes, plane by plane on the array.
    BitPlanes,
    /// A convolution in floating point on the host.
    Float,
}

/// Frames of a network with one of the first layers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct FirstLayerBench {
    /// Which.
    pub first_layer: FirstLayerKind,
    /// The board's cycles, from a frame's first beat to its last result.
    pub cycles: u64,
    /// The same at its clock.
    pub board_ms: f32,
    /// What the host computes before.
    pub host_ms: f32,
    /// Where the host computes for the next frame meanwhile, so that the slower of the two sets the pace.
    pub frames_per_s: f32,
    /// The most that the board's line carries; none on a bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_frames_per_s: Option<f32>,
}

/// Frames of `embedded` at `edge` pixels, with its table, by bit planes, and, where there is one, of its twin, of whose first layer
/// the host takes `host`.
///
/// # Errors
/// [`CompileError`] names the layer that does not fit.
pub(crate) fn first_layers(
    design: &BoardDesign,
    embedded: &Network,
    edge: usize,
    twin: Option<(&Network, Duration)>,
) -> Result<Vec<FirstLayerBench>, CompileError> {
    let program = compile(embedded, edge, design.capabilities)?;
    let bench = |first_layer, program: &Program, host| bench(design, first_layer, program, host);
    let mut all = vec![bench(FirstLayerKind::PixelEmbedding, &program, Duration::ZERO)];
    all.extend(bit_plane_program(&program).map(|planes| bench(FirstLayerKind::BitPlanes, &planes, Duration::ZERO)));
    if let Some((network, host)) = twin {
        all.push(bench(FirstLayerKind::Float, &compile(network, edge, design.capabilities)?, host));
    }
    Ok(all)
}

fn bench(design: &BoardDesign, first_layer: FirstLayerKind, program: &Program, host: Duration) -> FirstLayerBench {
    let cycles = frame_cycles(program);
    let board = at_clock(cycles, design.clock_khz);
    let line = design.line_bytes_per_s.map(|bytes| bytes as f32 / program.frame_bytes() as f32);
    FirstLayerBench {
        first_layer,
        cycles,
        board_ms: milliseconds(board),
        host_ms: milliseconds(host),
        frames_per_s: board.max(host).as_secs_f32().recip(),
        line_frames_per_s: line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fpga::designs::DESIGNS;
    use crate::network::shipped::Shipped;

    /// Cards on the ULX3S: planes take four times the steps of the first layer, which has 32×32 positions, and the line carries that
    /// layer's codes faster than pixels.
    #[test]
    fn cards_on_the_ulx3s() {
        let [embedded, float] = ["cards", "cards-float-input"]
            .map(|name| Shipped::named(name).expect("shipped").load().expect("well formed"));
        let host = Duration::from_millis(4);
        let all = first_layers(&DESIGNS[0], &embedded, 64, Some((&float, host))).expect("it fits");
        let [table, planes, float] = all.try_into().expect("three");
        assert_eq!(planes.cycles - table.cycles, 32 * 32 * 9 * 3);
        assert!(float.cycles < table.cycles);
        // A host that takes longer than the board sets the pace.
        assert!((float.frames_per_s - 250.0).abs() < 0.1, "{float:?}");
        assert_eq!([table, float].map(|frames| frames.line_frames_per_s.map(|rate| rate as u32)), [Some(24), Some(36)]);
    }

    #[test]
    fn a_network_that_does_not_fit_is_told_with_its_layer() {
        let objects = Shipped::named("objects").expect("shipped").load().expect("well formed");
        let error = first_layers(&DESIGNS[0], &objects, 64, None).expect_err("too large").to_string();
        assert!(error.contains("does not fit the board"), "{error}");
    }
}
