//! Good inputs for a fuzzer to start from, small ones of every form that is known; made here.

use super::checkpoints::archive;
use super::{Choices, Recipe, flights};
use crate::flight::{self, FlightLimits, FlightRecorder, FlightSeen};
use crate::frame::InputImage;
use crate::network::file;
use crate::source::CameraFault;
use crate::source::reader::capture::{CapturedFrame, write_fault, write_frame, write_undecodable};
use image::codecs::bmp::BmpEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::Duration;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The seeds of a target.
pub(super) fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "capture" => vec![capture()],
        "checkpoint_pickle" => pickles(),
        "checkpoint_zip" => pickles().iter().flat_map(|pickle| [archive(pickle), deflated(pickle)]).collect(),
        "flight" => recordings(),
        "jpeg" => jpegs(),
        "mjpeg" => vec![jpegs().concat(), [b"--boundary\r\n\r\n", &jpegs()[0][..], &[0; 9], &jpegs()[2]].concat()],
        "model" => recipes().map(|recipe| file::serialize(&recipe.network()).expect("well formed")).collect(),
        "picture" => pictures(),
        "settings" => settings(),
        "y4m" => y4ms(),
        // Choices: any bytes will do.
        "link" | "network" | "packets" | "program" => [16, 40, 200].map(noise).to_vec(),
        _ => Vec::new(),
    }
}

fn noise(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| ((i * i * 7919 + i * 104_729 + length as u64) >> 4) as u8).collect()
}

fn recipes() -> impl Iterator<Item = Recipe> {
    (0..6_u8).map(|i| {
        let mut bytes = noise(40 + usize::from(i));
        // A table of codes, then float convolutions, with one code or channel each.
        (bytes[4], bytes[5], bytes[6]) = (0, u8::from(i == 0), 0);
        Choices(&bytes).recipe()
    })
}

/// A recording as it is, and taken apart.
fn recordings() -> Vec<Vec<u8>> {
    let Some(recipe) = recipes().next() else { return Vec::new() };
    let network = Arc::new(recipe.network());
    let logits = vec![0.5; network.labels().len()];
    let mut recorder = FlightRecorder::new(FlightLimits::default());
    recorder.note_source("a demo");
    for number in 0..2 {
        let look = (number == 0).then_some(Duration::ZERO);
        recorder.probe().codes(0, &[0, 1, 2, 3]);
        let input = InputImage::black(network.edge());
        let answer = [&logits[..], &[]];
        recorder.record(&FlightSeen { number, network: &network, engine: "reference", input: &input, answer, look });
        recorder.note_source("another one");
    }
    let mut file = Vec::new();
    flight::write_to(recorder.flight().expect("frames"), &mut file).expect("written");
    let (json, records) = flight::taken_apart(&file);
    vec![flights::parts(&json, &records), file]
}

fn rgb(width: u32, height: u32) -> Vec<u8> {
    (0..width * height * 3).map(|i| (i * 37 % 251) as u8).collect()
}

fn jpegs() -> Vec<Vec<u8>> {
    let jpeg = |pixels: &[u8], width, height, color| {
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, 50).encode(pixels, width, height, color).expect("written");
        file
    };
    let grey = jpeg(&[90; 64], 8, 8, ExtendedColorType::L8);
    let colour = jpeg(&rgb(17, 9), 17, 9, ExtendedColorType::Rgb8);
    let at = |file: &[u8], marker: u8| file.windows(2).position(|w| w == [0xff, marker]).expect("a marker");
    // In several passes: the first of them holds no more than the mean of the block.
    let mut passes = grey.clone();
    let (frame, scan) = (at(&passes, 0xc0), at(&passes, 0xda));
    passes[frame + 1] = 0xc2;
    passes[scan + 8] = 0;
    // Colours at half resolution.
    let mut halved = colour.clone();
    let frame = at(&halved, 0xc0);
    halved[frame + 11] = 0x22;
    // Without tables, as webcams send it.
    let mut bare = grey.clone();
    while let Some(table) = bare.windows(2).position(|w| w == [0xff, 0xc4]) {
        let length = usize::from(bare[table + 2]) << 8 | usize::from(bare[table + 3]);
        bare.drain(table..table + 2 + length);
    }
    // Turned, by EXIF.
    let exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let turned = [&colour[..2], exif, &colour[2..]].concat();
    vec![grey, passes, colour, halved, bare, turned]
}

fn pictures() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = jpegs().drain(1..3).collect();
    let kinds = [
        (ExtendedColorType::L8, 1),
        (ExtendedColorType::La8, 2),
        (ExtendedColorType::Rgb8, 3),
        (ExtendedColorType::Rgba8, 4),
        (ExtendedColorType::L16, 2),
        (ExtendedColorType::Rgba16, 8),
    ];
    for (color, bytes) in kinds {
        let mut file = Vec::new();
        PngEncoder::new(&mut file).write_image(&noise(5 * 3 * bytes), 5, 3, color).expect("written");
        files.push(file);
    }
    for (color, bytes) in [(ExtendedColorType::L8, 1), (ExtendedColorType::Rgb8, 3), (ExtendedColorType::Rgba8, 4)] {
        let mut file = Vec::new();
        BmpEncoder::new(&mut file).encode(&noise(5 * 3 * bytes), 5, 3, color).expect("written");
        files.push(file);
        let mut file = Vec::new();
        WebPEncoder::new_lossless(&mut file).encode(&noise(5 * 3 * bytes), 5, 3, color).expect("written");
        files.push(file);
    }
    // A lossy WebP of one pixel, alone and as the only frame of an animation.
    let lossy = chunk(b"VP8 ", LOSSY);
    let size = [0; 6];
    let frame = [&[0; 6][..], &size, &[0; 4], &lossy].concat();
    let chunks =
        [chunk(b"VP8X", &[&[2, 0, 0, 0][..], &size].concat()), chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &frame)];
    for content in [lossy, chunks.concat()] {
        files.push(chunk(b"RIFF", &[&b"WEBP"[..], &content].concat()));
    }
    files
}

