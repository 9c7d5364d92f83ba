//! The accelerator's core, simulated without a line, against the reference engine: identical codes at every layer, identical
//! trunk and results, and the cycles that the model says. Needs verilator; where it is missing, the tests say so and pass.

#[path = "common/board.rs"]
mod board;
#[path = "common/networks.rs"]
mod networks;

use board::compare;
use ernscope::engine::Engine;
use ernscope::fpga::board::{BoardEngine, BoardError};
use ernscope::fpga::compiler::CompileError;
use ernscope::fpga::link::core::SimulatedCore;
use ernscope::fpga::schedule::{frame_cycles, predict, utilisation};
use ernscope::frame::InputImage;
use ernscope::network::file;
use ernscope::network::published::PublishedShape;
use ernscope::network::shipped::SHIPPED;
use networks::{First, Recipe, picture, recipes};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRng, TestRunner};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The core with these parameters.
fn core(name: &str, parameters: &[&str]) -> Option<PathBuf> {
    board::build(name, &[&["--core"], parameters].concat())
}

/// Cycles that the model predicts and those that the board counts are the same, but for what the loader is hindered.
fn check_cycles(board: &mut BoardEngine<SimulatedCore>, image: &InputImage, what: &str) {
    board.run(image).expect("it runs");
    let counted = board.counters().expect("it answers");
    let predicted = predict(board.program());
    for (index, (counted, predicted)) in counted.iter().zip(&predicted).enumerate() {
        if index == 1 {
            // While it waits for the frame, tiles are drained without another stall.
            assert_eq!(counted.steps, predicted.steps, "{what}");
            assert!(counted.drain_stalls <= predicted.drain_stalls, "{what}");
            let apart = counted.cycles.abs_diff(predicted.cycles);
            assert!(apart <= counted.cycles / 20 + 20, "descriptor 1: {counted:?}, {predicted:?}, {what}");
        } else {
            assert_eq!(counted, predicted, "descriptor {index}, {what}");
        }
    }
}

/// Random networks that a board of this size can hold; others must be refused with a reason.
fn random_networks(program: &Path, count: usize, stalls: u32) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha));
    let strategy = recipes();
    let (mut ran, mut refused) = (0, 0);
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
        compare(&mut board, &picture(edge, recipe.seed), &what);
        compare(&mut board, &picture(edge, recipe.seed + 1), &what);
        if stalls == 0 {
            check_cycles(&mut board, &picture(edge, recipe.seed), &what);
        }
        ran += 1;
    }
    eprintln!("{ran} random networks identical, {refused} too large");
}

/// Small arrays of many shapes, with memory enough for the random networks.
const ROOM: [&str; 6] = [
    "CODE_DEPTH=65536",
    "WEIGHT_DEPTH=65536",
    "THRESHOLD_DEPTH=8192",
    "TRUNK_DEPTH=65536",
    "TABLE_WORDS=8",
    "POOL_DEPTH=64",
];

#[test]
fn random_networks_are_identical_on_one_pixel() {
    let size = ["PARALLEL_IN=8", "PARALLEL_OUT=8", "PIXELS=1", "DRAIN_CHANNELS=2"];
    if let Some(program) = core("one-pixel", &[&ROOM[..], &size].concat()) {
        random_networks(&program, 40, 0);
    }
}

#[test]
fn random_networks_are_identical_on_four_pixels() {
    let size = ["PARALLEL_IN=16", "PARALLEL_OUT=32", "PIXELS=4", "DRAIN_CHANNELS=4"];
    if let Some(program) = core("four-pixels", &[&ROOM[..], &size].concat()) {
        random_networks(&program, 40, 0);
    }
}

#[test]
fn random_networks_are_identical_when_streams_pause() {
    let size = ["PARALLEL_IN=8", "PARALLEL_OUT=16", "PIXELS=2", "DRAIN_CHANNELS=8"];
    if let Some(program) = core("two-pixels", &[&ROOM[..], &size].concat()) {
        random_networks(&program, 30, 400);
    }
}

/// Boards that cannot hold the frame: its rows take turns, whatever kernel and stride read them.
#[test]
fn frames_that_only_pass_through_are_identical() {
    let parameters =
        ["PARALLEL_IN=8", "PARALLEL_OUT=8", "PIXELS=2", "DRAIN_CHANNELS=2", "TABLE_WORDS=8", "CODE_DEPTH=512"];
    let Some(program) = core("short-of-codes", &parameters) else { return };
    for (kernel, stride, edge) in [(3, 1, 32), (3, 2, 32), (1, 1, 32), (1, 2, 32), (3, 2, 40)] {
        for stalls in [0, 300] {
            let first = First::Embedding(5);
            let convs = vec![(8, kernel, stride), (20, 3, 2)];
            let recipe = Recipe { seed: 7, smallest: edge / stride / 2, first, convs, blocks: vec![], classes: 5 };
            let network = Arc::new(recipe.network());
            let mut link = SimulatedCore::start(&program).expect("built");
            link.stall(3, stalls).expect("it answers");
            let mut board = BoardEngine::new(link, "core", Arc::clone(&network), edge).expect("rows of it fit");
            assert!(board.program().frame_passes_through());
            compare(&mut board, &picture(edge, 1), &format!("kernel {kernel}, stride {stride}, edge {edge}"));
            compare(&mut board, &picture(edge, 2), &format!("kernel {kernel}, stride {stride}, edge {edge}"));
        }
    }
}

/// The adders that are made for look-up tables, in place of the plain model.
#[test]
fn random_networks_are_identical_with_structural_adders() {
    let size = ["PARALLEL_IN=32", "PARALLEL_OUT=32", "PIXELS=2", "DRAIN_CHANNELS=8", "FRUGAL=1"];
    if let Some(program) = core("structural", &[&ROOM[..], &size].concat()) {
        random_networks(&program, 30, 0);
    }
}

#[test]
fn shipped_networks_are_identical() {
    let Some(program) = core("default", &[]) else { return };
    for shipped in SHIPPED {
        let network = Arc::new(file::parse(shipped.bytes).expect("ours"));
        let link = SimulatedCore::start(&program).expect("built");
        let mut board =
            BoardEngine::new(link, "core", Arc::clone(&network), network.edge()).expect("the default size holds it");
        for seed in 0..3 {
            compare(&mut board, &picture(network.edge(), seed), shipped.name);
        }
        check_cycles(&mut board, &picture(network.edge(), 9), shipped.name);
        let (cycles, predicted) = (board.frame_cycles(), frame_cycles(board.program()));
        let used = utilisation(&network, board.program(), cycles);
        eprintln!("{}: {cycles} cycles ({predicted} predicted), utilisation {used:.3}", shipped.name);
        assert!(cycles.abs_diff(predicted) * 100 <= cycles, "{cycles} cycles, {predicted} predicted");
        assert!(used >= 0.7, "utilisation {used}");
    }
}

/// An array for the paper's board, and the paper's network.
#[test]
#[ignore = "takes minutes: cargo test --release --test board_core -- --ignored"]
fn erns18_is_identical_within_its_cycles() {
    let size = ["PIXELS=8", "CODE_DEPTH=4096", "WEIGHT_DEPTH=11520", "TRUNK_DEPTH=4096", "POOL_DEPTH=128"];
    let Some(program) = core("erns18", &size) else { return };
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
