//! Faults: of the line, of the board, of what is plugged in.

use super::lines::{BadLine, Random, Replaying, Returning, Tampering, boasting, escape};
use super::{PATIENCE, PROMPT, build, engine, expected, network, plug, small};
use ernscope::board::BoardState;
use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::engine::{Engine, EngineError};
use ernscope::fpga::BoardChoice;
use ernscope::fpga::CapabilityError;
use ernscope::fpga::CompileError;
use ernscope::fpga::FrameFormat;
use ernscope::fpga::PacketLink;
use ernscope::fpga::SimulatedBoard;
use ernscope::fpga::{AttachedBoard, LiveBoard};
use ernscope::fpga::{BoardEngine, BoardError};
use ernscope::fpga::{End, Link, LinkError};
use ernscope::fpga::{Port, open_port};
use ernscope::network::file;
use ernscope::network::published::PublishedShape;
use ernscope::network::shipped::SHIPPED;
use serialport::{SerialPort, TTYPort};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::networks::picture;

fn link_error(error: &EngineError) -> &LinkError {
    let EngineError::Board(error) = error else { panic!("{error}") };
    let Some(BoardError::Link(error)) = error.downcast_ref() else { panic!("{error}") };
    error
}

/// Garbage, truncated, turned, lost and repeated packets, in both directions: every prediction is right all the same.
#[test]
fn a_bad_line_costs_time_and_no_frame() {
    let Some(program) = small() else { return };
    let network = network();
    let wanted: Vec<Vec<f32>> = (0..5).map(|seed| expected(&network, seed)).collect();
    let (mut damaged, mut repeated) = (0, 0);
    for seed in 1..=6 {
        let (_board, port) = plug(&program);
        let port: Box<dyn Port> = Box::new(BadLine::new(port, seed, 40));
        let mut engine = engine(port, &network).expect("it fits");
        for frame in 0..20 {
            let picture_seed = frame % 5;
            let logits = engine.run(&picture(network.edge(), picture_seed)).expect("it runs").logits;
            assert_eq!(logits, wanted[picture_seed as usize], "line {seed}, frame {frame}");
        }
        let counts = engine.link().counts();
        damaged += counts.damaged;
        repeated += counts.repeated;
    }
    assert!(damaged > 0 && repeated > 0, "the line was too good: {damaged} damaged, {repeated} repeated");
}

#[test]
fn answers_of_the_past_are_not_believed() {
    let Some(program) = small() else { return };
    let network = network();
    let (_board, port) = plug(&program);
    let port: Box<dyn Port> = Box::new(Replaying { port, kept: vec![], random: Random::new(3) });
    // The opening of a session is repeated too, until it is the right one's.
    let mut engine = engine(port, &network).expect("it fits");
    for frame in 0..200 {
        let seed = frame % 7;
        let picture = picture(network.edge(), seed);
        assert_eq!(engine.run(&picture).expect("it runs").logits, expected(&network, seed), "frame {frame}");
    }
}

/// Pixels of a frame of long ago, whose number fits again: the answer to them is not believed, a new session is right.
#[test]
fn pixels_of_the_past_are_not_believed() {
    let Some(program) = small() else { return };
    let network = network();
    let (_board, port) = plug(&program);
    let returned = Arc::new(AtomicU64::new(0));
    let port: Box<dyn Port> = Box::new(Returning { port, kept: BTreeMap::new(), returned: Arc::clone(&returned) });
    let mut engine = engine(port, &network).expect("it fits");
    let mut restarts = 0;
    for frame in 0..250 {
        let picture = picture(network.edge(), frame % 7);
        while let Err(error) = engine.run(&picture) {
            assert!(link_error(&error).is_passing(), "{error}");
            restarts += 1;
            assert!(restarts < 20, "it does not get over it");
            engine.restart().expect("it answers");
        }
        assert_eq!(engine.logits(), expected(&network, frame % 7), "frame {frame}");
    }
    let returned = returned.load(Ordering::Relaxed);
    assert!(returned > 0 && restarts > 0, "{returned} packets came again, {restarts} sessions were begun anew");
}

