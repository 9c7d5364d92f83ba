//! The accelerator's comparisons that take minutes: packaging/test-board-long runs them. Needs verilator.

#[path = "common/board.rs"]
mod board;
#[path = "common/cycles.rs"]
mod cycles;
#[path = "common/networks.rs"]
mod networks;
#[path = "common/shipped.rs"]
mod shipped;
#[path = "common/simulated_core.rs"]
mod simulated_core;
#[path = "common/skipped.rs"]
mod skipped;

use board::{build, compare};
use cycles::check_cycles;
use ernscope::fpga::BoardEngine;
use ernscope::fpga::{frame_cycles, utilisation};
use ernscope::network::published::PublishedShape;
use networks::picture;
use simulated_core::SimulatedCore;
use std::sync::Arc;

#[test]
fn shipped_networks_are_identical_on_twenty_pictures() {
    shipped::networks_are_identical(20);
}

/// An array for the paper's board, and the paper's network.
#[test]
fn erns18_is_identical_within_its_cycles() {
    let size = ["PIXELS=8", "WEIGHT_DEPTH=12288", "THRESHOLD_DEPTH=512", "TABLE_WORDS=1"];
    let Some(program) = build("erns18", &[&["--core"][..], &size].concat()) else { return };
    let network = PublishedShape::named("erns18").expect("published").random(1, false).expect("well formed");
    let network = Arc::new(network);
    let link = SimulatedCore::start(&program).expect("built");
    let mut board = BoardEngine::new(link, "core", Arc::clone(&network), 256).expect("this size holds it");
    compare(&mut board, &picture(256, 1), "erns18");
    check_cycles(&mut board, &picture(256, 2), "erns18");
    let (cycles, used) = (board.frame_cycles(), utilisation(&network, board.program(), board.frame_cycles()));
    eprintln!("erns18: {cycles} cycles, {} predicted, utilisation {used:.3}", frame_cycles(board.program()));
    eprintln!("{:?}", board.program().needs());
    assert!(cycles <= 480_000, "{cycles} cycles");
    assert!(used >= 0.75, "utilisation {used}");
}
