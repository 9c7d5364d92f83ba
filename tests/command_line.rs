//! The command line's contract, on the binary.

use ernscope::engine::cpu::Level;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn ernscope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ernscope")).args(arguments).output().expect("the binary runs")
}

fn stdout(arguments: &[&str]) -> String {
    let output = ernscope(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json_lines(arguments: &[&str]) -> Vec<Value> {
    stdout(arguments).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Frames of the demo as PNG files.
fn pictures(folder: &Path, count: usize) -> Vec<String> {
    let path = folder.to_str().expect("UTF-8");
    stdout(&["render", "--seed", "77", "--frames", &count.to_string(), "--png", path]);
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path().to_str().expect("UTF-8").to_owned())
        .filter(|path| path.ends_with(".png"))
        .collect();
    files.sort();
    assert_eq!(files.len(), count);
    files
}

#[test]
fn headless_json_is_the_contract_and_repeats() {
    let arguments = ["--headless", "--source", "demo:5", "--frames", "90", "--json"];
    let lines = json_lines(&arguments);
    assert_eq!(lines.len(), 91);
    for (i, line) in lines[..90].iter().enumerate() {
        assert_eq!(line["frame"], i);
        assert!(line["infer_ms"].as_f64().expect("a number") > 0.0);
        assert!(line["source_ms"].is_number() && line["truth"].is_string());
        let top = line["top"].as_array().expect("a list");
        let sorted = top.windows(2).all(|pair| pair[0]["p"].as_f64() >= pair[1]["p"].as_f64());
        assert!(sorted && top.len() == 5 && top[0]["label"].is_string());
    }
    let summary = &lines[90]["summary"];
    let right = lines[..90].iter().filter(|line| line["top"][0]["label"] == line["truth"]).count();
    assert_eq!(summary["frames"], 90);
    assert_eq!((summary["dropped"].as_u64(), summary["left_out"].as_u64()), (Some(0), Some(0)));
    assert_eq!(summary["accuracy"].as_f64().expect("a number"), right as f64 / 90.0);
    assert!(summary["infer_ms"]["p95"].as_f64() >= summary["infer_ms"]["p50"].as_f64());

    let predictions = |lines: &[Value]| lines.iter().map(|l| l["top"].to_string()).collect::<Vec<_>>();
    assert_eq!(predictions(&json_lines(&arguments)), predictions(&lines), "the same seed gives the same predictions");
    let other = json_lines(&["--headless", "--source", "demo:6", "--frames", "90", "--json"]);
    assert_ne!(predictions(&other), predictions(&lines), "another seed gives others");
}

#[test]
fn a_folder_is_read_once_without_loss() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    pictures(folder.path(), 7);
    let path = folder.path().to_str().expect("UTF-8");
    let lines = json_lines(&["run", "--headless", "--source", path, "--frames", "100", "--json"]);
    assert_eq!(lines.len(), 8, "the source ended: summary and exit 0");
    assert_eq!(lines[7]["summary"]["frames"], 7);
    assert!(lines[7]["summary"].get("accuracy").is_none(), "no truth is known");
}

#[test]
fn a_damaged_picture_of_a_folder_is_left_out_and_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    pictures(folder.path(), 3);
    // Before and after the good ones; the ending is that of a JPEG.
    for name in ["00.jfif", "zz.jpe"] {
        std::fs::write(folder.path().join(name), b"\xff\xd8\xff no picture").expect("writes");
    }
    let path = folder.path().to_str().expect("UTF-8");
    let lines = json_lines(&["run", "--headless", "--source", path, "--json"]);
    assert_eq!(lines.len(), 4, "three pictures, the summary, exit 0");
    assert_eq!((&lines[3]["summary"]["frames"], &lines[3]["summary"]["left_out"]), (&3.into(), &2.into()));
    let output = ernscope(&["run", "--headless", "--source", path]);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && stdout.contains(", 2 pictures left out, "), "{stdout}");
}

#[test]
fn classify_prints_a_line_an_image() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = pictures(folder.path(), 3);
    let mut arguments = vec!["classify", "--json", "--logits", "--top", "3"];
    arguments.extend(files.iter().map(String::as_str));
    let lines = json_lines(&arguments);
    assert_eq!(lines.len(), 3);
    for (line, file) in lines.iter().zip(&files) {
        assert_eq!(line["image"], file.as_str());
        assert_eq!(line["top"].as_array().expect("a list").len(), 3);
        let logits: Vec<f64> = line["logits"].as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
        assert_eq!(logits.len(), 33);
        let sum: f64 = logits.iter().map(|x| x.exp()).sum();
        let best = logits.iter().copied().fold(f64::MIN, f64::max);
        assert!((best.exp() / sum - line["top"][0]["p"].as_f64().expect("a number")).abs() < 1e-4);
    }
}

