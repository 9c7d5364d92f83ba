//! The accelerator's core, simulated without a line, against the reference engine: identical codes at every layer, identical
//! trunk and results, and the cycles that the model says. Needs verilator; where it is missing, the tests say so and pass.

#[path = "common/board.rs"]
mod board;
#[path = "common/cycles.rs"]
mod cycles;
#[path = "common/kv260.rs"]
mod kv260;
#[path = "common/networks.rs"]
mod networks;
#[path = "common/random_networks.rs"]
mod random_networks;
#[path = "common/simulated_core.rs"]
mod simulated_core;
#[path = "common/skipped.rs"]
mod skipped;

use board::compare;
use cycles::check_cycles;
use ernscope::engine::Engine;
use ernscope::engine::reference::ReferenceEngine;
use ernscope::fpga::BoardEngine;
use ernscope::fpga::{frame_cycles, utilisation};
use ernscope::network::shipped::SHIPPED;
use ernscope::network::{Network, file};
use networks::{Block, First, Recipe, picture};
use random_networks::{ROOM, random_networks, with_weights_from_outside};
use simulated_core::SimulatedCore;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The core with these parameters.
fn core(name: &str, parameters: &[&str]) -> Option<PathBuf> {
    board::build(name, &[&["--core"], parameters].concat())
}

#[test]
fn random_networks_are_identical_on_one_pixel() {
    let size = ["PARALLEL_IN=8", "PARALLEL_OUT=16", "PIXELS=1", "DRAIN_CHANNELS=2"];
    if let Some(program) = core("one-pixel", &[&ROOM[..], &size].concat()) {
        random_networks(&program, 24, 0);
    }
}

#[test]
fn random_networks_are_identical_on_four_pixels() {
    let size = ["PARALLEL_IN=16", "PARALLEL_OUT=32", "PIXELS=4", "DRAIN_CHANNELS=4"];
    if let Some(program) = core("four-pixels", &[&ROOM[..], &size].concat()) {
        random_networks(&program, 24, 0);
    }
}

#[test]
fn random_networks_are_identical_when_streams_pause() {
    let size = ["PARALLEL_IN=16", "PARALLEL_OUT=32", "PIXELS=2", "DRAIN_CHANNELS=8"];
    if let Some(program) = core("two-pixels", &[&ROOM[..], &size].concat()) {
        random_networks(&program, 16, 400);
    }
}

/// Boards that cannot hold the frame: its rows take turns, whatever kernel and stride read them.
#[test]
fn frames_that_only_pass_through_are_identical() {
    let parameters =
        ["PARALLEL_IN=8", "PARALLEL_OUT=16", "PIXELS=2", "DRAIN_CHANNELS=2", "TABLE_WORDS=8", "CODE_DEPTH=512"];
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
    let size = ["PARALLEL_IN=32", "PARALLEL_OUT=32", "PIXELS=1", "DRAIN_CHANNELS=8", "FRUGAL=1"];
    if let Some(program) = core("structural", &[&ROOM[..], &size].concat()) {
        random_networks(&program, 12, 0);
    }
}

/// The parameters of `packaging/boards/ulx3s`, as `NAME=VALUE`.
fn ulx3s() -> Vec<String> {
    let top = include_str!("../packaging/boards/ulx3s/ulx3s_top.sv");
    let parameters = top.lines().filter_map(|line| line.trim().strip_prefix("parameter int "));
    parameters.map(|line| line.trim_end_matches(',').replace(' ', "")).collect()
}

/// Identical on `pictures` pictures and in the predicted cycles; the cycles of a frame, and the utilisation.
fn check_network(program: &Path, network: &Arc<Network>, pictures: u64) -> (u64, f64) {
    let name = network.name();
    let link = SimulatedCore::start(program).expect("built");
    let mut board = BoardEngine::new(link, "core", Arc::clone(network), network.edge()).expect("this size holds it");
    for seed in 0..pictures {
        compare(&mut board, &picture(network.edge(), seed), name);
    }
    check_cycles(&mut board, &picture(network.edge(), 9), name);
    let (cycles, predicted) = (board.frame_cycles(), frame_cycles(board.program()));
    let used = utilisation(network, board.program(), cycles);
    eprintln!("{name}: {cycles} cycles ({predicted} predicted), utilisation {used:.3}, {:?}", board.program().needs());
    assert!(cycles.abs_diff(predicted) * 100 <= cycles, "{cycles} cycles, {predicted} predicted");
    (cycles, used)
}

#[test]
fn shipped_networks_are_identical() {
    let Some(program) = core("default", &[]) else { return };
    for shipped in &SHIPPED {
        check_network(&program, &Arc::new(file::parse(shipped.bytes().expect("inside")).expect("ours")), 2);
    }
}

/// The largest shape that is trained for the program: 11 million weights, at 32 and at 64 pixels.
#[test]
fn wide_networks_fit_the_default_size() {
    let Some(program) = core("default", &[]) else { return };
    for (first, last) in [(1, 2), (2, 2)] {
        let block = |channels, stride| Block { bottleneck: false, channels, stride };
        let recipe = Recipe {
            seed: 3,
            smallest: 4,
            first: First::Embedding(21),
            convs: vec![(64, 3, first), (64, 3, 1), (64, 3, last), (64, 1, 1)],
            blocks: vec![block(128, 1), block(128, 1), block(256, 2), block(256, 1), block(512, 2), block(512, 1)],
            classes: 100,
        };
        check_network(&program, &Arc::new(recipe.network()), 1);
    }
}

