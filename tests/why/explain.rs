//! `ernscope explain`: every term once, and their sum what the engines hold.

use crate::{ernscope, skipped};
use ernscope::engine::reference::ReferenceEngine;
use ernscope::engine::{Engine, Probe, Sums, Wants};
use ernscope::frame::InputImage;
use ernscope::network::shipped::SHIPPED;
use ernscope::network::{BinaryConv, Network, Op, TrunkMode, file};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the reference engine holds.
#[derive(Default)]
struct Held {
    codes: HashMap<usize, Vec<u8>>,
    sums: HashMap<usize, Vec<f64>>,
}

impl Probe for Held {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, histogram: false, sums: true }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.codes.insert(layer, codes.to_vec());
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        let sums = match sums {
            Sums::Integers(sums) => sums.iter().map(|&sum| f64::from(sum)).collect(),
            Sums::Floats(sums) => sums.iter().map(|&sum| f64::from(sum)).collect(),
        };
        self.sums.insert(layer, sums);
    }
}

/// A network, a picture for it, and all that this comes to.
struct Case {
    network: Arc<Network>,
    model: String,
    edge: usize,
    rgb: Vec<u8>,
    picture: PathBuf,
    held: Held,
}

/// Code and weight of everything that is read, by layer, channel, row and column.
type Terms = HashMap<(String, u64, u64, u64), (i64, i64)>;

impl Case {
    fn new(network: Network, model: &str, edge: usize, folder: &Path) -> Self {
        let rgb: Vec<u8> = (0..edge * edge * 3).map(|i| (i * i % 251 + i / edge) as u8).collect();
        let picture = folder.join(format!("{}.png", network.name()));
        let side = edge as u32;
        image::save_buffer(&picture, &rgb, side, side, image::ColorType::Rgb8).expect("written");
        let (network, mut held) = (Arc::new(network), Held::default());
        let mut engine = ReferenceEngine::new(Arc::clone(&network), edge).expect("a size of it");
        engine.run_probed(&InputImage::from_rgb(edge, rgb.clone()).expect("its size"), &mut held).expect("runs");
        Self { network, model: model.into(), edge, rgb, picture, held }
    }

