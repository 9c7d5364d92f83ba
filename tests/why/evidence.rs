//! `inspect --evidence`: the cells of a class are its logit, on every engine, of every network.

use crate::folder::Folder;
use crate::{ernscope, skipped};
use ernscope::engine::cpu::Level;
use ernscope::network::shipped::SHIPPED;
use safetensors::SafeTensors;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What is printed as one object on one line.
fn object(arguments: &[&str]) -> Value {
    let output = ernscope(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// Frames of the demo as PNG files.
fn pictures(folder: &Folder, count: usize) -> Vec<String> {
    let path = folder.path().to_str().expect("UTF-8");
    assert!(ernscope(&["render", "--seed", "18", "--frames", &count.to_string(), "--png", path]).status.success());
    let entries = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<String> =
        entries.map(|path| path.to_str().expect("UTF-8").to_owned()).filter(|path| path.ends_with(".png")).collect();
    files.sort();
    files
}

fn engines() -> Vec<String> {
    let levels = Level::ALL.into_iter().filter(|level| level.is_available());
    ["reference".to_owned()].into_iter().chain(levels.map(|level| format!("cpu:{level}"))).collect()
}

/// The label that evidence is told of, and how far scale × Σ cells ÷ positions is from its `logit`.
fn asked(model: &[&str], engine: &str, label: &str, picture: &str) -> (String, f64, f64) {
    let rest = ["--engine", engine, "--evidence", label, "--json", picture];
    let object = object(&[&["inspect", "--model"], model, &rest].concat());
    let mut keys: Vec<&String> = object.as_object().expect("an object").keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["cells", "edge", "label", "logit", "scale"]);
    let edge: Vec<usize> = serde_json::from_value(object["edge"].clone()).expect("two numbers");
    let cells: Vec<Vec<i64>> = serde_json::from_value(object["cells"].clone()).expect("rows of whole numbers");
    assert!(edge.len() == 2 && cells.len() == edge[0] && cells.iter().all(|row| row.len() == edge[1]));
    let sum: i64 = cells.iter().flatten().sum();
    let scale = object["scale"].as_f64().expect("a number");
    let logit = object["logit"].as_f64().expect("a number");
    let from_cells = scale * sum as f64 / (edge[0] * edge[1]) as f64;
    assert!((from_cells - logit).abs() <= 1e-4, "{model:?} on {engine}, {label}: {from_cells}, {logit}");
    (object["label"].as_str().expect("a text").to_owned(), from_cells, logit)
}

#[test]
fn cells_are_the_logits_that_classify_prints() {
    let folder = Folder::new();
    let picture = &pictures(&folder, 1)[0];
    let check = |name: &str| {
        for engine in engines() {
            let classified = object(&["classify", "--model", name, "--engine", &engine, "--json", "--logits", picture]);
            let network = SHIPPED.iter().find(|shipped| shipped.name == name).expect("shipped").load().expect("ours");
            let likeliest = classified["top"][0]["label"].as_str().expect("a label");
            let last = network.labels().last().expect("a label");
            for (label, is) in
                [("-", likeliest), (last, last), (&network.labels()[7].to_uppercase(), &network.labels()[7])]
            {
                let (told, from_cells, _) = asked(&[name], &engine, label, picture);
                assert_eq!(told, is);
                let class = network.labels().iter().position(|own| own == is).expect("a label");
                let logit = classified["logits"][class].as_f64().expect("a number");
                assert!((from_cells - logit).abs() <= 1e-4, "{name} on {engine}, {is}: {from_cells}, {logit}");
            }
        }
    };
    std::thread::scope(|scope| {
        for shipped in &SHIPPED {
            scope.spawn(|| check(shipped.name));
        }
    });
}

/// The logits are those that the published implementation computed.
fn golden(name: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    if !source.is_dir() {
        return skipped::skip("golden vectors", "../shared/golden is not there");
    }
    let work = Folder::new();
    let packed = fs::File::open(source.join(format!("{name}.ckpt.zst"))).expect("there");
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(packed).expect("a zstd file");
    let checkpoint = work.path().join(format!("{name}.ckpt"));
    std::io::copy(&mut decoder, &mut fs::File::create(&checkpoint).expect("created")).expect("unpacked");
    let model = work.path().join("model.safetensors");
    let [checkpoint, model] = [&checkpoint, &model].map(|path| path.to_str().expect("UTF-8"));
    assert!(ernscope(&["import", checkpoint, "-o", model]).status.success());

    let expected = fs::read(source.join(format!("{name}.golden.safetensors"))).expect("there");
    let expected = SafeTensors::deserialize(&expected).expect("a safetensors file");
    let input = expected.tensor("input").expect("an input");
    let edge = input.shape()[2];
    let rgb: Vec<u8> = (0..edge * edge * 3).map(|at| input.data()[at % 3 * edge * edge + at / 3]).collect();
    let picture = work.path().join("input.png");
    image::save_buffer(&picture, &rgb, edge as u32, edge as u32, image::ColorType::Rgb8).expect("written");
    let logits = expected.tensor("logits").expect("logits");
    let logits: Vec<f32> = logits.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    for engine in engines() {
        for class in [0, 500, 999] {
            let label = format!("class {class}");
            let (told, from_cells, _) =
                asked(&[model, "--size", &edge.to_string()], &engine, &label, picture.to_str().expect("UTF-8"));
            assert_eq!(told, label);
            let logit = f64::from(logits[class]);
            assert!((from_cells - logit).abs() <= 1e-4, "{name} on {engine}, {label}: {from_cells}, {logit}");
        }
    }
}

#[test]
fn cells_of_golden_erns18_are_its_logits() {
    golden("erns18-64");
}

#[test]
fn cells_of_golden_erns50_are_its_logits() {
    golden("erns50-64");
}

#[test]
fn the_answer_can_be_read_and_seen() {
    let folder = Folder::new();
    let picture = &pictures(&folder, 1)[0];
    let seen = folder.path().join("seen.png");
    let output = ernscope(&["inspect", "--evidence", "-", "--png", seen.to_str().expect("UTF-8"), picture]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (label, ..) = asked(&["cards"], "cpu", "-", picture);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("cards on cpu:") && lines[0].ends_with(&format!(": {label}")), "{text}");
    assert!(lines[1].starts_with("logit "), "{text}");
    let cells = object(&["inspect", "--evidence", "-", "--json", picture])["cells"].clone();
    let cells: Vec<Vec<i64>> = serde_json::from_value(cells).expect("whole numbers");
    let printed: Vec<Vec<i64>> = lines[lines.len() - cells.len()..]
        .iter()
        .map(|line| line.split_whitespace().map(|cell| cell.parse().expect("a number")).collect())
        .collect();
    assert_eq!(printed, cells);
    let picture = image::open(seen).expect("a picture").to_rgb8();
    assert_eq!(picture.dimensions(), (512, 512));
    let [speaks_for, speaks_against] = [1, -1].map(|sign| cells.iter().flatten().any(|cell| cell * sign > 0));
    assert_eq!(picture.pixels().any(|pixel| pixel[0] > pixel[2]), speaks_for);
    assert_eq!(picture.pixels().any(|pixel| pixel[2] > pixel[0]), speaks_against);
}

#[test]
fn what_cannot_be_asked_is_told() {
    let folder = Folder::new();
    let picture = folder.path().join("grey.png");
    image::save_buffer(&picture, &[128; 64 * 64 * 3], 64, 64, image::ColorType::Rgb8).expect("written");
    let picture = picture.to_str().expect("UTF-8");
    let refused = |status: i32, arguments: &[&str], words: &[&str]| {
        let output = ernscope(&[&["inspect"], arguments, &[picture]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(status), 1), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty() && words.iter().all(|word| stderr.contains(word)), "{arguments:?}: {stderr}");
    };
    refused(1, &["--evidence", "submarine"], &["`submarine`", "33 labels of cards", "name one of them", "`apple`"]);
    refused(1, &["--evidence", ""], &["33 labels"]);
    let long = "x".repeat(100_000);
    refused(1, &["--evidence", &long], &["33 labels"]);
    refused(1, &["--evidence", "-", "--png", "/no/such/folder/x.png"], &["/no/such/folder/x.png", "room"]);
    refused(1, &["--evidence", "-", "--png", "/dev/full"], &["/dev/full", "room"]);
    refused(2, &["--evidence", "-", "--occlusion"], &["cannot be used with"]);
    refused(2, &["--evidence", "-", "--dump", "x"], &["cannot be used with"]);
    refused(2, &["--png", "x.png"], &["--evidence"]);
    refused(2, &["--evidence", "-", "--patch", "8"], &["--patch"]);
}
