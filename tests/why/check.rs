//! `ernscope run --check`: frames that another engine computes again.

use super::ernscope;
use serde_json::Value;

/// The last line of a run, and what it said on stderr.
fn summary(arguments: &[&str]) -> (Value, String) {
    let output = ernscope(&[&["run", "--headless", "--source", "demo:3", "--json"], arguments].concat());
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{told}");
    let last = output.stdout.split(|&b| b == b'\n').rfind(|line| !line.is_empty()).expect("a line");
    (serde_json::from_slice::<Value>(last).expect("JSON")["summary"].take(), told)
}

#[test]
fn engines_agree_and_it_is_told() {
    for (engine, other) in [("cpu", "reference"), ("cpu", "cpu:scalar"), ("reference", "cpu")] {
        let (summary, told) = summary(&["--frames", "12", "--engine", engine, "--check", other]);
        let check = &summary["check"];
        assert_eq!((&check["engine"], &check["differ"]), (&other.into(), &0.into()), "{check}");
        let frames = check["frames"].as_u64().expect("a number");
        assert!((1..=12).contains(&frames) && check["first"].is_null() && summary["frames"] == 12, "{check}");
        let sentence = format!("checked with {other}: none differs");
        assert!(told.lines().any(|line| line.ends_with(&sentence)), "{told}");
    }
    assert!(summary(&["--frames", "3"]).0.get("check").is_none());
}

#[test]
fn predictions_are_those_of_an_unchecked_run() {
    let predictions = |more: &[&str]| {
        let arguments = ["run", "--headless", "--source", "demo:4", "--frames", "20", "--json"];
        let output = ernscope(&[&arguments, more].concat());
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        let top = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["top"].take();
        lines.lines().take(20).map(top).collect::<Vec<_>>()
    };
    assert_eq!(predictions(&[]), predictions(&["--check", "cpu:scalar"]));
}

#[test]
fn an_engine_that_cannot_check_is_refused() {
    let refused = |arguments: &[&str]| {
        let output = ernscope(&[&["run", "--headless", "--frames", "3"], arguments].concat());
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.stdout.is_empty() && told.lines().count() == 1, "{told}");
        (output.status.code(), told)
    };
    for [engine, other] in [["cpu", "cpu"], ["reference", "reference"], ["cpu:scalar", "cpu:scalar"]] {
        let (status, told) = refused(&["--engine", engine, "--check", other]);
        assert!(status == Some(2) && told.contains("name another engine, such as"), "{told}");
    }
    assert_eq!(refused(&["--check", "cpu"]).0, Some(2), "the default engine is named again");
    assert_eq!(refused(&["--check", "nonsense"]).0, Some(2));
    let (status, told) = refused(&["--check", "fpga:/dev/null"]);
    assert!(status == Some(1) && told.contains(": "), "{told}");
}
