//! `ernscope diff --isolate`: a block an image, a line a layer.

use crate::ernscope;
use std::path::Path;

fn pictures(folder: &Path) -> Vec<String> {
    let path = folder.to_str().expect("UTF-8");
    assert!(ernscope(&["render", "--seed", "77", "--frames", "2", "--png", path]).status.success());
    let files = std::fs::read_dir(folder).expect("a folder");
    let paths = files.map(|entry| entry.expect("an entry").path().to_str().expect("UTF-8").to_owned());
    let mut pictures: Vec<String> = paths.filter(|path| path.ends_with(".png")).collect();
    pictures.sort();
    pictures
}

#[test]
fn every_layer_of_every_engine_here_is_right() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pictures = pictures(folder.path());
    for (engines, model) in [
        ("cpu,reference", "cards"),
        ("cpu:scalar,reference", "cards"),
        ("reference,cpu", "cards"),
        ("cpu,reference", "cards-float-input"),
    ] {
        let output =
            ernscope(&["diff", "--engines", engines, "--model", model, "--isolate", &pictures[0], &pictures[1]]);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success(), "{engines} {model}: {text}{}", String::from_utf8_lossy(&output.stderr));
        let lines: Vec<&str> = text.lines().collect();
        let (block, rest) = lines.split_at(lines.len() / 2);
        assert_eq!((block[0], rest[0]), (&*format!("{}:", pictures[0]), &*format!("{}:", pictures[1])));
        assert_eq!(block[1..], rest[1..]);
        assert!(block.len() > 20 && block[1..].iter().all(|line| line.starts_with("  ") && line.ends_with(": right")));
    }
}

#[test]
fn an_engine_that_does_not_show_the_truth_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pictures = pictures(folder.path());
    for board in ["fpga:sim", "fpga", "fpga:/dev/null"] {
        let output = ernscope(&["diff", "--engines", &format!("cpu,{board}"), "--isolate", &pictures[0]]);
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(board) && error.contains("let the second engine be reference or cpu"), "{error}");
        assert!(output.stdout.is_empty());
    }
}
