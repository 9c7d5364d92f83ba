//! The shipped networks on the simulated board, packets and all.

use crate::board::{build, compare};
use crate::networks::picture;
use ernscope::fpga::BoardEngine;
use ernscope::fpga::SimulatedBoard;
use ernscope::fpga::open_port;
use ernscope::fpga::{LineCounts, PacketLink, Patience};
use ernscope::network::file;
use ernscope::network::shipped::SHIPPED;
use std::sync::Arc;

/// All of them, each on so many pictures, at every layer.
pub(crate) fn networks_are_identical(pictures: u64) {
    let Some(program) = build("default-board", &[]) else { return };
    for shipped in &SHIPPED {
        let network = Arc::new(file::parse(shipped.bytes().expect("inside")).expect("ours"));
        let board = SimulatedBoard::start(&program, &[]).expect("built");
        let port = Box::new(open_port(board.port()).expect("a terminal"));
        let link = PacketLink::open(port, Patience::SIMULATION, 7).expect("it answers");
        let mut engine = BoardEngine::new(link, "fpga:sim", Arc::clone(&network), network.edge()).expect("it fits");
        for seed in 0..pictures {
            compare(&mut engine, &picture(network.edge(), seed), shipped.name);
        }
        // Nothing was asked for twice: not behind frames either that were run in part, to be looked at.
        let LineCounts { lost, stale, .. } = engine.link().counts();
        assert_eq!((lost, stale), (0, 0), "{}", shipped.name);
    }
}
