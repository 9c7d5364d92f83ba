//! What is recorded comes out again, on every engine; what was altered does not.

use crate::folder::Folder;
use crate::measured;
use ernscope::engine::cpu::Level;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

fn ernscope(folder: &Folder, arguments: &[&str]) -> Output {
    measured::ernscope(folder.path(), arguments)
}

fn succeeds(folder: &Folder, arguments: &[&str]) -> (String, String) {
    let output = ernscope(folder, arguments);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    (stdout, stderr)
}

/// One line with all of these words, exit status 1, nothing on stdout.
#[track_caller]
fn refused(folder: &Folder, arguments: &[&str], words: &[&str]) {
    let output = ernscope(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    let lines: Vec<&str> = stderr.lines().filter(|line| line.starts_with("ernscope: ")).collect();
    assert!(lines.len() == 1 && lines[0].len() < 600 && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
    assert!(words.iter().all(|word| lines[0].contains(word)), "{arguments:?}: {stderr}");
}

/// Records frames of the demo as `a.ernflight`, and gives the lines of their predictions.
fn record(folder: &Folder, model: &str, frames: usize) -> Vec<Value> {
    let frames = frames.to_string();
    let arguments = ["--headless", "--source", "demo:9", "--frames", &frames, "--model", model, "--json"];
    let (stdout, stderr) = succeeds(folder, &[&arguments[..], &["--record", "a.ernflight"]].concat());
    assert!(stderr.contains(&format!("recorded {frames} frames in a.ernflight")), "{stderr}");
    stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn replayed(folder: &Folder, arguments: &[&str]) -> Value {
    let (stdout, _) = succeeds(folder, &[&["replay", "a.ernflight", "--json"], arguments].concat());
    assert_eq!(stdout.lines().count(), 1);
    serde_json::from_str(&stdout).expect("JSON")
}

fn levels() -> Vec<String> {
    let levels = Level::ALL.into_iter().filter(|level| level.is_available());
    levels.map(|level| format!("cpu:{level}")).chain(["cpu".into()]).collect()
}

#[test]
fn a_recording_is_identical_on_every_engine() {
    let folder = Folder::new();
    for model in ["cards", "cards-float-input"] {
        let lines = record(&folder, model, 30);
        assert_eq!(lines.len(), 31);
        for engine in levels() {
            let expected = json!({"frames": 30, "identical": true, "first": null});
            assert_eq!(replayed(&folder, &["--engine", &engine]), expected, "{model}, {engine}");
        }
        let (text, _) = succeeds(&folder, &["replay", "a.ernflight", "--engine", "cpu:scalar"]);
        assert!(text.starts_with(&format!("a.ernflight: 30 frames of {model}, identical on cpu:scalar")), "{text}");
    }
    let lines = record(&folder, "cards", 4);
    assert_eq!(replayed(&folder, &["--engine", "reference", "--model", "cards"])["frames"], 4);
    // What it saw is a source, and seen again it is the same: the squares are taken byte for byte.
    let run = ["--headless", "--frames", "4", "--json", "--source", "a.ernflight"];
    let (stdout, _) = succeeds(&folder, &run);
    let again: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for (line, again) in lines[..4].iter().zip(&again) {
        assert_eq!((&line["frame"], &line["top"], &line["known"]), (&again["frame"], &again["top"], &again["known"]));
    }
    // Whatever it is called.
    fs::rename(folder.path().join("a.ernflight"), folder.path().join("renamed.png")).expect("renamed");
    let (renamed, _) = succeeds(&folder, &["--headless", "--json", "--source", "renamed.png"]);
    assert_eq!(renamed.lines().count(), 5);
}

#[test]
fn one_altered_bit_is_found_wherever_it_is() {
    let folder = Folder::new();
    record(&folder, "cards", 6);
    let path = folder.path().join("a.ernflight");
    let whole = fs::read(&path).expect("written");
    let places = 48;
    for place in 0..places {
        let mut altered = whole.clone();
        // The first bytes and the last ones, and some everywhere between.
        let at = match place {
            0..8 => place * 3,
            8..16 => whole.len() - 1 - (place - 8) * 4,
            _ => whole.len() * place / places,
        };
        altered[at] ^= 1 << (place % 8);
        fs::write(&path, &altered).expect("written");
        let output = ernscope(&folder, &["replay", "a.ernflight", "--json"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "byte {at}");
    }
}

#[test]
fn what_is_no_recording_is_refused_with_a_remedy() {
    let folder = Folder::new();
    record(&folder, "cards", 3);
    let whole = fs::read(folder.path().join("a.ernflight")).expect("written");
    let replay = |name: &str, bytes: &[u8], words: &[&str]| {
        folder.file(name, bytes);
        refused(&folder, &["replay", name], words);
    };
    let source = |name: &str, words: &[&str]| {
        refused(&folder, &["--headless", "--frames", "3", "--source", name], words);
    };
    replay("cut.ernflight", &whole[..whole.len() / 2], &["cut.ernflight", "cut short behind", "copy the file again"]);
    replay("head.ernflight", &whole[..40], &["cut short in its header", "copy the file again"]);
    source("head.ernflight", &["cut short in its header"]);
    replay("empty.ernflight", b"", &["does not begin as a recording", "name an .ernflight file"]);
    replay("other.ernflight", &[0x5a; 4096], &["does not begin as a recording", "name an .ernflight file"]);
    source("other.ernflight", &["does not begin as a recording", "other.ernflight"]);
    let claims = |from: &str, to: &str| {
        let start = whole.windows(from.len()).position(|bytes| bytes == from.as_bytes()).expect(from);
        let json = u32::from_le_bytes(*whole[12..].first_chunk().expect("a length")) as usize + to.len() - from.len();
        let mut claims = [&whole[..12], &(json as u32).to_le_bytes(), &whole[16..start], to.as_bytes()].concat();
        claims.extend(&whole[start + from.len()..16 + json + from.len() - to.len()]);
        claims.extend(crc32(&claims).to_le_bytes());
        claims.extend(&whole[20 + json + from.len() - to.len()..]);
        claims
    };
    replay("large.ernflight", &claims("\"edge\":64", "\"edge\":60000"), &["60000×60000 pixels", "at most 4096×4096"]);
    source("large.ernflight", &["60000×60000 pixels"]);
    let long = claims("\"frames\":3", "\"frames\":1000000000");
    replay("long.ernflight", &long, &["1000000000 frames", "have room for", "copy the file again"]);
    source("long.ernflight", &["1000000000 frames"]);
    let other = claims("\"name\":\"cards\"", "\"name\":\"/etc/passwd\"");
    replay("name.ernflight", &other, &["`/etc/passwd`", "not inside this program", "--model"]);
    let other = claims("\"name\":\"cards\"", "\"name\":\"cifar100\"");
    replay("name.ernflight", &other, &["of another network", "`cifar100`", "--model"]);
    refused(&folder, &["replay", "a.ernflight", "--model", "objects"], &["`cards`", "`objects`", "--model"]);
    refused(&folder, &["replay", "none.ernflight"], &["none.ernflight cannot be read", "check its path"]);
    refused(&folder, &["replay", "."], &["not a regular file"]);
    refused(&folder, &["replay", "/dev/zero"], &["not a regular file"]);
}

/// Of a PNG chunk (PNG specification, annex D), which recordings have too.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

#[test]
fn records_that_cannot_be_written_leave_nothing_behind() {
    let folder = Folder::new();
    let run = |place| ["--headless", "--source", "demo:9", "--frames", "40", "--record", place];
    refused(
        &folder,
        &run("/no/such/folder/a.ernflight"),
        &["cannot write /no/such/folder/a.ernflight", "where there is room"],
    );
    refused(&folder, &run("."), &["no regular file"]);
    refused(&folder, &run("/dev/full"), &["cannot write /dev/full", "no regular file"]);
    // A disk that is full: files of this process end at so many blocks.
    let program = env!("CARGO_BIN_EXE_ernscope");
    let mut full = Command::new("bash");
    full.args(["-c", "trap '' XFSZ; ulimit -f 32; exec \"$0\" \"$@\"", program]).args(run("full.ernflight"));
    let output = full.current_dir(folder.path()).output().expect("bash runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot write full.ernflight") && stderr.contains("where there is room"), "{stderr}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "something is left");
    let output = Command::new(program).args(["--record", "a.ernflight"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "without --headless nothing is recorded");
}

#[test]
fn ctrl_c_and_a_closed_output_write_the_record() {
    let folder = Folder::new();
    let start = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ernscope"));
        command.args(["--headless", "--source", "demo:9", "--json", "--record", name]).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
    };
    let check = |name: &str| {
        let (stdout, _) = succeeds(&folder, &["replay", name, "--json"]);
        let replayed: Value = serde_json::from_str(&stdout).expect("JSON");
        assert!(replayed["frames"].as_u64() >= Some(5) && replayed["identical"] == true, "{replayed}");
    };
    let mut child = start("a.ernflight");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    (0..5).for_each(|_| drop(lines.next().expect("a line").expect("text")));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let last = lines.map(|line| line.expect("text")).last().expect("a summary");
    assert!(last.starts_with("{\"summary\""), "{last}");
    assert!(child.wait().expect("a child").success());
    check("a.ernflight");
    let mut child = start("b.ernflight");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    (0..5).for_each(|_| drop(lines.next().expect("a line").expect("text")));
    drop(lines);
    assert!(child.wait().expect("a child").success());
    check("b.ernflight");
    let left = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> =
        fs::read_dir(folder.path()).expect("a folder").map(|entry| left(entry.expect("an entry"))).collect();
    names.sort();
    assert_eq!(names, ["a.ernflight", "b.ernflight"]);
}
