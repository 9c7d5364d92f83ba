//! `ernscope inspect --moments` against brute force, and what it refuses.

use super::ernscope;
use ernscope::engine::Engine;
use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::frame::InputImage;
use ernscope::inspect::{LayerValues, Sampler};
use ernscope::network::ModelChoice;
use ernscope::preprocess::Preprocessor;
use ernscope::source::read_picture;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One line on stderr, and an exit status.
fn refused(arguments: &[&str]) -> (String, Option<i32>) {
    let output = ernscope(arguments);
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.stdout.is_empty() && text.lines().count() == 1, "{arguments:?}: {text}");
    (text, output.status.code())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Frames of the demo, half of them in a folder of their own, in the order in which folders are read.
fn pictures(folder: &Path, count: usize) -> Vec<PathBuf> {
    let rendered = ernscope(&["render", "--seed", "5", "--frames", &count.to_string(), "--png", text(folder)]);
    assert!(rendered.status.success());
    let files = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "png")).collect();
        files.sort();
        files
    };
    let inner = folder.join("0 inside");
    fs::create_dir(&inner).expect("a folder");
    for path in files(folder).iter().step_by(2) {
        fs::rename(path, inner.join(path.file_name().expect("a name"))).expect("moved");
    }
    [files(&inner), files(folder)].concat()
}

/// The picture's number, row, column.
type Place = (usize, usize, usize);

/// The nine strongest moments of each channel, by looking at everything.
fn brute_force(model: &str, layer: &str, pictures: &[PathBuf]) -> Vec<Vec<(f64, Place)>> {
    let Ok(choice) = model.parse::<ModelChoice>();
    let network = Arc::new(choice.load().expect("ours"));
    let layer = network.layers().iter().position(|known| known.name == layer).expect("a layer");
    let shape = network.shapes(network.edge())[layer];
    let mut engine =
        CpuEngine::new(network.clone(), network.edge(), Level::Scalar, 1).expect("a level of every machine");
    let mut input = InputImage::black(network.edge());
    let mut all = vec![Vec::new(); shape.channels];
    for (number, path) in pictures.iter().enumerate() {
        let picture = read_picture(path).expect("a picture");
        Preprocessor::new(1).run(&picture.rgb, picture.width, picture.height, &mut input).expect("a good one");
        let mut sampler = Sampler::new(&network, layer);
        engine.run_probed(&input, &mut sampler).expect("the size fits");
        // Its sums, or its codes where it has none.
        let LayerValues { codes, sums, .. } = sampler.detail();
        let value = |at| sums.get(at).or_else(|| codes.get(at).map(|&code| code.into())).expect("shown");
        let values: Vec<f64> = (0..shape.channels * shape.edge * shape.edge).map(value).collect();
        for (channel, values) in values.chunks_exact(shape.edge * shape.edge).enumerate() {
            let mut of_picture: Vec<(f64, Place)> = Vec::new();
            for (at, &value) in values.iter().enumerate() {
                of_picture.push((value, (number, at / shape.edge, at % shape.edge)));
            }
            of_picture.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            all[channel].push(of_picture[0]);
        }
    }
    for moments in &mut all {
        moments.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        moments.truncate(9);
    }
    all
}