/// The most threads that the program has while it classifies pictures that are worth sharing.
fn most_threads(threads: &str, pictures: &[&str]) -> u64 {
    let arguments = [&["classify", "--threads", threads], pictures].concat();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ernscope"));
    let mut child = command.args(arguments).stdout(Stdio::null()).spawn().expect("the binary runs");
    let tasks = format!("/proc/{}/task", child.id());
    let mut most = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it runs") {
            break status;
        }
        most = most.max(std::fs::read_dir(&tasks).map_or(0, |tasks| tasks.count() as u64));
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(status.success());
    most
}

#[test]
fn one_thread_is_one_thread() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("large.bmp");
    image::RgbImage::from_pixel(1280, 720, image::Rgb([9, 99, 199])).save(&path).expect("written");
    let pictures = [path.to_str().expect("UTF-8"); 60];
    assert_eq!(most_threads("1", &pictures), 1);
    // Seen with two, so that they would have been seen with one.
    assert!(most_threads("2", &pictures) > 1);
}

#[test]
fn a_picture_of_the_inputs_size_is_taken_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let picture = folder.path().join("noise.png");
    let dump = folder.path().join("dump.safetensors");
    let rgb: Vec<u8> = (0..64 * 64 * 3_u32).map(|i| (i * i % 253) as u8).collect();
    image::save_buffer(&picture, &rgb, 64, 64, image::ColorType::Rgb8).expect("written");
    let (picture, dump) = (picture.to_str().expect("UTF-8"), dump.to_str().expect("UTF-8"));
    let document = json_lines(&["inspect", "--json", "--dump", dump, picture]);
    assert_eq!(document[0]["size"], 64);

    let bytes = std::fs::read(dump).expect("dumped");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let codes = tensors.tensor("activation.pixel_embedding").expect("the embedding is there");
    let network = ernscope::network::ModelChoice::Shipped("cards").load().expect("shipped");
    let ernscope::network::Op::PixelEmbedding(table) = &network.layers()[0].op else {
        panic!("cards starts with a pixel embedding");
    };
    let depth = table.depth();
    assert_eq!(codes.shape(), [1, 3 * depth, 64, 64]);
    for (at, &code) in codes.data().iter().enumerate() {
        let (channel, pixel) = (at / 4096, at % 4096);
        let byte = rgb[pixel * 3 + channel / depth];
        assert_eq!(code, table.row(channel / depth, byte)[channel % depth]);
    }
    assert_eq!(tensors.tensor("logits").expect("there").shape(), [1, 33]);
    for layer in network.layers().iter().filter(|layer| layer.op.makes_codes()) {
        assert!(tensors.tensor(&format!("activation.{}", layer.name)).is_ok(), "{} is missing", layer.name);
    }
}

#[test]
fn engines_agree_on_shipped_networks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = pictures(folder.path(), 20);
    let levels: Vec<Level> = Level::ALL.into_iter().filter(|level| level.is_available()).collect();
    let (fastest, others) = levels.split_last().expect("a level");
    let others = others.iter().map(|level| format!("cpu:{level}")).chain(["reference".to_owned()]);
    let pairs: Vec<String> = others.map(|other| format!("cpu:{fastest},{other}")).collect();
    let agree_on = |name: &str| {
        for engines in &pairs {
            let mut arguments = vec!["diff", "--engines", engines, "--model", name];
            arguments.extend(files.iter().map(String::as_str));
            let text = stdout(&arguments);
            assert_eq!(text.lines().count(), 20);
            assert!(text.lines().all(|line| line.ends_with(": identical")), "{text}");
        }
    };
    std::thread::scope(|scope| {
        for shipped in &ernscope::network::shipped::SHIPPED {
            scope.spawn(|| agree_on(shipped.name));
        }
    });
}

