//! The morning check, on the binary: what it is there to find is put before it.

#[path = "common/folder.rs"]
mod folder;
#[path = "common/skipped.rs"]
mod skipped;

use ernscope::network::shipped::Shipped;
use folder::Folder;
use serde_json::Value;
use skipped::skip;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ernscope");

/// Asked of a machine that has other work too: what takes how long is not what these tests are about.
const PATIENT: [&str; 4] = ["selftest", "--json", "--within", "60"];

/// A home of its own, and no display: the same on every machine.
fn at_home(command: &mut Command, home: &Path) -> Output {
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_CONFIG_HOME"] {
        command.env_remove(variable);
    }
    command.env("HOME", home).output().expect("it runs")
}

/// What the checks say, and whether the exit status agrees with them.
fn checks(output: &Output) -> Vec<Value> {
    let says = String::from_utf8_lossy(&output.stdout);
    assert_eq!(says.lines().count(), 1, "{says}{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_str(&says).expect("JSON");
    let checks = all["checks"].as_array().expect("a list").clone();
    for check in &checks {
        let state = check["state"].as_str().expect("text");
        assert!(["well", "fault", "absent"].contains(&state), "{check}");
        assert_eq!(check["remedy"].is_string(), state == "fault", "{check}");
    }
    let is_well = checks.iter().all(|check| check["state"] != "fault");
    assert_eq!(output.status.code(), Some(i32::from(!is_well)), "{checks:#?}");
    checks
}

fn selftest(arguments: &[&str]) -> Vec<Value> {
    let home = Folder::new();
    checks(&at_home(Command::new(PROGRAM).args(PATIENT).args(arguments), home.path()))
}

/// The one fault that there is: its name, and what it says with its remedy.
fn only_fault(checks: &[Value]) -> (String, String) {
    let faults: Vec<&Value> = checks.iter().filter(|check| check["state"] == "fault").collect();
    assert_eq!(faults.len(), 1, "{checks:#?}");
    let text = |key: &str| faults[0][key].as_str().expect("text").to_owned();
    (text("name"), format!("{}: {}", text("says"), text("remedy")))
}

fn plain(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A video of small grey pictures, each of the shades that `shade` gives its pixels.
fn video(folder: &Folder, name: &str, shade: impl Fn(usize, usize) -> u8) -> String {
    const EDGE: usize = 32;
    let mut bytes = format!("YUV4MPEG2 W{EDGE} H{EDGE} F30:1 Cmono\n").into_bytes();
    for frame in 0..60 {
        bytes.extend(b"FRAME\n");
        bytes.extend((0..EDGE * EDGE).map(|pixel| shade(frame, pixel)));
    }
    plain(&folder.file(name, &bytes)).to_owned()
}

#[test]
fn a_machine_that_is_well_passes() {
    let folder = Folder::new();
    let found = selftest(&["--source", "demo:3", "--keep-in", plain(folder.path()), "--model", "cards"]);
    assert!(found.iter().all(|check| check["state"] != "fault"), "{found:#?}");
    let says = |name: &str| {
        let check = found.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {found:#?}"));
        check["says"].as_str().expect("text").to_owned()
    };
    for engine in ["engine reference", "engine cpu:scalar"] {
        assert!(says(engine).contains("cards and cards-float-input are right, "), "{}", says(engine));
    }
    assert!(says("camera").starts_with("demo 3: 640×480 after"), "{}", says("camera"));
    assert!(says("model cards").starts_with("equal to `cards`"));
    assert!(says(&format!("disk {}", folder.path().display())).contains("GB are free"));
    assert_eq!((says("board"), says("networks").contains("are whole")), ("none is connected".to_owned(), true));
    assert!(says("clock").starts_with("steady"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing stays");
}

/// A line a check, and no more than the seconds that are asked for: beyond these a line for each that did not come to its end.
#[test]
fn it_ends_in_time_whatever_it_has_to_do() {
    let home = Folder::new();
    let begun = Instant::now();
    let output = at_home(Command::new(PROGRAM).args(["selftest", "--within", "1"]), home.path());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let says = String::from_utf8(output.stdout).expect("UTF-8");
    let states = ["well ", "FAULT ", "absent "];
    assert!(
        says.lines().count() >= 6 && says.lines().all(|line| states.iter().any(|state| line.starts_with(state))),
        "{says}"
    );
    assert_eq!(output.status.success(), !says.contains("FAULT"), "{says}");
}

/// Where a tensor's bytes are in a model file.
fn tensor(file: &[u8], name: &str) -> std::ops::Range<usize> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a header");
    let length = u64::from_le_bytes(*length) as usize;
    let header: Value = serde_json::from_slice(&rest[..length]).expect("JSON");
    let at = |end: usize| 8 + length + header[name]["data_offsets"][end].as_u64().expect("a number") as usize;
    at(0)..at(1)
}

/// A copy of `cards` with one bit of a layer's weights turned.
fn altered(folder: &Folder, layer: &str, byte: usize) -> String {
    let mut file = Shipped::named("cards").and_then(Shipped::bytes).expect("inside").to_vec();
    let weights = tensor(&file, &format!("{layer}.weight"));
    file[weights.start + byte] ^= 1 << 5;
    plain(&folder.file(&format!("{layer}.safetensors"), &file)).to_owned()
}

#[test]
fn an_altered_weight_bit_is_found_in_its_layer() {
    let folder = Folder::new();
    for (layer, byte) in [("backbone.act1", 100), ("backbone.layer2.0.conv2", 9999), ("conv", 1055)] {
        let path = altered(&folder, layer, byte);
        let (name, says) = only_fault(&selftest(&["--model", &path]));
        assert_eq!(name, format!("model {path}"));
        let expected = format!("it differs from `cards` inside the program: another weight in layer `{layer}`; ");
        assert!(says.starts_with(&expected) && says.contains("copy the file again"), "{says}");
    }
    let whole = folder.file("whole.safetensors", Shipped::named("cards").and_then(Shipped::bytes).expect("inside"));
    let found = selftest(&["--model", plain(&whole)]);
    assert!(found.iter().all(|check| check["state"] != "fault"), "{found:#?}");
}

/// One that there is no original of is the same on every engine, at least.
#[test]
fn another_network_is_run_on_every_engine() {
    let found = selftest(&["--model", "random:erns18:5"]);
    let model = found.iter().find(|check| check["name"] == "model random:erns18:5").expect("checked");
    let says = model["says"].as_str().expect("text");
    assert!(says.starts_with("no copy of one inside") && says.contains("engines agree in"), "{says}");
}

#[test]
fn a_camera_that_shows_nothing_or_hangs_is_found() {
    let folder = Folder::new();
    let (black, blue) = (video(&folder, "black.y4m", |_, _| 16), video(&folder, "blue.y4m", |_, _| 90));
    let frozen = video(&folder, "frozen.y4m", |_, pixel| 40 + (pixel % 150) as u8);
    let words = [(black, "nothing but black"), (blue, "nothing but one colour"), (frozen, "the picture stands still")];
    for (path, expected) in words {
        let (name, says) = only_fault(&selftest(&["--source", &path]));
        assert!(name == "camera" && says.contains(expected) && says.contains("--source"), "{path}: {says}");
    }
    let moving = video(&folder, "moving.y4m", |frame, pixel| 40 + ((pixel + frame) % 150) as u8);
    let still = "assets/screenshot.png";
    for path in [&moving, still] {
        let found = selftest(&["--source", path]);
        assert!(found.iter().all(|check| check["state"] != "fault"), "{path}: {found:#?}");
    }
}

#[test]
fn what_is_asked_for_and_not_there_is_a_fault() {
    let cases = [
        (["--source", "camera:87"], "camera", "--source|plug it in|plug one in|use 'demo'"),
        (["--source", "/no/such/video.y4m"], "camera", "/no/such/video.y4m does not exist"),
        (["--engine", "fpga:/dev/no-such-port"], "board fpga:/dev/no-such-port", "plug the board in"),
        (["--engine", "cpu:simd128"], "engine cpu:simd128", "simd128"),
        (["--model", "/no/such/model"], "model /no/such/model", "check the path"),
        (["--model", "Cargo.toml"], "model Cargo.toml", "no safetensors file"),
        (["--model", "two\nlines"], "model two\\nlines", "`two\\nlines`"),
        (["--keep-in", "Cargo.toml"], "disk Cargo.toml", "nothing can be kept in Cargo.toml"),
        (["--keep-in", "/proc/1/task"], "disk /proc/1/task", "nothing can be kept in /proc/1/task"),
    ];
    for (arguments, expected, words) in cases {
        let (name, says) = only_fault(&selftest(&arguments));
        assert_eq!(name, expected, "{says}");
        assert!(words.split('|').any(|words| says.contains(words)), "{arguments:?}: {says}");
    }
}

/// A disk without room, made of memory: full to the last byte, and one with less than a day's room.
#[test]
fn a_full_disk_is_found() {
    let home = Folder::new();
    let mount = "mount -t tmpfs -o size=";
    let full =
        format!("{mount}64k none \"$HOME\" && {{ head -c 100000 /dev/zero >\"$HOME/all\" || true; }} 2>/dev/null");
    let small = format!("{mount}20m none \"$HOME\"");
    for (prepare, expected) in [(full, "No space left on device"), (small, "MB are free")] {
        let script = format!("{prepare} && exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh", PROGRAM]).args(PATIENT);
        command.arg("--keep-in").arg(home.path().join("not-made-yet"));
        let output = command.env("HOME", home.path()).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output();
        let Some(output) = output.ok().filter(|output| !output.stdout.is_empty()) else {
            return skip("a full disk", "no file system can be made without being root (unshare of util-linux)");
        };
        let found = checks(&output);
        let faults: Vec<&Value> = found.iter().filter(|check| check["state"] == "fault").collect();
        // Settings and exports of a program with a window, and the folder that was named.
        assert!(!faults.is_empty(), "{found:#?}");
        for fault in faults {
            let (name, says) = (fault["name"].as_str().expect("text"), fault["says"].as_str().expect("text"));
            assert!(name.starts_with("disk ") && says.contains(expected), "{fault}");
            assert!(fault["remedy"].as_str().expect("text").starts_with("make room"), "{fault}");
        }
    }
}

#[test]
fn rubbish_is_refused_in_one_line() {
    for arguments in [
        &["--engine", "abacus"][..],
        &["--source", "camera:x"],
        &["--within", "0"],
        &["--within", "1e9"],
        &["--model"],
        &["--frobnicate"],
        &["now"],
    ] {
        let output = Command::new(PROGRAM).arg("selftest").args(arguments).output().expect("it runs");
        let says = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), says.lines().count()), (Some(2), 1), "{arguments:?}: {says}");
        assert!(output.stdout.is_empty());
    }
}
