//! The driver and the simulated board, packets and all, over a pseudo-terminal: what a line, a board and a person can do to it.
//! Needs verilator; where it is missing, the tests say so and pass.

#[path = "common/board.rs"]
mod board;
#[path = "common/networks.rs"]
mod networks;

use board::{build, compare};
use ernscope::fpga::board::BoardEngine;
use ernscope::fpga::link::packets::{PacketLink, Patience};
use ernscope::fpga::link::serial::{Port, open_port};
use ernscope::fpga::link::simulated::SimulatedBoard;
use ernscope::network::file;
use ernscope::network::shipped::SHIPPED;
use networks::picture;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For small arrays, which take less than a second for anything.
const PATIENCE: Patience = Patience {
    ask: Duration::from_millis(20),
    silence: Duration::from_secs(2),
    standstill: Duration::from_secs(20),
};

/// A running board and a port to it.
fn plug(program: &Path) -> (SimulatedBoard, Box<dyn Port>) {
    let board = SimulatedBoard::start(program, &[]).expect("built");
    let port = open_port(board.port()).expect("a terminal");
    (board, Box::new(port))
}

#[test]
fn shipped_networks_are_identical_over_the_line() {
    let Some(program) = build("default-board", &[]) else { return };
    for shipped in SHIPPED {
        let network = Arc::new(file::parse(shipped.bytes).expect("ours"));
        let (_board, port) = plug(&program);
        let start = Instant::now();
        let link = PacketLink::open(port, Patience::SIMULATION, 7).expect("it answers");
        let mut engine = BoardEngine::new(link, "fpga:sim", Arc::clone(&network), network.edge()).expect("it fits");
        eprintln!("{}: upload {:?}", shipped.name, start.elapsed());
        let start = Instant::now();
        compare(&mut engine, &picture(network.edge(), 1), shipped.name);
        eprintln!("{}: a probed frame {:?}", shipped.name, start.elapsed());
    }
}
