//! The papers' networks on the array for the papers' board, with weights from outside.

use crate::board::{build, compare};
use crate::cycles::check_cycles;
use crate::networks::picture;
use crate::simulated_core::SimulatedCore;
use ernscope::engine::Engine;
use ernscope::engine::reference::ReferenceEngine;
use ernscope::fpga::{BoardEngine, frame_cycles, utilisation};
use ernscope::network::published::PublishedShape;
use std::path::PathBuf;
use std::sync::Arc;

/// Cycles a millisecond at the clock that is assumed of that board, 200 MHz.
const CYCLES_A_MS: f64 = 200_000.0;

/// The parameters of the board, as `NAME=VALUE`.
pub(crate) fn parameters() -> Vec<&'static str> {
    let file = include_str!("../../packaging/boards/kv260/parameters");
    file.lines().filter(|line| !line.starts_with('#')).collect()
}

/// The core of that size, fast to simulate.
pub(crate) fn core() -> Option<PathBuf> {
    build("kv260", &[&["--core"], &parameters()[..]].concat())
}

/// A network of random weights on the core.
fn engine(name: &str, edge: usize) -> Option<BoardEngine<SimulatedCore>> {
    let network = PublishedShape::named(name).expect("published").random(1, false).expect("well formed");
    let link = SimulatedCore::start(&core()?).expect("built");
    Some(BoardEngine::new(link, "core", Arc::new(network), edge).expect("this size holds it"))
}

/// Every layer at 64×64 is the reference's.
pub(crate) fn check_every_layer(name: &str) {
    let Some(mut board) = engine(name, 64) else { return };
    compare(&mut board, &picture(64, 1), name);
}

/// At 256×256 the classifier's sums are the reference's, the cycles those of the model, and no more than `most_ms` at 200 MHz.
pub(crate) fn check_whole(name: &str, most_ms: f64) {
    let Some(mut board) = engine(name, 256) else { return };
    check_cycles(&mut board, &picture(256, 1), name);
    let mut reference = ReferenceEngine::new(Arc::clone(board.network()), 256).expect("a size of it");
    assert_eq!(board.logits(), reference.run(&picture(256, 1)).expect("it runs").logits, "{name}");
    let (cycles, used) = (board.frame_cycles(), utilisation(board.network(), board.program(), board.frame_cycles()));
    let ms = cycles as f64 / CYCLES_A_MS;
    eprintln!(
        "{name}: {cycles} cycles, {} predicted, {ms:.3} ms, utilisation {used:.3}",
        frame_cycles(board.program())
    );
    eprintln!("{:?}", board.program().needs());
    assert!(ms <= most_ms, "{ms} ms");
}
