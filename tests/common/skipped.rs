//! What was not tested, and why: a test that returns early looks like one that has passed. It is said on stderr, and for who runs
//! all tests it is written to the file that `ERNSCOPE_SKIPPED` names.

use std::fs::OpenOptions;
use std::io::Write;

/// The test that calls this leaves out `what`, because of `why`: a line `TEST<TAB>WHAT: WHY`.
pub(crate) fn skip(what: &str, why: &str) {
    // The test harness names its threads after the tests.
    let current = std::thread::current();
    let test = format!("{}::{}", env!("CARGO_CRATE_NAME"), current.name().unwrap_or("a thread"));
    eprintln!("skipped: {test}: {what}: {why}");
    note("ERNSCOPE_SKIPPED", &format!("{test}\t{what}: {why}"));
}

/// Appends a line to the file that an environment variable names, if there is one. Tests run side by side: it is written at once.
pub(crate) fn note(variable: &str, line: &str) {
    let Some(path) = std::env::var_os(variable) else { return };
    let line = format!("{}\n", line.replace('\n', " "));
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|error| panic!("{variable} names {}: {error}", path.display()));
}