    fn explain(&self, layer: usize, channel: usize, y: usize, x: usize) -> Value {
        let (channel, at, size) = (channel.to_string(), format!("{y},{x}"), self.edge.to_string());
        let picture = self.picture.to_str().expect("UTF-8");
        let place = ["--layer", &self.network.layers()[layer].name, "--channel", &channel, "--at", &at];
        let arguments =
            [&["explain"], &place[..], &["--model", &self.model, "--size", &size, "--json", picture]].concat();
        let output = ernscope(&arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// One convolution's terms, from the codes and the weights.
    fn add_terms(&self, terms: &mut Terms, conv: &BinaryConv, input: usize, out: usize, [y, x]: [usize; 2]) {
        let (g, edge) = (conv.geometry(), self.network.shapes(self.edge)[input].edge);
        for (ky, kx) in (0..g.kernel).flat_map(|ky| (0..g.kernel).map(move |kx| (ky, kx))) {
            let [y, x] = [y * g.stride + ky, x * g.stride + kx].map(|at| at.wrapping_sub(g.kernel / 2));
            if y >= edge || x >= edge {
                continue;
            }
            for channel in 0..g.in_channels {
                let code = self.held.codes[&input][(channel * edge + y) * edge + x];
                let bit = conv.tap(out, ky, kx)[channel / 8] >> (channel % 8) & 1;
                let name = self.network.layers()[input].name.clone();
                let before =
                    terms.insert((name, channel as u64, y as u64, x as u64), (code.into(), i64::from(bit) * 2 - 1));
                assert_eq!(before, None);
            }
        }
    }

    /// The terms of a binary layer; `None` of one that reads the picture.
    fn terms(&self, layer: usize, channel: usize, at: [usize; 2]) -> Option<Terms> {
        let mut terms = Terms::new();
        match &self.network.layers()[layer].op {
            Op::Conv { input, conv, .. } => self.add_terms(&mut terms, conv, *input, channel, at),
            Op::Classifier { input, classifier } => {
                let edge = self.network.shapes(self.edge)[*input].edge;
                for at in (0..edge).flat_map(|y| (0..edge).map(move |x| [y, x])) {
                    self.add_terms(&mut terms, classifier.conv(), *input, channel, at);
                }
            }
            Op::Residual { .. } | Op::Activation(_) => {
                for layer in self.network.layers()[..=layer].iter().rev() {
                    let Op::Residual { input, conv, trunk } = &layer.op else { continue };
                    self.add_terms(&mut terms, conv, *input, channel, at);
                    if *trunk == TrunkMode::Start {
                        break;
                    }
                }
            }
            _ => return None,
        }
        Some(terms)
    }

    fn check(&self, layer: usize, channel: usize, y: usize, x: usize) {
        let document = self.explain(layer, channel, y, x);
        let op = &self.network.layers()[layer].op;
        let at =
            (channel * self.network.shapes(self.edge)[layer].edge + y) * self.network.shapes(self.edge)[layer].edge + x;
        let code = self.held.codes.get(&layer).map(|codes| u64::from(codes[at]));
        assert_eq!(document["code"].as_u64(), code, "{document}");
        assert_eq!(document["at"], serde_json::json!([y, x]));
        let number = |key: &str| document[key].as_f64().expect("a number");
        let lines = document["terms"].as_array().expect("a list");
        let products = lines
            .iter()
            .map(|line| line["weight"].as_f64().expect("a number") * line["code"].as_f64().expect("a number"));
        let tolerance = if matches!(op, Op::FloatConv(_)) { 1e-4 } else { 0.0 };
        assert!((products.sum::<f64>() - number("sum")).abs() <= tolerance, "{document}");
        assert!((number("plus") - number("minus") - number("sum")).abs() <= tolerance, "{document}");
        if let Some(sums) = self.held.sums.get(&layer) {
            // JSON's reader may miss a float's last bit.
            assert!((number("sum") - sums[at]).abs() <= tolerance * 1e-6, "{document}");
        }
        let rows = op.thresholds().map(|thresholds| serde_json::json!(thresholds.rows()[channel]));
        assert!(matches!(op, Op::FloatConv(_)) || document["thresholds"] == Value::from(rows), "{document}");
        match self.terms(layer, channel, [y, x]) {
            Some(terms) => assert_eq!(binary(lines), terms),
            None => self.check_bytes(lines),
        }
    }

    fn check_bytes(&self, lines: &[Value]) {
        assert!(!lines.is_empty());
        for line in lines {
            let [channel, y, x] = ["channel", "y", "x"].map(|key| line[key].as_u64().expect("a number") as usize);
            assert_eq!(line["layer"], "input");
            assert_eq!(line["code"], self.rgb[(y * self.edge + x) * 3 + channel]);
        }
    }

    /// So many places in every kind of layer.
    fn check_kinds(&self, places: usize) {
        let layers = self.network.layers();
        let kinds: [fn(&Op) -> bool; 5] = [
            |op| matches!(op, Op::PixelEmbedding(_) | Op::FloatConv(_)),
            |op| matches!(op, Op::Conv { .. }),
            |op| matches!(op, Op::Residual { .. }),
            |op| matches!(op, Op::Activation(_)),
            |op| matches!(op, Op::Classifier { .. }),
        ];
        for is_kind in kinds {
            let of_kind: Vec<usize> = (0..layers.len()).filter(|&layer| is_kind(&layers[layer].op)).collect();
            for place in 0..places {
                let layer = of_kind[place * 5 % of_kind.len()];
                let shape = self.network.shapes(self.edge)[layer];
                let [y, x] = [place * 7, place * 3 + 2].map(|at| at % shape.edge);
                self.check(layer, place * 37 % shape.channels, y, x);
            }
        }
    }
}

/// The terms of a document, each once.
fn binary(lines: &[Value]) -> Terms {
    let mut terms = Terms::new();
    for line in lines {
        let number = |key: &str| line[key].as_i64().expect("a whole number");
        let place = ["channel", "y", "x"].map(|key| number(key) as u64);
        let key = (line["layer"].as_str().expect("a name").to_owned(), place[0], place[1], place[2]);
        assert_eq!(terms.insert(key, (number("code"), number("weight"))), None, "{line} twice");
    }
    terms
}

#[test]
fn terms_of_the_networks_inside_add_up_to_what_the_reference_holds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for shipped in &SHIPPED {
        let network = shipped.load().expect("ours");
        let edge = network.edge();
        Case::new(network, shipped.name, edge, folder.path()).check_kinds(4);
    }
}

#[test]
fn terms_of_imported_networks_add_up_to_what_the_reference_holds() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    if !golden.is_dir() {
        return skipped::skip("explanations of imported networks", "../shared/golden is not there");
    }
    for name in ["erns18-64", "erns50-64"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let packed = fs::File::open(golden.join(format!("{name}.ckpt.zst"))).expect("there");
        let mut decoder = ruzstd::decoding::StreamingDecoder::new(packed).expect("a zstd file");
        let [checkpoint, model] = ["ckpt", "safetensors"].map(|ending| folder.path().join(format!("{name}.{ending}")));
        std::io::copy(&mut decoder, &mut fs::File::create(&checkpoint).expect("created")).expect("unpacked");
        let [checkpoint, model] = [&checkpoint, &model].map(|path| path.to_str().expect("UTF-8"));
        assert!(ernscope(&["import", checkpoint, "-o", model]).status.success());
        let network = file::parse(&fs::read(model).expect("there")).expect("a model file");
        Case::new(network, model, 64, folder.path()).check_kinds(3);
    }
}