#[test]
fn ten_thousand_fuzzed_packets_do_no_harm() {
    let Some(program) = small() else { return };
    let network = network();
    let wanted = expected(&network, 1);
    let board = SimulatedBoard::start(&program, &[]).expect("built");
    let mut random = Random::new(11);
    let mut longest = Duration::ZERO;
    for round in 0..20 {
        {
            let mut port = open_port(board.port()).expect("a terminal");
            // Now and then a session that is really open, so that what comes is taken.
            let session = 1 + random.below(3) as u8;
            port.write_all(&escape(&sealed(vec![session, 0, 1]))).expect("it is taken");
            for number in 0..500_u64 {
                let packet = fuzzed(&mut random, session, number as u8 + 1);
                let start = Instant::now();
                while port.write_all(&packet).is_err() {
                    assert!(start.elapsed() < PROMPT, "the board takes nothing any more, round {round}");
                }
                let _ = port.read(&mut [0; 4096]);
            }
        }
        let start = Instant::now();
        let port = open_port(board.port()).expect("a terminal");
        let mut engine = engine(Box::new(port), &network).expect("it is there again");
        assert_eq!(engine.run(&picture(network.edge(), 1)).expect("it runs").logits, wanted, "round {round}");
        longest = longest.max(start.elapsed());
    }
    eprintln!("longest from the fuzz to a prediction: {longest:?}");
}

fn sealed(mut packet: Vec<u8>) -> Vec<u8> {
    let crc = crc32fast::hash(&packet);
    packet.extend(crc.to_le_bytes());
    packet
}

/// Bytes that are nothing, packets that are nearly right, packets that are right and say nonsense.
fn fuzzed(random: &mut Random, session: u8, number: u8) -> Vec<u8> {
    let length = [0, 3, 8, 40, 300, 1024, 1100][random.below(7)];
    if random.below(4) == 0 {
        return random.bytes(length);
    }
    let kind = [2, 3, 3, 3, 4, 5, 9][random.below(7)];
    let mut packet = vec![session, number, kind];
    if kind == 3 && random.below(2) == 0 {
        // A command that there is, with nonsense behind it.
        let code = [0x01, 0x02, 0x03, 0x04, 0x11, 0x12, 0x13, 0x14, 0x20][random.below(9)];
        packet.extend([random.next() as u8, random.next() as u8, 0, code]);
    }
    packet.extend(random.bytes(length));
    let mut packet = sealed(packet);
    if random.below(4) == 0 {
        let at = random.below(packet.len());
        packet[at] ^= 1 << random.below(8);
    }
    let mut bytes = escape(&packet);
    if random.below(8) == 0 {
        bytes.truncate(random.below(bytes.len()));
    }
    bytes
}

#[test]
fn a_program_that_arrives_damaged_is_sent_again() {
    let Some(program) = small() else { return };
    let network = network();
    let (_board, port) = plug(&program);
    let port: Box<dyn Port> = Box::new(Tampering { port, seen: 0, is_hit: |packet| packet == 2 });
    let mut engine = engine(port, &network).expect("the second time it arrives");
    assert_eq!(engine.run(&picture(network.edge(), 1)).expect("it runs").logits, expected(&network, 1));
}

#[test]
fn a_program_that_never_arrives_is_an_error() {
    let Some(program) = small() else { return };
    let (_board, port) = plug(&program);
    let port: Box<dyn Port> = Box::new(Tampering { port, seen: 0, is_hit: |_| true });
    let refused = engine(port, &network()).err();
    assert!(matches!(refused, Some(BoardError::Link(LinkError::Damaged))), "{refused:?}");
}

#[test]
fn a_board_that_is_reset_is_noticed() {
    let Some(program) = small() else { return };
    let network = network();
    let (mut board, port) = plug(&program);
    let mut engine = engine(port, &network).expect("it fits");
    engine.submit(&picture(network.edge(), 1)).expect("it is taken");
    board.controls().write_all(b"reset\n").expect("it runs");
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    // The frame was through, or it is lost; never is anything else shown.
    match engine.collect() {
        Ok(logits) => assert_eq!(logits, expected(&network, 1)),
        Err(error) => assert!(matches!(link_error(&error), LinkError::Reset), "{error}"),
    }
    let error = engine.run(&picture(network.edge(), 2)).expect_err("it has forgotten everything");
    assert!(matches!(link_error(&error), LinkError::Reset), "{error}");
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
}