const LOSSY: &[u8] = b"\x30\x01\x00\x9d\x01\x2a\x01\x00\x01\x00\x0e\xc0\xfe\x25\xa4\x00\x03\x70\x00\x00\x00\x00";

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let padding = vec![0; content.len() % 2];
    [name, &(content.len() as u32).to_le_bytes()[..], content, &padding].concat()
}

fn y4ms() -> Vec<Vec<u8>> {
    let kinds = [("", 6), (" C420mpeg2", 6), (" C422", 8), (" C444", 12), (" Cmono", 4), (" C411 XCOLORRANGE=FULL", 6)];
    let file = |(kind, bytes): (&str, usize)| {
        let frame = [b"FRAME\n", &noise(bytes)[..]].concat();
        [format!("YUV4MPEG2 W2 H2 F30:1 Ip A1:1{kind}\n").as_bytes(), &frame, &frame].concat()
    };
    kinds.into_iter().map(file).collect()
}

fn capture() -> Vec<u8> {
    let age = Duration::from_millis(3);
    let frame = CapturedFrame { width: 3, height: 2, sequence: 9, age, rgb: rgb(3, 2).into() };
    let mut bytes = Vec::new();
    write_frame(&mut bytes, &frame).expect("written");
    write_undecodable(&mut bytes, 11, "it is cut short").expect("written");
    write_fault(&mut bytes, CameraFault::Busy, "another program has it").expect("written");
    bytes
}

#[cfg(feature = "app")]
fn settings() -> Vec<Vec<u8>> {
    use crate::app::arrangement::Layout;
    use crate::app::settings::Remembered;
    let some = Remembered {
        theme: Some("dark".into()),
        source: Some("camera:1".into()),
        threads: Some(2),
        size: Some([800.0, 600.0]),
        ..Remembered::default()
    };
    let arranged = Remembered { layout: Some(Layout::default()), ..Remembered::default() };
    [Remembered::default(), some, arranged].map(|r| serde_json::to_vec(&r).expect("written")).to_vec()
}

#[cfg(not(feature = "app"))]
fn settings() -> Vec<Vec<u8>> {
    Vec::new()
}

fn deflated(pickle: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("a/data.pkl", pickle), ("a/data/0", &[0; 256])] {
        zip.start_file(name, SimpleFileOptions::default()).expect("an entry");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("an archive").into_inner()
}

/// A state dictionary with the names of an ERN, as a trainer saves it and bare; what the importer looks at first is all there,
/// then a convolution is missing, so that an execution stays short.
fn pickles() -> Vec<Vec<u8>> {
    let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
    let mut tensor = |name: &str, shape: &[usize]| tensors.push((name.to_owned(), shape.to_vec()));
    for (name, colours) in [("w_const", 3), ("b_const", 1), ("w", 3), ("b", 3)] {
        tensor(&format!("pixel_embedding.{name}"), &[1, colours, 1, 1, 1]);
    }
    tensor("backbone.conv1.weight", &[64, 3, 3, 3]);
    for part in ["weight", "bias", "running_mean", "running_var"] {
        tensor(&format!("backbone.bn1.{part}"), &[64]);
    }
    for (stage, block) in (1..=4).flat_map(|stage| (0..2).map(move |block| (stage, block))) {
        tensor(&format!("backbone.layer{stage}.{block}.conv1.weight"), &[384]);
    }
    tensor("conv.weight", &[5, 384, 1, 1]);
    let state = |prefix: &str| {
        let mut state = b"ccollections\nOrderedDict\n)R(".to_vec();
        for (name, shape) in &tensors {
            text(&mut state, &format!("{prefix}{name}"));
            state.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
            text(&mut state, "storage");
            state.extend(b"ctorch\nFloatStorage\n");
            text(&mut state, "0");
            text(&mut state, "cpu");
            state.extend(b"K@tQK\0(");
            shape.iter().for_each(|&edge| number(&mut state, edge));
            state.extend(b"t(");
            shape.iter().for_each(|_| number(&mut state, 0));
            state.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
        }
        state.push(b'u');
        state
    };
    let mut trained = b"\x80\x02}(".to_vec();
    text(&mut trained, "epoch");
    trained.extend(b"K\x03");
    text(&mut trained, "state_dict");
    trained.extend(state("network."));
    trained.extend(b"u.");
    vec![trained, [b"\x80\x02", &state("")[..], b"."].concat()]
}

fn text(pickle: &mut Vec<u8>, content: &str) {
    pickle.push(b'X');
    pickle.extend((content.len() as u32).to_le_bytes());
    pickle.extend(content.as_bytes());
}

fn number(pickle: &mut Vec<u8>, n: usize) {
    pickle.push(b'M');
    pickle.extend((n as u16).to_le_bytes());
}