#[test]
fn people_and_tables_are_told_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let network = SHIPPED[0].load().expect("ours");
    let edge = network.edge();
    let case = Case::new(network, SHIPPED[0].name, edge, folder.path());
    let (picture, table) = (case.picture.to_str().expect("UTF-8"), folder.path().join("terms.csv"));
    let names = ["backbone.act1", "backbone.layer1.0.act1", "backbone.last_act_layer3", "conv", "pixel_embedding"];
    for name in names {
        let csv = ["--csv", table.to_str().expect("UTF-8")];
        let place = ["explain", "--layer", name, "--channel", "2", "--at", "0,0", picture];
        let output = ernscope(&[&place[..], &csv].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let layer = case.network.layers().iter().position(|layer| layer.name == name).expect("there");
        let document = case.explain(layer, 2, 0, 0);
        assert!(text.starts_with(&format!("{name}, channel 2")), "{text}");
        let told = format!("sum {} = {} for − {} against", document["sum"], document["plus"], document["minus"]);
        assert!(text.contains(&told) || name == "pixel_embedding", "{text}");
        assert_eq!(text.contains("branches:"), name == "backbone.last_act_layer3", "{text}");
        assert_eq!(text.contains("codes "), ["backbone.act1", "pixel_embedding"].contains(&name), "{text}");
        let lines = fs::read_to_string(&table).expect("written");
        let last = |line: &str| line.rsplit(',').next().and_then(|number| number.parse::<i64>().ok());
        let sum: i64 = lines.lines().skip(1).map(|line| last(line).expect("a number")).sum();
        assert_eq!(Some(sum), document["sum"].as_i64());
    }
}

fn refused(arguments: &[&str], status: i32, words: &[&str]) {
    let output = ernscope(&[&["explain"], arguments].concat());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("ernscope: ") && !stderr.contains("panicked"), "{stderr}");
    words.iter().for_each(|word| assert!(stderr.contains(word), "no `{word}` in {stderr}"));
}

#[test]
fn places_that_are_not_there_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let picture = folder.path().join("grey.png");
    image::RgbImage::from_pixel(64, 64, image::Rgb([99; 3])).save(&picture).expect("written");
    let picture = picture.to_str().expect("UTF-8");
    let layer = "backbone.layer1.0.act1";
    let ask = |layer: &str, channel: &str, at: &str, status, words: &[&str]| {
        refused(&["--layer", layer, "--channel", channel, "--at", at, picture], status, words);
    };
    ask("backbone.layer1.act1", "0", "0,0", 1, &["no layer `backbone.layer1.act1`", "`backbone.layer1.0.act1`"]);
    ask(&"x".repeat(100_000), "0", "0,0", 1, &["no layer", "choose another, such as"]);
    ask(layer, "64", "0,0", 1, &["no channel 64", "from 0 to"]);
    ask(layer, "0", "16,0", 1, &["16×16 positions and none at 16,0", "from 0 to 15"]);
    ask("conv", "0", "0,1", 1, &["1×1 positions", "from 0 to 0"]);
    for at in ["", "3", "3,", "3,4,5", "a,b", "3;4", "99999999999999999999,0"] {
        ask(layer, "0", at, 2, &["a row and a column with a comma between them"]);
    }
    ask(layer, "-1", "0,0", 2, &["-1"]);
    ask(layer, "0", "-1,0", 2, &["-1"]);
    refused(&["--layer", layer, "--channel", "0", picture], 2, &["--at"]);
    refused(&["--layer", layer, "--channel", "0", "--at", "0,0", "--size", "65", picture], 1, &["65", "multiple"]);
    refused(&["--layer", layer, "--channel", "0", "--at", "0,0", "nowhere.png"], 1, &["nowhere.png"]);
    let csv = ["--csv", "/dev/full"];
    refused(
        &[&["--layer", layer, "--channel", "0", "--at", "0,0", picture], &csv[..]].concat(),
        1,
        &["cannot write /dev/full"],
    );
}
