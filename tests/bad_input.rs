//! Rubbish in, one clear line out: exit status 1 (2 for usage), no panic, little memory.

#[path = "common/folder.rs"]
mod folder;
#[path = "common/measured.rs"]
mod measured;

use folder::Folder;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

/// The longest error line, in bytes.
const LONGEST_LINE: usize = 600;

/// Runs the program, which takes little memory.
fn ernscope<A: AsRef<OsStr>>(arguments: &[A]) -> Output {
    measured::ernscope(Path::new("."), arguments)
}

fn refused(arguments: &[&str], status: i32, words: &[&str]) {
    let output = ernscope(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{arguments:?} says more than a line: {stderr}");
    assert!(stderr.starts_with("ernscope: "), "{arguments:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    assert!(stderr.len() <= LONGEST_LINE, "{arguments:?} says {} bytes", stderr.len());
    for word in words {
        assert!(stderr.contains(word), "{arguments:?} does not say `{word}`: {stderr}");
    }
}

fn refused_picture(path: &Path, words: &[&str]) {
    let path = path.to_str().expect("UTF-8");
    refused(&["classify", path], 1, words);
    refused(&["--headless", "--frames", "3", "--source", path], 1, words);
}

fn refused_model(path: &Path, words: &[&str]) {
    let path = path.to_str().expect("UTF-8");
    refused(&["--headless", "--frames", "3", "--source", "demo", "--model", path], 1, words);
}

/// A PNG whose header claims a size and whose pixels are missing.
fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut encoded = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut encoded);
    image::ImageEncoder::write_image(encoder, &[0; 3], 1, 1, image::ExtendedColorType::Rgb8).expect("encodes");
    encoded[16..20].copy_from_slice(&width.to_be_bytes());
    encoded[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&encoded[12..29]);
    encoded[29..33].copy_from_slice(&checksum.to_be_bytes());
    encoded
}

/// Of a PNG chunk (PNG specification, annex D), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

#[test]
fn pictures_that_are_none() {
    let folder = Folder::new();
    refused_picture(Path::new("/no/such/picture.png"), &["does not exist"]);
    refused_picture(&folder.file("empty.png", b""), &["empty"]);
    refused_picture(&folder.file("rubbish.png", b"this is not a picture at all"), &["picture"]);
    refused_picture(&folder.file("rubbish.xyz", &[0x5a; 4096]), &["picture"]);
    refused_picture(&folder.file("claims.png", &png_that_claims(60_000, 60_000)), &["60000×60000", "100 megapixels"]);
    refused_picture(&folder.file("large.png", &png_that_claims(30_000, 30_000)), &["30000×30000", "100 megapixels"]);
    refused(&["classify", folder.path().to_str().expect("UTF-8")], 1, &["folder"]);
    // A row that is longer than all else that a decoder may hold.
    refused_picture(&folder.file("wide.png", &png_that_claims(45_000_000, 1)), &["too much memory", "scale it down"]);
}

#[test]
fn folders_of_broken_and_of_large_pictures() {
    let source = |folder: &Folder, words: &[&str]| {
        let path = folder.path().to_str().expect("UTF-8");
        refused(&["--headless", "--frames", "3", "--source", path], 1, words);
    };
    let folder = Folder::new();
    folder.file("a.png", b"");
    source(&folder, &["a.png is an empty file"]);
    folder.file("b.png", &[0x5a; 4096]);
    folder.file("c.jpg", b"\xff\xd8\xff");
    source(&folder, &["none of the 3 pictures", "a.png is an empty file"]);
    let folder = Folder::new();
    folder.file("large.png", &png_that_claims(10_000, 10_000));
    source(&folder, &["10000×10000", "32 megapixels", "scale it down"]);
}

#[test]
fn pipes_are_not_waited_for() {
    let folder = Folder::new();
    for name in ["pipe.safetensors", "pipe.png", "pipe.y4m", "pipe.mjpeg"] {
        let made = Command::new("mkfifo").arg(folder.path().join(name)).status().expect("mkfifo runs");
        assert!(made.success());
    }
    refused_model(&folder.path().join("pipe.safetensors"), &["regular file"]);
    refused_picture(&folder.path().join("pipe.png"), &["pipe"]);
    for name in ["pipe.y4m", "pipe.mjpeg"] {
        let path = folder.path().join(name);
        refused(&["--headless", "--source", path.to_str().expect("UTF-8")], 1, &["pipe"]);
    }
}

