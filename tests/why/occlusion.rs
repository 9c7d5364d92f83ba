//! `inspect --occlusion`: the drops are what `classify` says of pictures that are covered here.

use crate::ernscope;
use crate::folder::Folder;
use serde_json::Value;

const EDGE: usize = 64;

fn lines(arguments: &[&str]) -> Vec<Value> {
    let output = ernscope(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A frame of the demo, of the network's size: taken byte for byte.
fn frame(folder: &Folder) -> Vec<u8> {
    let output = ernscope(&["render", "--seed", "3", "--frames", "2"]);
    let header = output.stdout.iter().position(|byte| *byte == b'\n').expect("a line");
    let record = 4 + EDGE * EDGE * 3;
    let rgb = output.stdout[header + 1 + record + 4..][..EDGE * EDGE * 3].to_vec();
    save(folder, "whole.png", &rgb);
    rgb
}

fn save(folder: &Folder, name: &str, rgb: &[u8]) -> String {
    let path = folder.path().join(name);
    image::save_buffer(&path, rgb, EDGE as u32, EDGE as u32, image::ColorType::Rgb8).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn drops_are_what_classify_says_of_covered_pictures() {
    let folder = Folder::new();
    let whole = frame(&folder);
    let picture = folder.path().join("whole.png").to_str().expect("UTF-8").to_owned();
    for (patch, stride, across) in [(16, 8, 7), (24, 15, 4)] {
        let (patch_text, stride_text) = (patch.to_string(), stride.to_string());
        let numbers = ["--patch", &patch_text, "--stride", &stride_text];
        let objects = lines(&[&["inspect", "--occlusion", "--json"], &numbers[..], &[&picture]].concat());
        let [object] = &objects[..] else { panic!("one line, not {}", objects.len()) };
        let mut keys: Vec<&String> = object.as_object().expect("an object").keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, ["drops", "fill", "label", "p", "patch", "stride"]);
        assert_eq!(
            (&object["patch"], &object["stride"], &object["fill"]),
            (&patch.into(), &stride.into(), &"grey".into())
        );

        let starts: Vec<usize> = (0..across).map(|i| (i * stride).min(EDGE - patch)).collect();
        let mut files = vec![picture.clone()];
        for (&top, &left) in starts.iter().flat_map(|top| starts.iter().map(move |left| (top, left))) {
            let mut covered = whole.clone();
            for y in top..top + patch {
                covered[(y * EDGE + left) * 3..(y * EDGE + left + patch) * 3].fill(128);
            }
            files.push(save(&folder, &format!("{top}-{left}.png"), &covered));
        }
        let mut arguments = vec!["classify", "--json", "--top", "33"];
        arguments.extend(files.iter().map(String::as_str));
        let classified = lines(&arguments);
        assert_eq!(classified[0]["top"][0]["label"], object["label"]);
        let p = |line: &Value| {
            let top = line["top"].as_array().expect("a list");
            top.iter().find(|one| one["label"] == object["label"]).and_then(|one| one["p"].as_f64()).expect("its p")
        };
        assert!((p(&classified[0]) - object["p"].as_f64().expect("a number")).abs() <= 1e-6);
        let drops: Vec<Vec<f64>> = serde_json::from_value(object["drops"].clone()).expect("rows of numbers");
        assert!(drops.len() == across && drops.iter().all(|row| row.len() == across));
        for (drop, covered) in drops.iter().flatten().zip(&classified[1..]) {
            assert!((drop - (p(&classified[0]) - p(covered))).abs() <= 1e-6, "{drop}, {covered}");
        }
        assert!(drops.iter().flatten().any(|drop| drop.abs() > 1e-3), "something counts: {drops:?}");
    }
}

#[test]
fn blurred_it_is_another_map_and_every_engine_has_the_same() {
    let folder = Folder::new();
    frame(&folder);
    let picture = folder.path().join("whole.png").to_str().expect("UTF-8").to_owned();
    let seen = folder.path().join("seen.png").to_str().expect("UTF-8").to_owned();
    let map = |engine: &str, fill: &str| {
        let arguments = ["--patch", "24", "--stride", "20", "--json", "--png", &seen, &picture];
        lines(&[&["inspect", "--occlusion", "--engine", engine, "--fill", fill][..], &arguments].concat()).remove(0)
    };
    let grey = map("cpu", "grey");
    let blurred = map("cpu", "blur");
    assert_eq!((&blurred["fill"], &blurred["p"]), (&"blur".into(), &grey["p"]));
    assert_ne!(blurred["drops"], grey["drops"]);
    assert_eq!(map("reference", "blur"), blurred);
    assert_eq!(image::open(&seen).expect("a picture").to_rgb8().dimensions(), (512, 512));
    let text = String::from_utf8(ernscope(&["inspect", "--occlusion", &picture]).stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 2 + 1 + 7, "{text}");
    assert!(text.lines().next().is_some_and(|line| line.contains(grey["label"].as_str().expect("a label"))), "{text}");
}

#[test]
fn patches_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    frame(&folder);
    let picture = folder.path().join("whole.png").to_str().expect("UTF-8").to_owned();
    let refused = |status: i32, arguments: &[&str], words: &[&str]| {
        let output = ernscope(&[&["inspect", "--occlusion"], arguments, &[&picture]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(status), 1), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty() && words.iter().all(|word| stderr.contains(word)), "{arguments:?}: {stderr}");
    };
    for value in ["0", "-1", "65536", "eight", "1e3"] {
        refused(2, &[&format!("--patch={value}")], &["--patch"]);
        refused(2, &[&format!("--stride={value}")], &["--stride"]);
    }
    refused(2, &["--fill", "black"], &["grey", "blur"]);
    refused(1, &["--patch", "65"], &["65×65", "64×64", "smaller patch"]);
    refused(1, &["--patch", "65535"], &["smaller patch"]);
    refused(1, &["--size", "320", "--patch", "1", "--stride", "1"], &["102400 patches", "larger stride"]);
}
