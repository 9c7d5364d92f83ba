//! Runs the program with its time limited, and measures the memory that it takes: of this one process, whatever runs beside it.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use wait4::Wait4;

/// Most bytes that may be resident, whatever the program is fed.
pub(crate) const MEMORY_LIMIT: u64 = 512_000_000;

/// Runs the program in `folder`. It fails where the program took more memory at its peak than it may; far more, or more than five
/// minutes, and it is ended.
pub(crate) fn ernscope<A: AsRef<OsStr>>(folder: &Path, arguments: &[A]) -> Output {
    let limited = format!("ulimit -v {}; exec timeout 300 \"$0\" \"$@\"", 4 * MEMORY_LIMIT / 1024);
    let mut command = Command::new("bash");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_ernscope")]).args(arguments).current_dir(folder);
    let (output, peak) = run(&mut command);
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.as_ref().to_string_lossy()).collect();
    assert!(peak <= MEMORY_LIMIT, "{} MB at the peak, of {} allowed: {arguments:?}", mb(peak), mb(MEMORY_LIMIT));
    println!("{} MB at the peak: {arguments:?}", mb(peak));
    output
}

/// In whole megabytes.
pub(crate) fn mb(bytes: u64) -> u64 {
    bytes / 1_000_000
}

/// What a command puts out, and the most bytes that were resident of it and of what it ran. It counts no less than its own
/// process had when it was started: this one's, which has to be small.
fn run(command: &mut Command) -> (Output, u64) {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash runs");
    let (mut said, mut complained) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| complained.read_to_end(&mut stderr).expect("readable"));
        said.read_to_end(&mut stdout).expect("readable");
    });
    let used = child.wait4().expect("it ends");
    (Output { status: used.status, stdout, stderr }, used.rusage.maxrss)
}
