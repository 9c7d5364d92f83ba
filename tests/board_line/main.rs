//! The driver and the simulated board, packets and all, over a pseudo-terminal: what a line, a board and a person can do to them.
//! Needs verilator; where it is missing, the tests say so and pass.

#[path = "../common/board.rs"]
mod board;
mod faults;
mod lines;
#[path = "../common/networks.rs"]
mod networks;
mod program;
mod selftest;
#[path = "../common/shipped.rs"]
mod shipped;
#[path = "../common/skipped.rs"]
mod skipped;

use board::{build, compare};
use ernscope::engine::Engine;
use ernscope::engine::reference::ReferenceEngine;
use ernscope::fpga::CompileError;
use ernscope::fpga::SimulatedBoard;
use ernscope::fpga::{BoardEngine, BoardError, FRAMES_UNDER_WAY};
use ernscope::fpga::{LineCounts, PacketLink, Patience};
use ernscope::fpga::{Port, open_port};
use ernscope::network::shipped::SHIPPED;
use ernscope::network::{Network, file};
use lines::Counting;
use networks::{Block, First, Recipe, picture, recipes};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// For small arrays, which take less than a second for anything, on a machine that has other work too.
const PATIENCE: Patience =
    Patience { ask: Duration::from_millis(20), silence: Duration::from_secs(2), standstill: Duration::from_secs(20) };

/// The longest that a call may take that ends in an error: the longest silence of an opening, and some air.
const PROMPT: Duration = Duration::from_secs(5);

/// A small array, with memory enough for the random networks.
const SMALL: [&str; 11] = [
    "PARALLEL_IN=8",
    "PARALLEL_OUT=16",
    "PIXELS=2",
    "DRAIN_CHANNELS=2",
    "CODE_DEPTH=65536",
    "WEIGHT_DEPTH=65536",
    "WINDOW_DEPTH=2048",
    "THRESHOLD_DEPTH=256",
    "TRUNK_DEPTH=65536",
    "TABLE_WORDS=8",
    "POOL_DEPTH=64",
];

fn small() -> Option<PathBuf> {
    build("small-board", &SMALL)
}

/// A running board and a port to it.
fn plug(program: &Path) -> (SimulatedBoard, Box<dyn Port>) {
    plug_with(program, &[])
}

/// The same of a board with options.
fn plug_with(program: &Path, options: &[&str]) -> (SimulatedBoard, Box<dyn Port>) {
    let board = SimulatedBoard::start(program, options).expect("built");
    let port = open_port(board.port()).expect("a terminal");
    (board, Box::new(port))
}

/// Two residual blocks, about a millisecond of hardware.
fn network() -> Arc<Network> {
    let blocks =
        vec![Block { bottleneck: false, channels: 32, stride: 1 }, Block { bottleneck: true, channels: 24, stride: 2 }];
    let recipe =
        Recipe { seed: 5, smallest: 4, first: First::Embedding(5), convs: vec![(16, 3, 2)], blocks, classes: 7 };
    Arc::new(recipe.network())
}

fn expected(network: &Arc<Network>, seed: u64) -> Vec<f32> {
    let edge = network.edge();
    let mut reference = ReferenceEngine::new(Arc::clone(network), edge).expect("its own size");
    reference.run(&picture(edge, seed)).expect("it runs").logits.to_vec()
}

fn engine(port: Box<dyn Port>, network: &Arc<Network>) -> Result<BoardEngine<PacketLink<Box<dyn Port>>>, BoardError> {
    BoardEngine::new(PacketLink::open(port, PATIENCE, 1)?, "fpga:sim", Arc::clone(network), network.edge())
}

#[test]
fn shipped_networks_are_identical() {
    shipped::networks_are_identical(2);
}

fn random_networks(count: usize) {
    let Some(program) = small() else { return };
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let (mut ran, mut refused) = (0, 0);
    while ran < count {
        let recipe = recipes().new_tree(&mut runner).expect("recipes are made").current();
        let network = Arc::new(recipe.network());
        let (_board, port) = plug(&program);
        match engine(port, &network) {
            Ok(mut engine) => compare(&mut engine, &picture(network.edge(), recipe.seed), &format!("{recipe:?}")),
            Err(BoardError::Compile(CompileError::Resource { .. })) => {
                refused += 1;
                assert!(refused <= ran + 20, "this board holds hardly anything");
                continue;
            }
            Err(error) => panic!("{error}"),
        }
        ran += 1;
    }
    eprintln!("{ran} random networks identical, {refused} too large");
}

#[test]
fn random_networks_are_identical() {
    random_networks(200);
}