/// Every file that is named on the command line, and those that lie in a named folder.
#[test]
fn no_file_is_waited_for_nor_read_without_end() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let checkpoint = folder.file("net.ckpt", b"PK").to_str().expect("UTF-8").to_owned();
    let made = Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo runs");
    assert!(made.success());
    for endless in [path("pipe").as_str(), "/dev/zero"] {
        refused(&["import", endless, "-o", &path("out")], 1, &[endless, "regular file"]);
        refused(&["import", &checkpoint, "--labels", endless], 1, &[endless, "a device or a pipe"]);
        refused(&["eval", "--data", endless], 1, &[endless, "name a folder"]);
        refused(&["classify", endless], 1, &[endless, "a device or a pipe"]);
        refused_model(Path::new(endless), &["regular file"]);
    }
    let cifar = Folder::new();
    cifar.file("test.bin", &[0; 3074]);
    let made = Command::new("mkfifo").arg(cifar.path().join("fine_label_names.txt")).status().expect("mkfifo runs");
    assert!(made.success());
    let data = cifar.path().to_str().expect("UTF-8");
    refused(&["eval", "--data", data], 1, &["fine_label_names.txt", "a device or a pipe"]);
}

#[test]
fn what_cannot_be_written() {
    let folder = Folder::new();
    let picture = folder.path().join("grey.png");
    image::save_buffer(&picture, &[128; 64 * 64 * 3], 64, 64, image::ColorType::Rgb8).expect("written");
    let picture = picture.to_str().expect("UTF-8");
    refused(&["inspect", "--dump", "/no/such/folder/x", picture], 1, &["/no/such/folder/x", "room"]);
    refused(&["inspect", "--dump", "/dev/full", picture], 1, &["/dev/full", "No space left", "room"]);
    refused(&["render", "--frames", "1", "--png", picture], 1, &["grey.png", "room"]);
    let to_full = |arguments: &str| {
        let script = format!("\"$0\" {arguments}");
        Command::new("bash").args(["-c", &script, env!("CARGO_BIN_EXE_ernscope")]).output().expect("bash runs")
    };
    let output = to_full("models >/dev/full");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("No space left") && stderr.contains("make room") && stderr.lines().count() == 1,
        "{stderr}"
    );
    for arguments in ["classify /no/such/picture", "frobnicate", "--headless --frames 1 --source /no/such/picture"] {
        let status = to_full(&format!("{arguments} 2>/dev/full")).status.code();
        assert!(matches!(status, Some(1 | 2)), "{arguments}: {status:?}");
    }
    assert!(to_full("--headless --frames 1 --source demo >/dev/null 2>/dev/full").status.success());
}

#[test]
fn a_jpeg_that_breaks_off() {
    let mut jpeg = Vec::new();
    let pixels: Vec<u8> = (0..200 * 200 * 3_u32).map(|i| (i * 7 % 251) as u8).collect();
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg)
        .encode(&pixels, 200, 200, image::ExtendedColorType::Rgb8)
        .expect("encodes");
    let folder = Folder::new();
    refused_picture(&folder.file("half.jpg", &jpeg[..jpeg.len() / 2]), &["half.jpg", "damaged"]);
}