/// A command's engine gives the board its program again; also after a reset in the middle of a frame.
#[test]
fn a_board_that_was_reset_goes_on() {
    let Some(program) = small() else { return };
    let network = network();
    let mut board = SimulatedBoard::start(&program, &[]).expect("built");
    let choice = BoardChoice::Port(board.port().into());
    let mut engine = AttachedBoard::connect(&choice, &network, network.edge(), &mut |_| ()).expect("it is there");
    for seed in 0..6 {
        if seed % 2 == 1 {
            board.controls().write_all(b"reset\n").expect("it runs");
        }
        assert_eq!(engine.run(&picture(network.edge(), seed)).expect("it runs").logits, expected(&network, seed));
    }
}

#[test]
fn a_board_that_stops_in_a_frame_is_silent_and_comes_back() {
    let Some(program) = small() else { return };
    let network = network();
    let (mut board, port) = plug(&program);
    let mut running = engine(port, &network).expect("it fits");
    board.controls().write_all(b"stop\n").expect("it runs");
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    let error = running.run(&picture(network.edge(), 1)).expect_err("its clock stands");
    assert!(matches!(link_error(&error), LinkError::Silent), "{error}");
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    drop(running);
    board.controls().write_all(b"go\n").expect("it runs");
    let mut again = engine(Box::new(open_port(board.port()).expect("a terminal")), &network).expect("it is back");
    assert_eq!(again.run(&picture(network.edge(), 1)).expect("it runs").logits, expected(&network, 1));
}

/// A frame that the host does not finish: the board waits, answers, and is given up for standing still.
#[test]
fn a_board_that_waits_for_ever_is_given_up() {
    let Some(program) = small() else { return };
    let network = network();
    let (_board, port) = plug(&program);
    let patience = ernscope::fpga::Patience { standstill: Duration::from_secs(1), ..PATIENCE };
    let link = PacketLink::open(port, patience, 1).expect("it answers");
    let mut engine = BoardEngine::new(link, "fpga:sim", Arc::clone(&network), network.edge()).expect("it fits");
    let last = engine.program().descriptors().len() - 1;
    let beats = ernscope::fpga::Beats { format: engine.program().format(), size: 3, bytes: &[0; 30] };
    engine.link().start(End::Results(last), beats).expect("it is taken");
    let start = Instant::now();
    let error = engine.link().results(7).expect_err("ten pixels are no frame");
    assert!(matches!(error, LinkError::Stuck), "{error}");
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    // A new session frees it.
    assert_eq!(engine.link().upload(&[]).map_err(|error| error.to_string()), Ok(()));
}

fn state(engine: &LiveBoard) -> BoardState {
    engine.info().board.expect("it has one")
}