#[test]
fn two_frames_are_under_way() {
    let Some(program) = small() else { return };
    let network = network();
    let (_board, port) = plug(&program);
    let mut engine = engine(port, &network).expect("it fits");
    let wanted: Vec<Vec<f32>> = (0..8).map(|seed| expected(&network, seed)).collect();
    let mut got = Vec::new();
    for seed in 0..8 {
        engine.submit(&picture(network.edge(), seed)).expect("it is taken");
        if seed as usize + 1 >= FRAMES_UNDER_WAY {
            got.push(engine.collect().expect("it answers").to_vec());
        }
    }
    got.push(engine.collect().expect("it answers").to_vec());
    assert_eq!(got, wanted);
    // One that nobody collected gives way to the next that is run.
    engine.submit(&picture(network.edge(), 0)).expect("it is taken");
    assert_eq!(engine.run(&picture(network.edge(), 3)).expect("it runs").logits, wanted[3]);
}

/// Bytes to the board for a frame of `cards`, escapes and packets' heads included: with two frames under way the line never rests,
/// so that they are what limits the frames a second of a serial line (10 bits a byte).
#[test]
fn a_line_of_3_megabaud_carries_23_frames_a_second() {
    let Some(program) = build("default-board", &[]) else { return };
    let network = Arc::new(file::parse(SHIPPED[0].bytes().expect("inside")).expect("ours"));
    let (_board, port) = plug(&program);
    let sent = Arc::new(AtomicU64::new(0));
    let port: Box<dyn Port> = Box::new(Counting { port, sent: Arc::clone(&sent) });
    let link = PacketLink::open(port, Patience::SIMULATION, 7).expect("it answers");
    let mut engine = BoardEngine::new(link, "fpga:sim", Arc::clone(&network), network.edge()).expect("it fits");
    engine.run(&picture(network.edge(), 0)).expect("it runs");
    let before = sent.load(Ordering::Relaxed);
    const FRAMES: u64 = 10;
    for seed in 0..FRAMES {
        engine.run(&picture(network.edge(), seed)).expect("it runs");
    }
    let bytes = (sent.load(Ordering::Relaxed) - before) as f64 / FRAMES as f64;
    let frames_per_s = 3e6 / 10.0 / bytes;
    eprintln!("{}: {bytes:.0} bytes a frame, {frames_per_s:.1} frames/s", network.name());
    assert!(frames_per_s >= 23.0, "{frames_per_s}");
}

/// For a line of which a byte is two hundred cycles to simulate: what is asked for again was lost, not late.
const BIT_BY_BIT: Patience =
    Patience { ask: Duration::from_secs(20), silence: Duration::from_secs(60), standstill: Duration::from_secs(120) };

/// The driver against the serial line's own RTL, bit by bit, as `ulx3s_top` has it: the host's clock 2 % slower or faster than the
/// board's, edges up to a tenth of a bit too early or too late, and no byte is lost. With clocks that are 8 % apart nothing works,
/// and the driver says so.
#[test]
fn the_driver_and_the_serial_line_are_one() {
    let Some(program) = build("uart-board", &[&["--uart"], &SMALL[..]].concat()) else { return };
    let network = network();
    for (offset, jitter) in [("0", "0"), ("20", "100"), ("-20", "100")] {
        let (_board, port) = plug_with(&program, &["--offset", offset, "--jitter", jitter]);
        let link = PacketLink::open(port, BIT_BY_BIT, 1);
        let link = link.expect("it answers");
        let mut engine = BoardEngine::new(link, "fpga:sim", Arc::clone(&network), network.edge()).expect("it fits");
        compare(&mut engine, &picture(network.edge(), 0), &format!("clocks {offset} per mille apart"));
        for seed in 1..4 {
            assert_eq!(engine.run(&picture(network.edge(), seed)).expect("it runs").logits, expected(&network, seed));
        }
        assert_eq!(engine.link().counts(), LineCounts::default(), "clocks {offset} per mille apart");
    }
    let (_board, port) = plug_with(&program, &["--offset", "80"]);
    assert!(matches!(engine(port, &network), Err(BoardError::Link(_))), "clocks 8 % apart");
}

/// The simulated line passes bytes no faster than a serial line of that speed.
#[test]
fn a_line_has_its_speed() {
    let Some(program) = small() else { return };
    let network = network();
    let (_board, port) = plug_with(&program, &["--baud", "1000000"]);
    let mut engine = engine(port, &network).expect("it fits");
    engine.run(&picture(network.edge(), 0)).expect("it runs");
    let start = Instant::now();
    const FRAMES: u64 = 20;
    for seed in 0..FRAMES {
        assert_eq!(engine.run(&picture(network.edge(), seed)).expect("it runs").logits, expected(&network, seed));
    }
    let bytes = FRAMES as usize * network.edge() * network.edge() * 3;
    let least = Duration::from_secs_f64(bytes as f64 * 10.0 / 1e6);
    assert!(start.elapsed() >= least, "{bytes} bytes in {:?}, not less than {least:?}", start.elapsed());
}