#[test]
fn cards_uses_the_ulx3s() {
    let parameters = ulx3s();
    assert!(parameters.contains(&"PIXELS=1".into()), "{parameters:?}");
    let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let Some(program) = core("ulx3s", &parameters) else { return };
    for shipped in SHIPPED.iter().filter(|shipped| shipped.name.starts_with("cards")) {
        let (cycles, used) =
            check_network(&program, &Arc::new(file::parse(shipped.bytes().expect("inside")).expect("ours")), 1);
        assert!(used >= 0.7, "utilisation {used}");
        assert!(cycles * 300 <= 60_000_000, "{cycles} cycles are less than 300 frames a second at 60 MHz");
    }
}

/// What the model says of a first layer of eight bits by bit planes, which no board has: a table of four words a pixel has the array
/// take as many steps.
#[test]
fn bit_planes_take_as_long_as_the_model_says() {
    let size = ["PARALLEL_IN=8", "PARALLEL_OUT=16", "PIXELS=1", "DRAIN_CHANNELS=2"];
    let Some(program) = core("one-pixel", &[&ROOM[..], &size].concat()) else { return };
    let block = |channels, stride| Block { bottleneck: false, channels, stride };
    // 6 channels are a word of 8, 30 are four.
    let [one_word, four_words] = [2, 10].map(|depth| {
        let blocks = vec![block(24, 1), block(32, 2)];
        let first = First::Embedding(depth);
        let recipe = Recipe { seed: 3, smallest: 8, first, convs: vec![(24, 3, 1)], blocks, classes: 5 };
        let network = Arc::new(recipe.network());
        let edge = network.edge();
        let link = SimulatedCore::start(&program).expect("built");
        let mut board = BoardEngine::new(link, "core", network, edge).expect("it fits");
        board.run(&picture(edge, 1)).expect("it runs").board.expect("a board ran it")
    });
    let more = one_word.extra_bit_plane_cycles.expect("it has a table");
    let took = four_words.cycles - one_word.cycles;
    eprintln!("bit planes: {} cycles, and {more} more; four words a pixel took {took} more", one_word.cycles);
    assert!(more > one_word.cycles / 4 && more.abs_diff(took) * 100 <= more, "{more} more, {took} taken");
}

/// Weights from outside, through a window that holds little more than a tile's: layers wait for them, for as long as the model says.
#[test]
fn random_networks_are_identical_with_weights_from_outside() {
    let Some(program) = with_weights_from_outside() else { return };
    random_networks(&program, 20, 0);
    random_networks(&program, 20, 300);
}

/// What is wrong with a stream of weights is told with the results that it made; the next frame's is right again.
#[test]
fn wrong_weights_are_told() {
    let Some(program) = with_weights_from_outside() else { return };
    let block = |channels, stride| Block { bottleneck: false, channels, stride };
    let blocks = vec![block(64, 1), block(48, 2)];
    let recipe = Recipe { seed: 5, smallest: 4, first: First::Embedding(5), convs: vec![], blocks, classes: 9 };
    let network = Arc::new(recipe.network());
    let edge = network.edge();
    let link = SimulatedCore::start(&program).expect("built");
    let mut board = BoardEngine::new(link, "core", Arc::clone(&network), edge).expect("it fits");
    let expected =
        [(1, "too few weights"), (2, "too many weights"), (3, "weights that are not its program's, or damaged")];
    for (how, says) in expected {
        board.link().request(b'X', how).expect("it answers");
        let error = board.run(&picture(edge, 3)).expect_err("the weights are wrong").to_string();
        assert!(error.ends_with(&format!("the board was given {says}")), "{error}");
        board.link().request(b'X', 0).expect("it answers");
        compare(&mut board, &picture(edge, 4), says);
    }
    // A memory that gives no more weights is told as a board that stands still.
    board.link().request(b'X', 4).expect("it answers");
    let error = board.run(&picture(edge, 3)).expect_err("weights are missing").to_string();
    assert!(error.contains("stands still"), "{error}");
}

/// The core on its bus: every handshake pauses, two frames are under way, what the bus refuses is tried again.
#[test]
fn random_networks_are_identical_behind_the_bus() {
    let size = ["PARALLEL_IN=16", "PARALLEL_OUT=32", "PIXELS=2", "DRAIN_CHANNELS=8"];
    let outside = [&ROOM[..], &size, &["WEIGHT_DEPTH=0"]].concat();
    let Some(program) = board::build("axi", &[&["--axi"], &outside[..]].concat()) else { return };
    random_networks(&program, 6, 0);
    random_networks(&program, 12, 300);
    let network = Arc::new(file::parse(SHIPPED[0].bytes().expect("inside")).expect("ours"));
    let mut link = SimulatedCore::start(&program).expect("built");
    link.stall(5, 100).expect("it answers");
    let mut board = BoardEngine::new(link, "axi", Arc::clone(&network), network.edge()).expect("it fits");
    let mut reference = ReferenceEngine::new(Arc::clone(&network), network.edge()).expect("its own size");
    board.submit(&picture(network.edge(), 0)).expect("it is taken");
    for seed in 1..4 {
        board.submit(&picture(network.edge(), seed)).expect("it is taken");
        let expected = reference.run(&picture(network.edge(), seed - 1)).expect("it runs").logits;
        assert_eq!(board.collect().expect("it answers"), expected, "frame {}", seed - 1);
    }
}

/// On the papers' board one network of each kind of block: at the papers' size, and layer by layer. `board_long` has the others.
#[test]
fn the_papers_networks_are_identical_on_their_board() {
    kv260::check_whole("erns18-0.75x", 2.2);
    kv260::check_every_layer("erns50");
}
