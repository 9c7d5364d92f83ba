//! Boards from the outside: the command line, and the pipeline behind the window.

use super::build;
use ernscope::board::BoardState;
use ernscope::engines::EngineChoice;
use ernscope::fpga::BoardChoice;
use ernscope::fpga::SimulatedBoard;
use ernscope::network::ModelChoice;
use ernscope::pipeline::{About, EngineCommand, Pipeline, Report, Settings};
use ernscope::source::SourceChoice;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ernscope");

fn ernscope(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `--engine fpga:sim` finds the simulated board in the build folder: identical layers, the same logits, a line in `doctor`.
#[test]
fn commands_run_on_the_simulated_board() {
    let Some(built) = build("default-board", &[]) else { return };
    let folder = Path::new(PROGRAM).ancestors().nth(2).expect("a build folder").join("board-sim");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::copy(built, folder.join("ernscope-board-sim")).expect("copied");
    let pictures = tempfile::tempdir().expect("a folder");
    let picture_folder = pictures.path().to_str().expect("plain");
    assert!(ernscope(&["render", "--frames", "2", "--png", picture_folder]).status.success());
    let mut paths: Vec<String> = std::fs::read_dir(pictures.path())
        .expect("a folder")
        .map(|entry| entry.expect("readable").path().display().to_string())
        .filter(|path| path.ends_with(".png"))
        .collect();
    paths.sort();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();

    let diff = ernscope(&[&["diff", "--engines", "fpga:sim,reference"], &paths[..]].concat());
    let says = text(&diff.stdout);
    assert!(diff.status.success() && says.lines().count() == 2, "{says}{}", text(&diff.stderr));
    assert!(says.lines().all(|line| line.ends_with(": identical")), "{says}");

    let classify = |engine: &str| {
        text(&ernscope(&[&["classify", "--json", "--logits", "--engine", engine], &paths[..]].concat()).stdout)
    };
    assert_eq!(classify("fpga:sim"), classify("reference"));
    let doctor = text(&ernscope(&["doctor"]).stdout);
    assert!(doctor.contains("fpga:sim simulated"), "{doctor}");
}

#[test]
fn a_board_that_is_not_there_is_one_line_with_a_remedy() {
    let refused = ernscope(&["classify", "--engine", "fpga:/dev/no-such-port", "picture.png"]);
    let says = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(says.lines().count(), 1, "{says}");
    assert!(says.contains("no port /dev/no-such-port") && says.contains("plug the board in"), "{says}");
    let unknown = ernscope(&["classify", "--engine", "fpga:", "picture.png"]);
    assert_eq!(unknown.status.code(), Some(2));
}

/// Without a window, too, a run goes on with the CPU when its board is lost, says so, and takes the board again.
#[test]
fn a_run_on_the_terminal_goes_on_without_its_board() {
    let Some(program) = build("default-board", &[]) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("board").display().to_string();
    let engine = format!("fpga:{path}");
    let mut board = SimulatedBoard::start(&program, &["--link", &path]).expect("built");
    let mut command = Command::new(PROGRAM);
    command.args(["--headless", "--json", "--source", "demo:1", "--engine", &engine]);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(run.stdout.take().expect("piped")).lines();
    let mut ran_on = |is_wanted: &dyn Fn(&str) -> bool| {
        let start = Instant::now();
        for line in lines.by_ref() {
            let line: serde_json::Value = serde_json::from_str(&line.expect("readable")).expect("JSON");
            let ran_on = line["engine"].as_str().expect("an engine");
            // Only what a board computed has a line to speak of.
            assert_eq!(line["link_ms"].is_number(), ran_on.starts_with("fpga:"), "{line}");
            if is_wanted(ran_on) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{line}");
        }
        panic!("the run has ended");
    };
    ran_on(&|on| on == engine);
    for _ in 0..2 {
        drop(board);
        std::fs::remove_file(&path).expect("it was unplugged");
        ran_on(&|on| on.starts_with("cpu:"));
        board = SimulatedBoard::start(&program, &["--link", &path]).expect("built");
        ran_on(&|on| on == engine);
    }
    run.kill().expect("it runs");
    let mut says = String::new();
    run.stderr.take().expect("piped").read_to_string(&mut says).expect("text");
    run.wait().expect("it ran");
    // What becomes of a lost board is told as well.
    assert!(says.matches("Board lost").count() >= 2, "{says}");
    assert!(says.contains("the CPU does its work") && says.contains("plug the board in"), "{says}");
}

/// Waits for a report that is as wanted; no report is ever wrong about who computes.
fn wait(pipeline: &Pipeline, what: &str, is_wanted: impl Fn(&Report) -> bool) -> Arc<Report> {
    let start = Instant::now();
    loop {
        if let Some(report) = pipeline.report() {
            let is_ready = matches!(report.engine.board, Some(BoardState::Ready { .. }));
            assert!(is_ready || report.engine.name.starts_with("cpu:"), "{:?}", report.engine);
            if is_wanted(&report) {
                return report;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{what}: {:?}", report.engine.board);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The window's pipeline goes on with the CPU while the board is away, says so, and takes the board again when it is back.
#[test]
fn the_live_pipeline_goes_on_without_its_board() {
    let Some(program) = build("default-board", &[]) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("board").display().to_string();
    let engine = EngineChoice::Fpga(BoardChoice::Port(path.clone()));
    let settings = Settings { model: ModelChoice::Shipped("cards"), engine, edge: None, threads: 1 };
    let pipeline = Pipeline::start(settings, Some(SourceChoice::Demo { seed: 1 }), || ()).expect("it starts");
    wait(&pipeline, "absent", |report| matches!(report.engine.board, Some(BoardState::Absent { .. })));
    for _ in 0..2 {
        let board = SimulatedBoard::start(&program, &["--link", &path]).expect("built");
        let name = format!("fpga:{path}");
        let report = wait(&pipeline, "ready", |report| report.engine.name == name);
        // Two layers' times are there: they were read back.
        let next = wait(&pipeline, "sampled", |later| {
            later.engine.name == name && later.sequence > report.sequence && !later.layers[1].elapsed.is_zero()
        });
        assert_eq!(next.layers[1].codes.iter().sum::<u32>() as usize, codes_of_layer(&next, 1));
        assert!(next.layers[1].counted.is_some(), "cycles are there");
        let says = pipeline.notices().last().map(|notice| notice.about);
        assert_eq!(says, Some(About::BoardBack));
        drop(board);
        std::fs::remove_file(&path).expect("it was unplugged");
        let lost = wait(&pipeline, "lost", |report| matches!(report.engine.board, Some(BoardState::Lost { .. })));
        assert!(lost.layers.iter().all(|layer| layer.counted.is_none()), "cycles of the board shown as the CPU's");
        wait(&pipeline, "sampled on the CPU", |report| !report.layers[1].elapsed.is_zero());
        let says = pipeline.notices().last().map(|notice| notice.text.clone()).unwrap_or_default();
        assert!(says.starts_with("Board lost") && says.contains("plug the board in"), "{says}");
    }
}

/// Another source, more threads, the comparison that one board does not allow: none of it is the board's business. It computes every
/// frame, and is given its program once.
#[test]
fn a_board_keeps_its_program_while_other_things_change() {
    let Some(program) = build("default-board", &[]) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("board").display().to_string();
    let _board = SimulatedBoard::start(&program, &["--link", &path]).expect("built");
    let name = format!("fpga:{path}");
    let engine = EngineChoice::Fpga(BoardChoice::Port(path));
    let settings = Settings { model: ModelChoice::Shipped("cards"), engine, edge: None, threads: 1 };
    let pipeline = Pipeline::start(settings, Some(SourceChoice::Demo { seed: 1 }), || ()).expect("it starts");
    let first = wait(&pipeline, "ready", |report| report.engine.name == name);
    for round in 0..12 {
        let before = wait(&pipeline, "any", |_| true);
        match round % 4 {
            0 => pipeline.source().switch_to(Some(SourceChoice::Demo { seed: round })),
            1 => pipeline.send(EngineCommand::Threads(1 + round as usize % 3)),
            2 => pipeline.send(EngineCommand::Compare(round % 8 == 2)),
            _ => pipeline.send(EngineCommand::Model(ModelChoice::Shipped("cards"))),
        }
        let report = wait(&pipeline, "the next", |report| {
            assert_eq!(report.engine.name, name, "round {round}: {:?}", report.engine.board);
            report.sequence > before.sequence + 1 && (round % 4 != 0 || report.frame.source > before.frame.source)
        });
        assert!(report.timing.board.is_some() && Arc::ptr_eq(&report.network, &first.network), "round {round}");
    }
}

fn codes_of_layer(report: &Report, layer: usize) -> usize {
    let shape = report.network.shapes(report.edge)[layer];
    shape.channels * shape.edge * shape.edge
}
