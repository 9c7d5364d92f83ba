//! Every entry takes its seeds, its corpus and whatever it did not take once (`fuzz/regressions`), each target in a process of its
//! own: there an input that overflows the stack, allocates without end or never ends is found and named.

use super::seeds::seeds;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use web_time::{Duration, Instant};

/// Names the target to such a process.
const TARGET: &str = "ERNSCOPE_REPLAY";
/// Where seeds are written, for a corpus to grow from.
const SEEDS: &str = "ERNSCOPE_SEEDS";
/// An input may take so long on a busy machine, and all of a target's.
const SLOWEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(120);
/// What the whole program may take, in KiB.
const MOST_KIB: u64 = 512_000_000 / 1024;

macro_rules! replays {
    ($($(#[$attribute:meta])* $target:ident: $module:ident,)*) => {
        $($(#[$attribute])*
        #[test]
        fn $target() {
            replay(stringify!($target), super::$module::$target);
        })*
    };
}

replays! {
    capture: sources,
    checkpoint_pickle: checkpoints,
    checkpoint_zip: checkpoints,
    flight: flights,
    jpeg: sources,
    link: boards,
    mjpeg: sources,
    model: model_files,
    network: model_files,
    packets: boards,
    picture: sources,
    program: programs,
    #[cfg(feature = "app")]
    settings: settings,
    y4m: sources,
}

fn replay(target: &str, entry: fn(&[u8])) {
    if std::env::var(TARGET).is_ok_and(|name| name == target) {
        return replay_here(target, entry);
    }
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", &format!("{}::{target}", module_path!().split_once("::").expect("a module").1)]);
    command.arg("--nocapture").env(TARGET, target).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs again");
    let (mut stdout, mut stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let says = std::thread::spawn(move || {
        let mut says = Vec::new();
        stderr.read_to_end(&mut says).map(|_| says)
    });
    let all = std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("it is ours") {
            Some(status) => break Some(status),
            None if start.elapsed() > LONGEST => break None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    if status.is_none() {
        child.kill().expect("it is ours");
        child.wait().expect("it was ended");
    }
    let says = says.join().expect("a reader").expect("readable");
    all.join().expect("a reader").expect("readable");
    let says = String::from_utf8_lossy(&says);
    let tail = says.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
    assert!(
        status.is_some_and(|status| status.success()),
        "{target}: {status:?}, its last input is named last:\n{tail}"
    );
    assert!(says.lines().any(|line| line == "all taken"), "{target}: nothing was replayed:\n{tail}");
}

fn replay_here(target: &str, entry: fn(&[u8])) {
    let mut inputs: Vec<(String, Vec<u8>)> =
        seeds(target).into_iter().enumerate().map(|(number, bytes)| (format!("seed {number}"), bytes)).collect();
    assert!(!inputs.is_empty(), "there are no seeds");
    if let Some(folder) = std::env::var_os(SEEDS) {
        write(&PathBuf::from(folder).join(target), &inputs);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let corpus = files(&root.join("corpus").join(target));
    assert!(!corpus.is_empty(), "there is no corpus");
    inputs.extend(corpus);
    inputs.extend(files(&root.join("regressions").join(target)));
    for (name, bytes) in inputs {
        eprintln!("{name}");
        let start = Instant::now();
        entry(&bytes);
        assert!(start.elapsed() < SLOWEST, "{:?}", start.elapsed());
    }
    let most = most_resident_kib();
    assert!(most < MOST_KIB, "{most} KiB were taken");
    eprintln!("all taken");
}

/// The files of a folder by name; none where it is not there.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.display().to_string(), fs::read(&path).expect("readable"))).collect()
}

fn write(folder: &Path, seeds: &[(String, Vec<u8>)]) {
    fs::create_dir_all(folder).expect("a folder");
    for (name, bytes) in seeds {
        fs::write(folder.join(name.replace(' ', "-")), bytes).expect("written");
    }
}

/// The most that this process ever had in memory.
fn most_resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel counts it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
