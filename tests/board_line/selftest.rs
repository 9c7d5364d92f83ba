//! The morning check of a machine with a board: one that is right, and one that answers wrongly.

use super::build;
use super::lines::wrong;
use ernscope::fpga::{Port, SimulatedBoard, open_port};
use serde_json::Value;
use serialport::{SerialPort, TTYPort};
use std::io::{Read, Write};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// What the check of the board on `port` says.
fn board(port: &str) -> Value {
    let engine = format!("fpga:{port}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ernscope"));
    command.args(["selftest", "--json", "--within", "120", "--engine", &engine]);
    let output = command.output().expect("it runs");
    let mut all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks = all["checks"].as_array_mut().expect("a list");
    let at = checks.iter().position(|check| check["name"] == format!("board {engine}")).expect("checked");
    let found = checks.swap_remove(at);
    assert!(output.status.success() || found["state"] == "fault", "{found} {checks:?}");
    found
}

#[test]
fn a_board_that_answers_rightly_is_well() {
    let Some(program) = build("default-board", &[]) else { return };
    let running = SimulatedBoard::start(&program, &[]).expect("built");
    let found = board(running.port());
    assert_eq!(found["state"], "well", "{found}");
    assert!(found["says"].as_str().expect("text").contains("`cards` is right: 3 test pictures, "), "{found}");
}

/// A terminal behind which a board is whose answers are wrong, every packet of them whole.
fn wrong_board(real: Box<dyn SerialPort>) -> String {
    let (mut theirs, ours) = TTYPort::pair().expect("a terminal");
    let path = ours.name().expect("it has one");
    let mut to_board = real.try_clone().expect("a port");
    let mut from_host = theirs.try_clone_native().expect("a port");
    let mut from_board = wrong(Box::new(real) as Box<dyn Port>);
    // Nobody reads it yet. The tests end when they have seen enough, and these threads with them.
    drop(ours);
    thread::spawn(move || pass(&mut from_host, &mut to_board));
    thread::spawn(move || pass(&mut from_board, &mut theirs));
    path
}

/// Passes bytes on, for as long as there is anybody.
fn pass(from: &mut impl Read, to: &mut impl Write) {
    let mut bytes = [0; 4096];
    loop {
        // Before it is opened at the other end, a terminal has errors.
        let Ok(count) = from.read(&mut bytes) else {
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        let mut left = &bytes[..count];
        while !left.is_empty() {
            match to.write(left) {
                Ok(count) => left = &left[count..],
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

#[test]
fn a_board_that_answers_wrongly_is_found() {
    let Some(program) = build("default-board", &[]) else { return };
    let running = SimulatedBoard::start(&program, &[]).expect("built");
    let found = board(&wrong_board(open_port(running.port()).expect("a terminal")));
    assert_eq!(found["state"], "fault", "{found}");
    let text = |key: &str| found[key].as_str().expect("text").to_owned();
    assert_eq!(text("says"), "it answers wrongly: `cards` on test picture 1");
    assert!(text("remedy").starts_with("load the bitstream"), "{found}");
}