#[test]
fn arguments_that_make_no_sense() {
    let demo = ["--headless", "--frames", "3", "--source", "demo"];
    let with = |more: &[&'static str]| demo.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    refused(&with(&["--size", "63"]), 1, &["63", "multiple"]);
    refused(&with(&["--size", "0"]), 1, &["multiple"]);
    refused(&with(&["--size", "1000000"]), 1, &["multiple"]);
    refused(&with(&["--threads", "0"]), 2, &["--threads", "from 1"]);
    refused(&with(&["--engine", "gpu"]), 2, &["gpu", "cpu"]);
    refused(&with(&["--model", "random:vgg"]), 1, &["vgg", "erns18"]);
    refused(&with(&["--model", "nonsense"]), 1, &["nonsense", "cards"]);
    refused(&["--headless", "--source", "demo:x"], 2, &["demo"]);
    refused(&["--headless", "--source", "camera:77"], 1, &["camera"]);
    refused(&["--json"], 2, &["--headless"]);
    refused(&["classify"], 2, &["IMAGE"]);
    for engines in ["cpu", "cpu,cpu,cpu", "", "cpu,"] {
        refused(&["diff", "--engines", engines, "x.png"], 2, &["--engines"]);
    }
    refused(&["diff", "x.png"], 2, &["--engines"]);
    for command in [&["classify", "x.png"][..], &["inspect", "x.png"], &["bench"]] {
        refused(&[command, &["--size", "4096"]].concat(), 1, &["4096", "MB", "layer `", "smaller size"]);
    }
    refused(&["frobnicate"], 2, &["frobnicate"]);
    #[cfg(target_arch = "x86_64")]
    refused(&with(&["--engine", "cpu:neon"]), 1, &["neon"]);
}

/// The smallest network there is: a table of one code a colour, and a classifier of two classes.
fn tiny_document() -> serde_json::Value {
    serde_json::json!({
        "format": 1, "name": "tiny", "family": "tiny", "input": {"edge": 4}, "labels": ["a", "b"],
        "layers": [
            {"name": "table", "kind": "pixel_embedding", "depth": 1},
            {"name": "act", "kind": "conv", "input": "table", "in": 3, "out": 2, "kernel": 1, "stride": 1},
            {"name": "conv", "kind": "classifier", "input": "act", "in": 2, "out": 2}
        ]
    })
}

type Tensors = HashMap<&'static str, (Dtype, Vec<usize>, Vec<u8>)>;

fn tiny_tensors() -> Tensors {
    let thresholds = [[0_i16, 1, 2], [3, 3, 3]].as_flattened().iter().flat_map(|t| t.to_le_bytes()).collect();
    HashMap::from([
        ("table.codes", (Dtype::U8, vec![3, 256, 1], vec![1; 768])),
        ("act.weight", (Dtype::U8, vec![2, 1, 1, 1], vec![5, 2])),
        ("act.thresholds", (Dtype::I16, vec![2, 3], thresholds)),
        ("act.falling", (Dtype::U8, vec![1], vec![0])),
        ("conv.weight", (Dtype::U8, vec![2, 1, 1, 1], vec![1, 2])),
        ("conv.scale", (Dtype::F32, vec![2], [1.0_f32, 0.5].iter().flat_map(|x| x.to_le_bytes()).collect())),
    ])
}

fn model_file(document: &str, tensors: &Tensors) -> Vec<u8> {
    let view = |(name, (dtype, shape, data)): (&&'static str, &(Dtype, Vec<usize>, Vec<u8>))| {
        (name.to_string(), TensorView::new(*dtype, shape.clone(), data).expect("lengths fit").to_owned_view())
    };
    let views = tensors.iter().map(view).collect::<Vec<_>>();
    let metadata = HashMap::from([("ernscope".to_owned(), document.to_owned())]);
    safetensors::serialize(views, Some(metadata)).expect("serializes")
}

/// A view that owns its bytes: the serializer wants them to live as long as the list.
trait OwnedView {
    fn to_owned_view(&self) -> Owned;
}

struct Owned(Dtype, Vec<usize>, Vec<u8>);

impl OwnedView for TensorView<'_> {
    fn to_owned_view(&self) -> Owned {
        Owned(self.dtype(), self.shape().to_vec(), self.data().to_vec())
    }
}

impl safetensors::View for Owned {
    fn dtype(&self) -> Dtype {
        self.0
    }

    fn shape(&self) -> &[usize] {
        &self.1
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        (&self.2).into()
    }

    fn data_len(&self) -> usize {
        self.2.len()
    }
}

fn good_file() -> Vec<u8> {
    model_file(&tiny_document().to_string(), &tiny_tensors())
}

