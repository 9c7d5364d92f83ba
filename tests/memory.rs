//! Below 512 MB, whatever comes: the largest pictures and networks that are let in, and both at once, measured.

#[path = "common/folder.rs"]
mod folder;
#[path = "common/measured.rs"]
mod measured;

use ernscope::network::MAX_EDGE;
use ernscope::network::published::PublishedShape;
use folder::Folder;
use image::codecs::jpeg::JpegEncoder;
use image::{GenericImageView, Rgb};
use measured::ernscope;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The edge of a picture of 100 megapixels.
const EDGE: u32 = 10_000;

/// A black one of three bytes a pixel, which takes no room on the disk.
fn bmp(folder: &Folder) -> PathBuf {
    let pixels = EDGE * EDGE * 3;
    let mut header = b"BM".to_vec();
    for word in [54 + pixels, 0, 54, 40, EDGE, EDGE, 24 << 16 | 1, 0, pixels, 0, 0, 0, 0] {
        header.extend(word.to_le_bytes());
    }
    let path = folder.file("large.bmp", &header);
    File::options().write(true).open(&path).expect("there").set_len(u64::from(54 + pixels)).expect("enlarged");
    path
}

/// One of as many bytes a pixel as there are, written row by row: this process has to stay small.
fn png(folder: &Folder, color: png::ColorType, depth: png::BitDepth) -> PathBuf {
    let path = folder.path().join(format!("{color:?}-{depth:?}.png"));
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(&path).expect("created")), EDGE, EDGE);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Fastest);
    let mut encoder = encoder.write_header().expect("written");
    let mut rows = encoder.stream_writer().expect("it writes");
    let row = vec![0xa5; EDGE as usize * color.samples() * (depth as usize).div_ceil(8)];
    (0..EDGE).for_each(|_| rows.write_all(&row).expect("written"));
    rows.finish().expect("written");
    drop(encoder);
    path
}

/// A picture that is one colour all over, and is nowhere in memory.
struct Plain(u32);

impl GenericImageView for Plain {
    type Pixel = Rgb<u8>;

    fn dimensions(&self) -> (u32, u32) {
        (self.0, self.0)
    }

    fn get_pixel(&self, _: u32, _: u32) -> Rgb<u8> {
        Rgb([200, 100, 50])
    }
}

fn jpeg(folder: &Folder) -> PathBuf {
    let path = folder.path().join("large.jpg");
    let file = BufWriter::new(File::create(&path).expect("created"));
    JpegEncoder::new(file).encode_image(&Plain(EDGE)).expect("encoded");
    path
}

/// A network of the most weights that is let in, all of them -1: with a block of channels more it takes more than it may.
fn wide_network(folder: &Folder) -> PathBuf {
    const OUT: usize = 46 * 64;
    let layers = json!([
        {"name": "table", "kind": "pixel_embedding", "depth": 1},
        {"name": "widen", "kind": "conv", "input": "table", "in": 3, "out": 8192, "kernel": 1, "stride": 1},
        {"name": "wide", "kind": "conv", "input": "widen", "in": 8192, "out": OUT, "kernel": 3, "stride": 1},
        {"name": "conv", "kind": "classifier", "input": "wide", "in": OUT, "out": 2}
    ]);
    let document = json!({"format": 1, "name": "wide", "family": "wide", "input": {"edge": 4}, "labels": ["a", "b"], "layers": layers});
    let tensors: [(&str, &str, Vec<usize>); 9] = [
        ("wide.thresholds", "I32", vec![OUT, 3]),
        ("conv.scale", "F32", vec![2]),
        ("widen.thresholds", "I16", vec![8192, 3]),
        ("table.codes", "U8", vec![3, 256, 1]),
        ("widen.weight", "U8", vec![8192, 1, 1, 1]),
        ("widen.falling", "U8", vec![1024]),
        ("wide.weight", "U8", vec![OUT, 3, 3, 1024]),
        ("wide.falling", "U8", vec![OUT.div_ceil(8)]),
        ("conv.weight", "U8", vec![2, 1, 1, OUT.div_ceil(8)]),
    ];
    let mut header = Map::from_iter([("__metadata__".to_owned(), json!({"ernscope": document.to_string()}))]);
    let mut end = 0;
    for (name, dtype, shape) in tensors {
        let bytes = shape.iter().product::<usize>()
            * if dtype.ends_with("32") {
                4
            } else if dtype == "I16" {
                2
            } else {
                1
            };
        header.insert(name.to_owned(), json!({"dtype": dtype, "shape": shape, "data_offsets": [end, end + bytes]}));
        end += bytes;
    }
    let mut header = Value::Object(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let start = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    let length = (start.len() + end) as u64;
    let path = folder.file("wide.safetensors", &start);
    File::options().write(true).open(&path).expect("there").set_len(length).expect("enlarged");
    path
}

/// The largest input of the network `erns18` that is let in.
fn largest_size() -> String {
    let network = PublishedShape::named("erns18").expect("published").random(1, false).expect("well formed");
    let sizes = (1..=MAX_EDGE).rev().filter(|&edge| network.check_edge(edge).is_ok());
    sizes.max().expect("a size").to_string()
}

fn classify(arguments: &[&str], picture: &Path) {
    let picture = picture.to_str().expect("UTF-8");
    let output = ernscope(Path::new("."), &[&["classify"], arguments, &[picture]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Each picture with the default network, with the one of the most weights, and with one at the largest size.
fn with_every_network(picture: &Path) {
    let folder = Folder::new();
    let wide = wide_network(&folder);
    classify(&[], picture);
    classify(&["--model", wide.to_str().expect("UTF-8")], picture);
    classify(&["--model", "random:erns18", "--size", &largest_size()], picture);
}

#[test]
fn the_largest_networks_on_a_small_picture() {
    with_every_network(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/screenshot.png")));
}

#[test]
fn the_largest_bmp() {
    let folder = Folder::new();
    with_every_network(&bmp(&folder));
}

#[test]
fn the_largest_png() {
    let folder = Folder::new();
    with_every_network(&png(&folder, png::ColorType::Rgb, png::BitDepth::Eight));
}

/// Kinds that take more to decode than three bytes a pixel may be refused, by their header: in a line, and in little memory.
#[test]
fn what_takes_more_to_decode() {
    let folder = Folder::new();
    let wide = wide_network(&folder);
    let kinds = [(png::ColorType::Rgba, png::BitDepth::Eight), (png::ColorType::Rgba, png::BitDepth::Sixteen)];
    let pictures = kinds.map(|(color, depth)| png(&folder, color, depth));
    for picture in pictures.into_iter().chain([jpeg(&folder)]) {
        let arguments = ["classify", "--model", wide.to_str().expect("UTF-8"), picture.to_str().expect("UTF-8")];
        let output = ernscope(Path::new("."), &arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let is_refused =
            output.status.code() == Some(1) && stderr.lines().count() == 1 && stderr.contains("scale it down");
        assert!(output.status.success() || is_refused, "{}: {stderr}", picture.display());
    }
}