/// A board that holds a network is told with three first layers, one that does not with the layer.
#[test]
fn bench_tells_boards_by_first_layer() {
    let document =
        &json_lines(&["bench", "--boards", "--json", "--threads", "1", "--model", "cards", "--model", "objects"])[0];
    let [ulx3s, kv260] = [0, 1].map(|board| &document["boards"][board]);
    assert_eq!((ulx3s["board"].as_str(), kv260["board"].as_str()), (Some("ULX3S"), Some("KV260")));
    let [cards, objects] = [0, 1].map(|network| &ulx3s["networks"][network]);
    let kinds = cards["first_layers"].as_array().expect("a list").iter().map(|bench| bench["first_layer"].as_str());
    assert_eq!(kinds.flatten().collect::<Vec<_>>(), ["pixel_embedding", "bit_planes", "float"]);
    let rates = cards["first_layers"].as_array().expect("a list").iter().map(|bench| bench["frames_per_s"].as_f64());
    let rates: Vec<f64> = rates.flatten().collect();
    assert!(rates.len() == 3 && rates[1] < rates[0], "{rates:?}");
    let error = objects["error"].as_str().expect("it is too large");
    assert!(error.contains("`pixel_embedding` does not fit the board"), "{error}");

    for wrong in [&["--engine", "reference"][..], &["--model", "cards-float-input"], &["--compare"]] {
        let output = ernscope(&[&["bench", "--boards"], wrong].concat());
        assert!(!output.status.success(), "{wrong:?}");
    }
}

#[test]
fn bench_prints_layers_and_twins() {
    let document = &json_lines(&["bench", "--json", "--threads", "1", "--model", "cards"])[0];
    let model = &document["models"][0];
    for key in ["name", "engine", "size", "threads", "gmac", "median_ms", "min_ms", "gmac_per_s", "peak_bytes"] {
        assert!(!model[key].is_null(), "{key} is missing");
    }
    for key in ["name", "ms", "gmac_per_s", "kernel"] {
        assert!(!model["layers"][1][key].is_null(), "{key} of a layer is missing");
    }
    let twins = &document["twins"][0];
    let ratio = twins["float_input_ms"].as_f64().expect("a number") / twins["embedded_ms"].as_f64().expect("a number");
    assert_eq!(twins["family"], "cards");
    assert!((ratio / twins["ratio"].as_f64().expect("a number") - 1.0).abs() < 1e-3);
}

/// The pictures of `folder`, sorted into a folder a class by the table beside them.
fn sort_by_class(folder: &Path) {
    let table = std::fs::read_to_string(folder.join("truth.csv")).expect("a table");
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let class = folder.join("classes").join(cells[2]);
        std::fs::create_dir_all(&class).expect("made");
        std::fs::rename(folder.join(cells[0]), class.join(cells[0])).expect("moved");
    }
}

#[test]
fn eval_counts_what_classify_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = pictures(folder.path(), 60);
    let mut arguments = vec!["classify", "--json", "--top", "5"];
    arguments.extend(files.iter().map(String::as_str));
    let lines = json_lines(&arguments);
    sort_by_class(folder.path());
    let table = std::fs::read_to_string(folder.path().join("truth.csv")).expect("a table");
    let truths: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split(',').nth(2)).collect();
    let ranked = |line: &Value, truth: &str| {
        line["top"].as_array().and_then(|top| top.iter().position(|class| class["label"] == truth))
    };
    let ranks: Vec<usize> = lines.iter().zip(&truths).filter_map(|(line, truth)| ranked(line, truth)).collect();

    let classes = folder.path().join("classes");
    let document = &json_lines(&["eval", "--json", "--data", classes.to_str().expect("UTF-8")])[0];
    let top1 = ranks.iter().filter(|&&rank| rank == 0).count();
    assert_eq!(document["images"], 60);
    assert_eq!(document["top1_count"], top1);
    assert_eq!(document["top1"].as_f64().expect("a number"), top1 as f64 / 60.0);
    assert_eq!(document["top5"].as_f64().expect("a number"), ranks.len() as f64 / 60.0);
    assert!(top1 > 48, "the shipped network gets {top1} of 60 right");

    let data = ["eval", "--data", classes.to_str().expect("UTF-8")];
    let ten = stdout(&[&data[..], &["--resize", "72", "--crop", "64", "--ten-crop"]].concat());
    assert!(ten.contains("60 pictures") && ten.contains("top-1"), "{ten}");
    let small = ernscope(&[&data[..], &["--resize", "32"]].concat());
    assert_eq!(small.status.code(), Some(1), "what is cut out must fit");
}

#[test]
fn models_and_doctor_tell() {
    let models = stdout(&["models"]);
    assert!(models.contains("cards: 33 classes") && models.contains("cards-float-input: 33 classes"));
    let doctor = stdout(&["doctor"]);
    assert!(doctor.contains("best level") && doctor.contains("cameras:") && doctor.contains("graphics:"));
}