/// Runs frames until the state is as wanted; every prediction is right, whoever makes it.
fn run_until(live: &mut LiveBoard, wanted: &[Vec<f32>], is_reached: impl Fn(&BoardState) -> bool) {
    let start = Instant::now();
    for seed in (0..wanted.len()).cycle() {
        let edge = live.edge();
        assert_eq!(live.run(&picture(edge, seed as u64)).expect("somebody runs it").logits, wanted[seed]);
        if is_reached(&state(live)) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{}", state(live));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Unplugged, and plugged in again as another board: the CPU does the work meanwhile, and the state says what is.
#[test]
fn a_board_is_unplugged_and_returns() {
    let (Some(program), Some(other)) = (small(), other_size()) else { return };
    let network = network();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("board").display().to_string();
    let stand_in = CpuEngine::new(Arc::clone(&network), network.edge(), Level::best(), 1).expect("available");
    let wanted: Vec<Vec<f32>> = (0..5).map(|seed| expected(&network, seed)).collect();
    let mut live = LiveBoard::start(BoardChoice::Port(path.clone()), Box::new(stand_in)).expect("a thread");
    let on_board = |state: &BoardState| matches!(state, BoardState::Ready { .. });

    run_until(&mut live, &wanted, |state| matches!(state, BoardState::Absent { .. }));
    assert!(state(&live).to_string().contains("there is no port"), "{}", state(&live));
    assert!(live.info().name.starts_with("cpu:"), "{}", live.info().name);

    for program in [&program, &other, &program] {
        let board = SimulatedBoard::start(program, &["--link", &path]).expect("built");
        run_until(&mut live, &wanted, on_board);
        live.run(&picture(network.edge(), 0)).expect("it runs");
        assert_eq!(live.info().name, format!("fpga:{path}"));
        drop(board);
        std::fs::remove_file(&path).expect("it was unplugged");
        run_until(&mut live, &wanted, |state| matches!(state, BoardState::Lost { .. }));
        assert!(live.info().name.starts_with("cpu:"), "{}", live.info().name);
    }
}

/// Another engine takes the board over while the one before still has it, as when another network is chosen: no loss is told.
#[test]
fn a_board_is_handed_over() {
    let Some(program) = small() else { return };
    let network = network();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("board").display().to_string();
    let _board = SimulatedBoard::start(&program, &["--link", &path]).expect("built");
    let wanted = [expected(&network, 0)];
    let start = || {
        let stand_in = CpuEngine::new(Arc::clone(&network), network.edge(), Level::best(), 1).expect("available");
        LiveBoard::start(BoardChoice::Port(path.clone()), Box::new(stand_in)).expect("a thread")
    };
    let mut live = start();
    for _ in 0..2 {
        let is_ready = |state: &BoardState| {
            assert!(!state.is_fault(), "{state}");
            matches!(state, BoardState::Ready { .. })
        };
        run_until(&mut live, &wanted, is_ready);
        let next = start();
        std::thread::sleep(Duration::from_millis(300));
        live = next;
    }
}

fn other_size() -> Option<std::path::PathBuf> {
    let size =
        ["PARALLEL_IN=16", "PARALLEL_OUT=16", "PIXELS=1", "DRAIN_CHANNELS=4", "CODE_DEPTH=16384", "TRUNK_DEPTH=16384"];
    build("other-board", &size)
}

#[test]
fn a_network_that_is_too_large_names_its_layer() {
    let Some(program) = build("default-board", &[]) else { return };
    let network = PublishedShape::named("erns34").expect("published").random(1, false).expect("well formed");
    let (_board, port) = plug(&program);
    let refused = engine(port, &Arc::new(network)).err();
    let Some(BoardError::Compile(CompileError::Resource { layer, needs, available, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert!(!layer.is_empty() && needs > available);
}

/// Something at the other end of a line that answers every byte it gets with the same bytes.
fn impostor(says: Vec<u8>) -> TTYPort {
    let (mut theirs, ours) = TTYPort::pair().expect("a terminal");
    std::thread::spawn(move || {
        let mut byte = [0; 64];
        loop {
            match theirs.read(&mut byte) {
                Err(error) if error.kind() != std::io::ErrorKind::TimedOut => return,
                Ok(0) => return,
                Err(_) => {}
                // The tests end when they have seen enough.
                Ok(_) => drop(theirs.write_all(&says)),
            }
        }
    });
    ours
}

fn refusal(says: Vec<u8>) -> LinkError {
    let start = Instant::now();
    let refused = PacketLink::open(impostor(says), PATIENCE, 1).err().expect("no board of ours");
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    refused
}

#[test]
fn what_is_no_board_of_ours_is_told_apart() {
    assert!(matches!(refusal(vec![]), LinkError::Silent));
    assert!(matches!(refusal(b"~login: ~".to_vec()), LinkError::Foreign));
    // Version 2: its opened is as ours up to there.
    let opened = |session: u8| escape(&sealed(vec![session, 1, 0x81, 0x31, 0x4e, 0x52, 0x45, 2, 0, 0]));
    assert!(matches!(refusal(opened(2)), LinkError::Version(2)));
}

/// A board that begins a session, with places for more than a line holds, and then reads nothing any longer: given up in time.
#[test]
fn a_board_that_takes_nothing_any_longer_is_given_up() {
    let (mut theirs, ours) = TTYPort::pair().expect("a terminal");
    let port = ours.name().expect("it has one");
    drop(ours);
    let mut ours = open_port(&port).expect("it is there");
    ours.set_timeout(Duration::from_millis(5)).expect("ours");
    let board = std::thread::spawn(move || {
        while !matches!(theirs.read(&mut [0; 64]), Ok(count) if count > 0) {}
        let sizes = [64, 0x60, 0xea, 0x60, 0xea, 0, 0];
        let opened = [&[2, 1, 0x81, 0x31, 0x4e, 0x52, 0x45, 1], &sizes[..]].concat();
        theirs.write_all(&escape(&sealed(opened))).expect("it is taken");
        theirs
    });
    let mut link = PacketLink::open(Box::new(ours) as Box<dyn Port>, PATIENCE, 1).expect("it says what a board says");
    let _theirs = board.join().expect("it ends");
    let start = Instant::now();
    let beats = ernscope::fpga::Beats { format: FrameFormat::Pixels, size: 3, bytes: &[7; 300_000] };
    let error = link.start(End::Results(1), beats).expect_err("nobody reads it");
    assert!(matches!(error, LinkError::Silent), "{error}");
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
}

/// A board that tells of itself what no accelerator can be: refused at once, whichever size it is; nothing is planned with it.
#[test]
fn a_board_with_impossible_sizes_is_refused() {
    let Some(program) = small() else { return };
    let network = network();
    let sizes = [
        (2, 0),
        (2, 64),
        (3, 12),
        (3, u32::MAX),
        (4, 3),
        (5, 0),
        (6, 40),
        (7, 0),
        (8, 0),
        (8, u32::MAX),
        (9, u32::MAX),
        (10, 1 << 25),
        (12, 0),
        (13, 1),
        (14, u32::MAX),
        (15, 500),
        (16, u32::MAX),
        (17, 0),
        (18, 33),
        (19, 1),
    ];
    for (word, says) in sizes {
        let (_board, port) = plug(&program);
        let start = Instant::now();
        let refused = engine(Box::new(boasting(port, word, says)), &network).err();
        let is_refused = matches!(refused, Some(BoardError::Capabilities(CapabilityError::Sizes)));
        assert!(is_refused, "word {word} as {says}: {refused:?}");
        assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    }
    let other = |word: usize, says: u32| {
        let (_board, port) = plug(&program);
        engine(Box::new(boasting(port, word, says)), &network).err()
    };
    assert!(matches!(other(0, 7), Some(BoardError::Capabilities(CapabilityError::Unknown))));
    assert!(matches!(other(1, 99), Some(BoardError::Capabilities(CapabilityError::Version(99)))));
    // A size that there could be, but that the network does not fit.
    assert!(matches!(other(9, 16), Some(BoardError::Compile(CompileError::Resource { available: 16, .. }))));
}

#[test]
fn ports_that_cannot_be_had_are_told_apart() {
    let Some(program) = small() else { return };
    let (board, _port) = plug(&program);
    assert!(matches!(open_port(board.port()).err(), Some(LinkError::InUse { .. })));
    assert!(matches!(open_port("/dev/no-such-port").err(), Some(LinkError::Absent { .. })));
    assert!(matches!(open_port("/dev/null").err(), Some(LinkError::Port { .. })));
    denied_to_others(board.port());
}

/// A port that the system does not let this person open: taken from its owner, or, as root may open anything, opened as somebody
/// else.
fn denied_to_others(port: &str) {
    let is_root = std::fs::metadata("/proc/self").expect("a process").uid() == 0;
    if !is_root {
        std::fs::set_permissions(port, Permissions::from_mode(0o000)).expect("the terminal is ours");
        assert!(matches!(open_port(port).err(), Some(LinkError::Denied { .. })));
        return;
    }
    // The build folder may be closed to others.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("ours");
    let binary = folder.path().join("ernscope");
    std::fs::copy(env!("CARGO_BIN_EXE_ernscope"), &binary).expect("copied");
    let picture = folder.path().join("picture.png");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/screenshot.png"), &picture).expect("copied");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&binary);
    command.args(["classify", "--engine", &format!("fpga:{port}")]).arg(&picture);
    let output = command.output().expect("setpriv, of util-linux");
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && says.contains("may not be opened"), "{says}");
    assert!(says.contains("dialout"), "{says}");
}

/// Without the simulated board's program: an error that says how to build it.
#[test]
fn a_simulated_board_that_is_not_built_is_an_error() {
    let missing = SimulatedBoard::start(Path::new("/no/such/program"), &[]).err();
    assert!(matches!(missing, Some(LinkError::Start { .. })));
    assert!(missing.expect("an error").remedy().contains("build-board-sim"));
}

/// Predictions of a shipped network are right over a bad line as well.
#[test]
fn cards_are_right_over_a_bad_line() {
    let Some(program) = build("default-board", &[]) else { return };
    let shipped = SHIPPED.iter().find(|shipped| shipped.name == "cards").expect("shipped");
    let network = Arc::new(file::parse(shipped.bytes().expect("inside")).expect("ours"));
    let (_board, port) = plug(&program);
    let port: Box<dyn Port> = Box::new(BadLine::new(port, 9, 20));
    let mut engine = engine(port, &network).expect("it fits");
    for seed in 0..5 {
        assert_eq!(engine.run(&picture(network.edge(), seed)).expect("it runs").logits, expected(&network, seed));
    }
}
