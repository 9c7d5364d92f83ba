//! Ctrl-C while predictions run on the terminal.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs until it is told to stop.
fn run(stdout: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ernscope"));
    command.args(["--headless", "--source", "demo:1", "--json"]);
    command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).spawn().expect("it runs")
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

/// Waits, but not for ever.
fn ended(child: &mut Child) -> std::process::ExitStatus {
    let start = Instant::now();
    loop {
        match child.try_wait().expect("a child") {
            Some(status) => return status,
            None if start.elapsed() > Duration::from_secs(20) => {
                child.kill().expect("it runs");
                panic!("it does not end");
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

#[test]
fn the_summary_is_printed() {
    for signal in ["-INT", "-TERM"] {
        let mut child = run(Stdio::piped());
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut line = || -> Option<Value> {
            lines.next().map(|line| serde_json::from_str(&line.expect("readable")).expect("JSON"))
        };
        for frame in 0..3 {
            assert_eq!(line().expect("a frame")["frame"], frame);
        }
        send(signal, &child);
        let mut all: Vec<Value> = std::iter::from_fn(&mut line).collect();
        let summary = all.pop().expect("a summary");
        assert_eq!(summary["summary"]["frames"], 3 + all.len(), "{signal}: {summary}");
        assert!(summary["summary"]["fps"].as_f64().expect("a number") > 0.0);
        assert!(ended(&mut child).success(), "{signal}");
        let mut stderr = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
        assert!(!stderr.contains("ernscope: "), "{signal}: {stderr}");
    }
}

/// Whoever reads our output does not: nothing can be printed any longer.
#[test]
fn the_second_one_ends_it_at_once() {
    let (_reader, full) = std::io::pipe().expect("a pipe");
    let flags = |flags| fcntl(full.as_raw_fd(), FcntlArg::F_SETFL(flags)).expect("a pipe");
    flags(OFlag::O_NONBLOCK);
    while (&full).write(&[b'\n'; 4096]).is_ok() {}
    flags(OFlag::empty());
    let mut child = run(full.into());
    // It says what the source does: from then on it is heard.
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    stderr.read_line(&mut String::new()).expect("text");
    send("-INT", &child);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(child.try_wait().expect("a child"), None, "it has something to say yet");
    // Two that come before the first is seen count as one.
    let start = Instant::now();
    while child.try_wait().expect("a child").is_none() && start.elapsed() < Duration::from_secs(20) {
        send("-INT", &child);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(ended(&mut child).signal(), Some(2));
}
