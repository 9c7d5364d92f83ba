//! The booth from outside: real processes, on a virtual display where there is one.

#[path = "common/skipped.rs"]
mod skipped;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < LONG, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The program with a home of its own, and without a display.
fn booth(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ernscope"));
    command.arg("booth").current_dir(home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "RUST_LOG"] {
        command.env_remove(name);
    }
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        command.env(name, home);
    }
    command
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([name, &process.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "{name} {process}");
}

/// A process that is ended with the test, and what it said so far.
struct Booth {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Booth {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("it runs");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        Self { child, stderr }
    }

    /// The first line from now on that has this in it.
    fn hear(&mut self, text: &str) -> String {
        let mut line = String::new();
        while self.stderr.read_line(&mut line).expect("text") > 0 {
            if line.contains(text) {
                return line;
            }
            line.clear();
        }
        panic!("it never says {text:?}");
    }

    /// The stage's process.
    fn stage(&self) -> Option<u32> {
        let number = self.child.id();
        let children = fs::read_to_string(format!("/proc/{number}/task/{number}/children")).expect("Linux tells");
        children.split_whitespace().next().map(|number| number.parse().expect("a number"))
    }

    fn end(&mut self) -> ExitStatus {
        signal("-TERM", self.child.id());
        wait_for("the booth ends", || self.child.try_wait().expect("a child"))
    }
}

impl Drop for Booth {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn is_running(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// The status, where there is one: a JSON document.
fn status(port: u16) -> Option<serde_json::Value> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).ok()?;
    connection.write_all(b"GET /status.json HTTP/1.1\r\n\r\n").ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split("\r\n\r\n").nth(1)?).ok()
}

/// How often the stage was started anew, while it lives.
fn live_after(port: u16, restarts: u64) -> Option<()> {
    let status = status(port)?;
    (status["live"] == true && status["restarts"] == restarts).then_some(())
}

/// A display that nobody sees; it goes with the test.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn open() -> Option<Self> {
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut number = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut number).ok()?;
        Some(Self { server, name: format!(":{}", number.trim()) })
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill().and_then(|()| self.server.wait());
    }
}

/// What is said of arguments that are refused, and with which exit status.
fn refused(home: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = booth(home).args(arguments).output().expect("it runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn what_is_wrong_at_the_start_is_told_in_a_line() {
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("booth.toml");
    fs::write(&config, "title = \"x\"\nlanguage = \"fr\"\n").expect("written");
    let (status, stderr) = refused(home.path(), &["--config", "booth.toml"]);
    assert_eq!((status, stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains("booth.toml line 2, language: unknown variant `fr`, expected one of `en`"), "{stderr}");
    let (status, stderr) = refused(home.path(), &["--config", "gone.toml"]);
    assert!(status == Some(1) && stderr.contains("gone.toml is not there") && stderr.lines().count() == 1, "{stderr}");
    for arguments in [["--status", "host:80"], ["--status", "0"], ["--engine", "gpu"], ["--source", "camera:x"]] {
        let (status, stderr) = refused(home.path(), &arguments);
        assert_eq!((status, stderr.lines().count()), (Some(2), 1), "{arguments:?}: {stderr}");
    }
}

#[test]
fn without_a_display_it_waits_for_one_and_there_is_one_booth() {
    let home = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let mut first = Booth::start(booth(home.path()).args(["--source", "demo:1", "--status", &port]));
    first.hear("there is no status page at 127.0.0.1:");
    let (status, stderr) = refused(home.path(), &[]);
    let says = format!("a booth runs here already (process {})", first.child.id());
    assert!(status == Some(1) && stderr.contains(&says), "{stderr}");
    first.hear("the stage had no display after");
    first.hear("the stage had no display after");
    assert!(first.end().success());
    let restarts: PathBuf = home.path().join("ernscope/booth/restarts.json");
    let restarts: serde_json::Value = serde_json::from_slice(&fs::read(restarts).expect("kept")).expect("JSON");
    let last = &restarts["last"][0];
    assert!(
        last["cause"] == "no_display" && last["words"].as_str().is_some_and(|words| words.contains("no window")),
        "{last}"
    );
}

#[test]
fn a_stage_that_is_killed_or_stopped_is_live_again_and_none_outlives_its_supervisor() {
    let Some(display) = Display::open() else {
        return skipped::skip("the stage on a display", "there is no Xvfb");
    };
    let home = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let config = home.path().join("ernscope/booth.toml");
    fs::create_dir_all(config.parent().expect("a folder")).expect("made");
    fs::write(&config, "source = \"demo:1\"\n[log]\nfolder = \"logs\"\n").expect("written");
    let mut booth =
        Booth::start(booth(home.path()).env("DISPLAY", &display.name).args(["--status", &port.to_string()]));
    let took = |what: &str, restarts| {
        let start = Instant::now();
        wait_for(what, || live_after(port, restarts));
        eprintln!("{what} after {:.1} s", start.elapsed().as_secs_f32());
    };
    took("live", 0);
    let stage = booth.stage().expect("a stage");
    signal("-KILL", stage);
    took("live after a crash", 1);
    assert!(!is_running(stage));
    let stage = booth.stage().expect("another stage");
    signal("-STOP", stage);
    took("live after a hang", 2);
    assert!(!is_running(stage));
    fs::write(&config, "source = 3\n").expect("written");
    wait_for("a broken configuration is told", || status(port)?["config_fault"].as_str().map(str::to_owned));
    assert!(status(port).is_some_and(|status| status["live"] == true && status["restarts"] == 2));
    let log = fs::read_to_string(config.with_file_name("logs").join("booth.log")).expect("a log");
    assert!(log.contains("the stage crashed after") && log.contains("the stage hung after"), "{log}");
    let stage = booth.stage().expect("a third stage");
    signal("-STOP", stage);
    booth.child.kill().expect("it runs");
    wait_for("no stage without a supervisor", || (!is_running(stage)).then_some(()));
}

#[test]
fn a_display_that_goes_ends_nothing() {
    let Some(display) = Display::open() else {
        return skipped::skip("a display that goes", "there is no Xvfb");
    };
    let home = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let mut booth = Booth::start(booth(home.path()).env("DISPLAY", &display.name).args([
        "--source",
        "demo:1",
        "--status",
        &port.to_string(),
    ]));
    wait_for("live", || live_after(port, 0));
    let stage = booth.stage().expect("a stage");
    drop(display);
    wait_for("the stage has ended", || (!is_running(stage)).then_some(()));
    wait_for("it is tried again", || status(port)?["restarts"].as_u64().filter(|restarts| *restarts >= 2));
    assert!(booth.end().success() && booth.stage_is_gone());
}

impl Booth {
    /// Whether no process is left that it started.
    fn stage_is_gone(&self) -> bool {
        let parent = self.child.id().to_string();
        !fs::read_dir("/proc").expect("Linux").flatten().any(|process| {
            let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ").next().and_then(|fields| fields.split(' ').nth(1)) == Some(&parent)
        })
    }
}