/// Has the program and brute force look at the same files.
fn equal_brute_force(folder: &Path, files: &[PathBuf], (model, layer): (&str, &str)) {
    let output = ernscope(&["inspect", "--moments", text(folder), "--model", model, "--layer", layer, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = brute_force(model, layer, files);
    let lines: Vec<Value> =
        output.stdout.split(|&b| b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(lines.len(), expected.len(), "{model}, {layer}");
    for (channel, (line, expected)) in lines.iter().zip(&expected).enumerate() {
        assert_eq!(line["channel"], channel);
        let found = line["moments"].as_array().expect("a list").iter().map(|moment| {
            let image = files.iter().position(|path| moment["image"] == text(path)).expect("one of ours");
            let at = |i: usize| moment["at"][i].as_u64().expect("a number") as usize;
            (moment["value"].as_f64().expect("a number"), (image, at(0), at(1)))
        });
        let found: Vec<(f64, Place)> = found.collect();
        // What reads JSON may miss the last bit of a float.
        let same = |(a, b): (&(f64, Place), &(f64, Place))| (a.0 - b.0).abs() < 1e-9 && a.1 == b.1;
        let all = found.len() == expected.len() && found.iter().zip(expected).all(same);
        assert!(all, "{model}, {layer}, channel {channel}: {found:?}, and not {expected:?}");
    }
}

#[test]
fn moments_equal_brute_force() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = pictures(folder.path(), 40);
    for case in [
        ("cards", "pixel_embedding"),
        ("cards", "backbone.act1"),
        ("cards", "backbone.layer1.1.conv2"),
        ("cards", "conv"),
        ("cards-float-input", "backbone.act1"),
    ] {
        equal_brute_force(folder.path(), &files, case);
    }
}

#[test]
fn one_channel_and_its_sheet_with_a_picture_left_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = pictures(folder.path(), 4);
    fs::write(folder.path().join("broken.png"), b"no picture").expect("written");
    let sheet = folder.path().join("sheet.data");
    let layer = ["--layer", "backbone.act1", "--channel", "3"];
    let arguments =
        [&["inspect", "--moments", text(folder.path()), "--json", "--png", text(&sheet)][..], &layer].concat();
    let output = ernscope(&arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.lines().count() == 1, "{told}");
    assert!(told.contains("1 picture is left out: broken.png"), "{told}");
    let line: Value = serde_json::from_slice(&output.stdout).expect("one line");
    assert_eq!((line["channel"].as_u64(), line["moments"].as_array().map(Vec::len)), (Some(3), Some(files.len())));
    let sheet = image::load_from_memory(&fs::read(sheet).expect("written")).expect("a PNG").to_rgb8();
    // The patches of that layer are 3×3 pixels, enlarged: the middle of the first one is the pixel that the position is at.
    let moment = &line["moments"][0];
    let at = |i: usize| moment["at"][i].as_u64().expect("a number") as u32;
    let picture = read_picture(Path::new(moment["image"].as_str().expect("a path"))).expect("a picture");
    let mut input = InputImage::black(64);
    Preprocessor::new(1).run(&picture.rgb, picture.width, picture.height, &mut input).expect("a good one");
    let stride = 64 / backbone_edge();
    let [y, x] = [at(0) * stride, at(1) * stride];
    let place = ((y * 64 + x) * 3) as usize;
    let times = (sheet.height() - 4) / 3;
    // At the upper and the left border the patch has a row or a column less.
    let middle = |at: u32| 2 + times * u32::from(at > 0) + times / 2;
    assert_eq!(sheet.get_pixel(middle(x), middle(y)).0[..], input.rgb()[place..place + 3]);
}

/// Positions a side of the first activation of `cards`.
fn backbone_edge() -> u32 {
    let Ok(choice) = "cards".parse::<ModelChoice>();
    let network = choice.load().expect("ours");
    let layer = network.layers().iter().position(|layer| layer.name == "backbone.act1").expect("a layer");
    network.shapes(64)[layer].edge as u32
}

#[test]
fn what_cannot_be_asked_is_refused_in_a_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = text(folder.path()).to_owned();
    let ask = |more: &[&str]| refused(&[&["inspect", "--moments", &path], more].concat());
    let (why, status) = ask(&["--layer", "backbone.act1"]);
    assert!(why.contains("holds no pictures: name a folder") && status == Some(1), "{why}");
    fs::write(folder.path().join("a.png"), b"none").expect("written");
    let (why, status) = ask(&["--layer", "backbone.act1"]);
    assert!(why.contains("can be read; 1 picture is left out") && status == Some(1), "{why}");
    let (why, status) = ask(&["--layer", "backbone.none"]);
    assert!(why.contains("no layer `backbone.none`: choose another") && status == Some(1), "{why}");
    let (why, status) = ask(&["--layer", "backbone.act1", "--channel", "64"]);
    assert!(why.contains("no channel 64: name one from 0 to ") && status == Some(1), "{why}");
    // Usage.
    assert_eq!(ask(&[]).1, Some(2));
    assert_eq!(ask(&["--layer", "backbone.act1", "a.png"]).1, Some(2));
    assert_eq!(refused(&["inspect", "--layer", "backbone.act1", "a.png"]).1, Some(2));
    assert_eq!(refused(&["inspect"]).1, Some(2));
    let missing = folder.path().join("none");
    let (why, status) = refused(&["inspect", "--moments", text(&missing), "--layer", "backbone.act1"]);
    assert!(why.contains("): name a folder with PNG, ") && status == Some(1), "{why}");
}
