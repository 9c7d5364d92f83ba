//! Random networks on simulated cores.

use crate::board::{build, compare};
use crate::cycles::check_cycles;
use crate::networks::{picture, recipes};
use crate::simulated_core::SimulatedCore;
use ernscope::engine::Engine;
use ernscope::fpga::{BoardEngine, BoardError, CompileError};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRng, TestRunner};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Small arrays of many shapes, with memory enough for the random networks.
pub(crate) const ROOM: [&str; 7] = [
    "CODE_DEPTH=65536",
    "WEIGHT_DEPTH=65536",
    "WINDOW_DEPTH=2048",
    "THRESHOLD_DEPTH=256",
    "TRUNK_DEPTH=65536",
    "TABLE_WORDS=8",
    "POOL_DEPTH=64",
];

/// Weights from outside, through a window that holds little more than a tile's, and a trunk in three parts.
pub(crate) fn with_weights_from_outside() -> Option<PathBuf> {
    let size = ["PARALLEL_IN=16", "PARALLEL_OUT=32", "PIXELS=4", "DRAIN_CHANNELS=8"];
    let outside = ["WEIGHT_DEPTH=0", "WINDOW_DEPTH=128", "THRESHOLD_DEPTH=64"];
    let trunk = ["TRUNK_WIDE_DEPTH=128", "TRUNK_MIDDLE_DEPTH=512", "TRUNK_MIDDLE_BITS=15", "TRUNK_NARROW_BITS=14"];
    build("outside", &[&["--core"], &ROOM[..], &size, &outside, &trunk].concat())
}

/// Random networks that a board of this size can hold; others must be refused with a reason.
pub(crate) fn random_networks(program: &Path, count: usize, stalls: u32) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha));
    let strategy = recipes();
    let (mut ran, mut refused, mut cycles) = (0, 0, 0);
    while ran < count {
        let recipe = strategy.new_tree(&mut runner).expect("recipes are made").current();
        let network = Arc::new(recipe.network());
        let edge = network.edge();
        let mut link = SimulatedCore::start(program).expect("built");
        link.stall(recipe.seed as u32, stalls).expect("it answers");
        let mut board = match BoardEngine::new(link, "core", Arc::clone(&network), edge) {
            Ok(board) => board,
            Err(BoardError::Compile(CompileError::Resource { .. })) => {
                refused += 1;
                assert!(refused <= ran + 20, "this board holds hardly anything");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let what = format!("{recipe:?}");
        for seed in 0..2 {
            compare(&mut board, &picture(edge, recipe.seed + seed), &what);
            cycles += board.frame_cycles();
        }
        if stalls == 0 {
            // Behind a frame that was stopped early, what is left of its weights is passed over first.
            board.run(&picture(edge, recipe.seed)).expect("it runs");
            check_cycles(&mut board, &picture(edge, recipe.seed), &what);
        }
        ran += 1;
    }
    eprintln!(
        "{ran} random networks identical in {cycles} cycles and more, in which no assertion fired; {refused} too large"
    );
}