#[test]
fn the_tiny_network_itself_is_accepted() {
    let folder = Folder::new();
    let path = folder.file("tiny.safetensors", &good_file());
    let output =
        ernscope(&["--headless", "--frames", "3", "--source", "demo", "--model", path.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn paths_need_not_be_utf8() {
    let folder = Folder::new();
    let path = folder.path().join(OsStr::from_bytes(b"tiny\xff.safetensors"));
    fs::write(&path, good_file()).expect("written");
    let with = |source: &OsStr| {
        let arguments = ["--headless", "--frames", "1", "--model"].map(OsStr::new);
        ernscope(&[&arguments[..], &[path.as_os_str(), OsStr::new("--source"), source]].concat())
    };
    let output = with(OsStr::new("demo"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = with(OsStr::from_bytes(b"/no/such\xff.png"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("does not exist"), "{stderr}");
}

#[test]
fn containers_that_are_broken() {
    let folder = Folder::new();
    let good = good_file();
    refused_model(folder.path(), &["regular file"]);
    refused_model(&folder.file("empty.safetensors", b""), &["empty"]);
    let others: [&[u8]; 4] =
        [&[0x5a; 4096], b"this is no network at all", &png_that_claims(1, 1), b"PK\x03\x04checkpoint"];
    for bytes in others {
        let words = ["is no safetensors file", "name a .safetensors file", "ernscope import"];
        refused_model(&folder.file("other.safetensors", bytes), &words);
    }
    for cut in [4, 8, 20, good.len() / 2, good.len() - 1] {
        refused_model(&folder.file("cut.safetensors", &good[..cut]), &["safetensors"]);
    }
    refused_model(Path::new("/proc/version"), &["empty"]);
    for length in [1_u64 << 63, u64::MAX, 1 << 40, (4 << 20) + 1] {
        let mut bytes = good.clone();
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        refused_model(&folder.file("length.safetensors", &bytes), &["safetensors"]);
    }
    let overlapping = String::from_utf8_lossy(&good).replace("\"data_offsets\":[768", "\"data_offsets\":[700");
    refused_model(&folder.file("overlap.safetensors", overlapping.as_bytes()), &["safetensors"]);
}

#[test]
fn labels_that_are_not_utf8() {
    let folder = Folder::new();
    let mut bytes = good_file();
    let at = bytes.windows(4).position(|w| w == b"tiny").expect("the name is there");
    bytes[at] = 0xff;
    refused_model(&folder.file("latin.safetensors", &bytes), &["safetensors"]);
}

fn with_document(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut document = tiny_document();
    change(&mut document);
    model_file(&document.to_string(), &tiny_tensors())
}

fn with_tensors(change: impl FnOnce(&mut Tensors)) -> Vec<u8> {
    let mut tensors = tiny_tensors();
    change(&mut tensors);
    model_file(&tiny_document().to_string(), &tensors)
}

#[test]
fn documents_that_make_no_network() {
    let folder = Folder::new();
    let refuse = |bytes: Vec<u8>, words: &[&str]| refused_model(&folder.file("m.safetensors", &bytes), words);
    refuse(with_document(|d| d["format"] = 3.into()), &["version 3"]);
    refuse(with_document(|d| d["labels"] = serde_json::json!(["a"])), &["1 labels", "2 classes"]);
    refuse(with_document(|d| d["input"]["edge"] = 1_000_000.into()), &["1000000"]);
    refuse(with_document(|d| d["layers"][1]["input"] = "elsewhere".into()), &["act", "elsewhere"]);
    refuse(with_document(|d| d["layers"][1]["in"] = 4.into()), &["act", "4"]);
    refuse(with_document(|d| d["layers"][1]["out"] = u64::MAX.into()), &["act"]);
    refuse(with_document(|d| d["layers"][1]["kernel"] = 1_000_000_000.into()), &["act"]);
    refuse(with_document(|d| d["layers"][0]["depth"] = 1_000_000_000_000_u64.into()), &["table"]);
    refuse(model_file("{", &tiny_tensors()), &["metadata"]);
    refuse(with_document(|d| d["layers"] = serde_json::json!([])), &["layers"]);
    let layer = serde_json::json!({"name": "x", "kind": "activation", "channels": 1});
    refuse(with_document(|d| d["layers"] = vec![layer; 50_000].into()), &["50000 layers"]);
    let zeros = vec![serde_json::json!(0); 3_000_000];
    refuse(with_document(|d| d["training"]["zeros"] = zeros.into()), &["safetensors", "header"]);
    refuse(with_document(|d| d["layers"][1]["name"] = "x".repeat(100_000).into()), &["missing", "export"]);
}

#[test]
fn names_that_play_with_the_terminal() {
    let folder = Folder::new();
    let refuse = |bytes: Vec<u8>| {
        refused_model(&folder.file("m.safetensors", &bytes), &["control characters", "export"]);
    };
    for (place, text) in [("/labels/0", "\u{1b}[2J"), ("/name", "a\nb"), ("/family", "\u{7}")] {
        refuse(with_document(|d| *d.pointer_mut(place).expect("there") = text.into()));
    }
    let mut document = tiny_document();
    document["layers"][1]["name"] = "a\tt".into();
    document["layers"][2]["input"] = "a\tt".into();
    let mut tensors = tiny_tensors();
    for (old, new) in
        [("act.weight", "a\tt.weight"), ("act.thresholds", "a\tt.thresholds"), ("act.falling", "a\tt.falling")]
    {
        let tensor = tensors.remove(old).expect("there");
        tensors.insert(new, tensor);
    }
    refuse(model_file(&document.to_string(), &tensors));
}

#[test]
fn layers_that_nobody_reads_count_too() {
    // Half of an input of one pixel is none.
    let mut document = tiny_document();
    document["input"]["edge"] = 1.into();
    let residual = serde_json::json!({
        "name": "unread", "kind": "residual", "trunk": "start", "input": "table", "in": 3, "out": 2, "kernel": 1, "stride": 2
    });
    document["layers"].as_array_mut().expect("a list").insert(1, residual);
    let mut tensors = tiny_tensors();
    tensors.insert("unread.weight", (Dtype::U8, vec![2, 1, 1, 1], vec![5, 2]));
    let folder = Folder::new();
    let path = folder.file("unread.safetensors", &model_file(&document.to_string(), &tensors));
    refused_model(&path, &["edge 1 ", "multiple of 2"]);
}

#[test]
fn small_files_that_ask_for_much_memory() {
    let mut document = tiny_document();
    document["input"]["edge"] = 4096.into();
    for (layer, part) in [(1, "out"), (2, "in")] {
        document["layers"][layer][part] = 8192.into();
    }
    let mut tensors = tiny_tensors();
    tensors.insert("act.weight", (Dtype::U8, vec![8192, 1, 1, 1], vec![1; 8192]));
    tensors.insert("act.thresholds", (Dtype::I16, vec![8192, 3], vec![0; 8192 * 6]));
    tensors.insert("act.falling", (Dtype::U8, vec![1024], vec![0; 1024]));
    tensors.insert("conv.weight", (Dtype::U8, vec![2, 1, 1, 1024], vec![1; 2048]));
    let folder = Folder::new();
    let path = folder.file("wide.safetensors", &model_file(&document.to_string(), &tensors));
    refused_model(&path, &["4096×4096", "`act`", "smaller size"]);
    let path = path.to_str().expect("UTF-8");
    let output = ernscope(&["--headless", "--frames", "1", "--source", "demo", "--size", "16", "--model", path]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn tensors_that_make_no_network() {
    let folder = Folder::new();
    let refuse = |bytes: Vec<u8>, words: &[&str]| refused_model(&folder.file("m.safetensors", &bytes), words);
    let thresholds = |values: [i16; 6]| (Dtype::I16, vec![2, 3], values.iter().flat_map(|t| t.to_le_bytes()).collect());
    refuse(with_tensors(|t| drop(t.remove("act.weight"))), &["act.weight", "missing", "export"]);
    refuse(with_tensors(|t| drop(t.insert("act.bias", (Dtype::U8, vec![1], vec![0])))), &["tensors"]);
    refuse(with_tensors(|t| t.get_mut("act.weight").expect("there").1 = vec![1, 1, 1, 2]), &["act.weight", "shape"]);
    refuse(with_tensors(|t| t.get_mut("act.weight").expect("there").2[0] = 0xff), &["act", "bits"]);
    refuse(with_tensors(|t| t.get_mut("table.codes").expect("there").2[5] = 4), &["table", "above 3"]);
    refuse(with_tensors(|t| drop(t.insert("act.thresholds", thresholds([2, 1, 0, 0, 0, 0])))), &["act", "order"]);
    refuse(
        with_tensors(|t| drop(t.insert("act.thresholds", thresholds([0, 0, 11, 0, 0, 0])))),
        &["act", "11", "bound"],
    );
    refuse(
        with_tensors(|t| t.get_mut("conv.scale").expect("there").2[..4].copy_from_slice(&f32::NAN.to_le_bytes())),
        &["conv", "finite"],
    );
    refuse(
        with_tensors(|t| t.get_mut("conv.scale").expect("there").2[..4].copy_from_slice(&1e6_f32.to_le_bytes())),
        &["conv", "below 1e6", "export"],
    );
}
