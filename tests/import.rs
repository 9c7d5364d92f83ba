//! Published checkpoints as networks: the golden files, checkpoints made here, and those that must be refused.

#[path = "common/checkpoint.rs"]
mod checkpoint;
#[path = "common/folder.rs"]
mod folder;
#[path = "common/measured.rs"]
mod measured;
#[path = "common/skipped.rs"]
mod skipped;

use checkpoint::{Checkpoint, Dtype, KINDS, Storage, archive, pickled_call, pickled_text};
use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::engine::reference::ReferenceEngine;
use ernscope::engine::{Engine, Probe, Wants};
use ernscope::frame::InputImage;
use ernscope::network::published::PublishedShape;
use ernscope::network::{CodeTable, Network, Op, file, import};
use folder::Folder;
use measured::ernscope;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use zip::CompressionMethod;

/// The network of a checkpoint's bytes, through a file.
fn read(bytes: &[u8]) -> Result<Network, import::ImportError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("made.ckpt");
    fs::write(&path, bytes).expect("written");
    import::read(&path, None).map(|imported| imported.network)
}

fn imported(checkpoint: &Checkpoint) -> Network {
    read(&checkpoint.file()).unwrap_or_else(|error| panic!("{error}"))
}

/// Codes by layer.
struct Codes(BTreeMap<usize, Vec<u8>>);

impl Probe for Codes {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.0.insert(layer, codes.to_vec());
    }
}

/// The reference and every level of the CPU.
fn engines(network: &Network, edge: usize) -> Vec<Box<dyn Engine>> {
    let network = Arc::new(network.clone());
    let reference = ReferenceEngine::new(Arc::clone(&network), edge).expect("a size of it");
    let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(reference)];
    for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
        engines.push(Box::new(CpuEngine::new(Arc::clone(&network), edge, level, 1).expect("available")));
    }
    engines
}

/// Runs every engine on a golden input and compares all that the reference implementation computed.
fn compare(network: &Network, golden: &SafeTensors<'_>) {
    let input = golden.tensor("input").expect("an input");
    let edge = input.shape()[2];
    let rgb = (0..edge * edge * 3).map(|at| input.data()[at % 3 * edge * edge + at / 3]).collect();
    let image = InputImage::from_rgb(edge, rgb).expect("its size");
    let expected = golden.tensor("logits").expect("logits");
    let expected: Vec<f32> = expected.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let side_outputs = ["backbone.last_act_layer2", "backbone.last_act_layer3"];
    let maps = golden.names().into_iter().filter_map(|name| name.strip_prefix("activation."));
    let mut names: Vec<&str> = maps.filter(|name| !side_outputs.contains(name)).collect();
    let mut ours: Vec<&str> = network.layers().iter().filter(|l| l.op.makes_codes()).map(|l| l.name.as_str()).collect();
    names.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, names, "layers are called as the checkpoint's modules");
    for mut engine in engines(network, edge) {
        let mut codes = Codes(BTreeMap::new());
        let logits = engine.run_probed(&image, &mut codes).expect("the picture fits").logits.to_vec();
        let (mut compared, mut wrong) = (0, 0);
        for (&layer, codes) in &codes.0 {
            let map = golden.tensor(&format!("activation.{}", network.layers()[layer].name)).expect("a map");
            assert_eq!(map.data().len(), codes.len());
            compared += codes.len();
            wrong += map.data().iter().zip(codes).filter(|(expected, code)| expected != code).count();
        }
        let differences = logits.iter().zip(&expected).map(|(ours, theirs)| (ours - theirs).abs());
        let largest = differences.fold(0.0, f32::max);
        println!("{}: {wrong} of {compared} codes differ, logits by {largest:e} at most", engine.info().name);
        assert!(wrong == 0 && compared > 100_000 && logits.len() == expected.len() && largest < 1e-4);
    }
}

fn golden(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    if !folder.is_dir() {
        return skipped::skip("golden vectors", "../shared/golden is not there");
    }
    let packed = fs::File::open(folder.join(format!("{name}.ckpt.zst"))).expect("there");
    let expected = fs::read(folder.join(format!("{name}.golden.safetensors"))).expect("there");
    let work = tempfile::tempdir().expect("a temporary folder");
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(packed).expect("a zstd file");
    let mut checkpoint = fs::File::create(work.path().join(format!("{name}.ckpt"))).expect("created");
    std::io::copy(&mut decoder, &mut checkpoint).expect("unpacked");

    let output = ernscope(work.path(), &["import", &format!("{name}.ckpt")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = fs::read(work.path().join(format!("{name}.safetensors"))).expect("the default output");
    let network = file::parse(&bytes).expect("a model file");
    let rows = network.layers().iter().filter_map(|layer| layer.op.thresholds()).map(|t| t.channels() as u64);
    let allowed = network.weight_bits() / 8 + 8 * rows.sum::<u64>() + (64 << 10);
    println!("{name}: {} bytes, {allowed} allowed", bytes.len());
    assert!(bytes.len() as u64 <= allowed);
    assert_eq!((network.name(), network.labels().len(), network.labels()[999].as_str()), (name, 1000, "class 999"));
    let Op::PixelEmbedding(table) = &network.layers()[0].op else { panic!("it starts with pixel embedding") };
    assert_eq!(Some(table), CodeTable::thermometer(10).as_ref());
    compare(&network, &SafeTensors::deserialize(&expected).expect("a safetensors file"));
}

#[test]
fn golden_erns18_is_identical() {
    golden("erns18-64");
}

#[test]
fn golden_erns50_is_identical() {
    golden("erns50-64");
}

/// Name, shape, input of each layer.
fn outline(network: &Network) -> Vec<String> {
    let line = |layer: &ernscope::network::Layer| {
        let shape = layer.op.binary_conv().map(|conv| (conv.geometry().in_channels, conv.geometry().kernel));
        let input = match layer.op {
            Op::Conv { input, .. } | Op::Residual { input, .. } | Op::Classifier { input, .. } => Some(input),
            _ => None,
        };
        format!("{} {shape:?} {input:?}", layer.name)
    };
    let outputs = network.shapes(64).into_iter().map(|shape| format!("{}×{}", shape.channels, shape.edge));
    network.layers().iter().map(line).zip(outputs).map(|(line, output)| format!("{line} {output}")).collect()
}

#[test]
fn all_published_networks_are_read() {
    for kind in KINDS {
        let network = imported(&Checkpoint::published(kind, 1000, Dtype::Bf16));
        let random = PublishedShape::named(kind.0).expect("published").random(1, false).expect("well formed");
        assert_eq!(outline(&network), outline(&random), "{}", kind.0);
        assert_eq!((network.training()["architecture"].as_str(), network.edge()), (Some(kind.0), 256));
        let bytes = file::serialize(&network).expect("serializes");
        assert!(file::parse(&bytes).expect("parses") == network, "{} comes back from its file", kind.0);
        // A bit a weight, 8 bytes a row of thresholds, and the classifier's scales and the header.
        let rows = |op: &Op| op.thresholds().map_or(0, |thresholds| thresholds.rows().len());
        let rows = network.layers().iter().map(|layer| rows(&layer.op)).sum::<usize>();
        let most = network.weight_bits() as usize / 8 + 8 * rows + 64 * 1024;
        assert!(bytes.len() <= most, "{}: {} bytes where at most {most} fit", kind.0, bytes.len());
    }
}

#[test]
fn engines_agree_on_imported_networks() {
    for (kind, classes) in [(KINDS[0], 1), (KINDS[2], 7)] {
        let network = imported(&Checkpoint::published(kind, classes, Dtype::Bf16));
        let mut image = InputImage::black(32);
        image.rgb_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * i % 251) as u8);
        let mut seen = Vec::new();
        for mut engine in engines(&network, 32) {
            let mut codes = Codes(BTreeMap::new());
            let logits = engine.run_probed(&image, &mut codes).expect("fits").logits.to_vec();
            seen.push((logits, codes.0));
        }
        assert!(seen.iter().all(|other| *other == seen[0]), "{}", kind.0);
        assert_eq!(seen[0].0.len(), classes);
    }
}

#[test]
fn every_float_type_gives_the_same_network() {
    let make = |dtype| imported(&Checkpoint::published(KINDS[0], 3, dtype));
    let expected = make(Dtype::F32);
    for dtype in [Dtype::F16, Dtype::Bf16, Dtype::F64] {
        assert!(make(dtype) == expected, "{dtype:?}");
    }
}

#[test]
fn files_are_written_in_many_ways() {
    let plain = Checkpoint::small();
    let expected = imported(&plain);
    let same = |made: &Checkpoint, what: &str| assert!(imported(made) == expected, "{what}");
    same(&Checkpoint { lightning: false, ..plain.clone() }, "a state dictionary");
    same(&Checkpoint { lightning: false, prefix: "", ..plain.clone() }, "without the prefix");
    same(&Checkpoint { prefix: "", ..plain.clone() }, "in a larger dictionary without the prefix");
    same(&Checkpoint { parameters: true, ..plain.clone() }, "parameters");

    let mut strided = plain.clone();
    strided.relaid("backbone.layer1.0.conv1.weight", &[0, 2, 3, 1]);
    strided.relaid("backbone.layer2.0.downsample.weight", &[1, 0, 2, 3]);
    strided.relaid("conv.weight", &[3, 2, 1, 0]);
    same(&strided, "other strides");

    let mut foreign = plain.clone();
    foreign.own("loss.weight", &[2], Dtype::F32, vec![f32::NAN; 2]);
    foreign.extra = [pickled_text("args"), b"cargparse\nNamespace\n)\x81}b".to_vec()].concat();
    same(&foreign, "more in it");

    let mut entries = plain.entries();
    assert!(read(&archive(&entries, CompressionMethod::Deflated)).expect("deflated") == expected);
    entries.remove(1);
    assert!(read(&archive(&entries, CompressionMethod::Stored)).expect("without a byte order") == expected);
}

/// A network without what its file is called.
fn nameless(network: Network) -> ernscope::network::NetworkParts {
    let (name, training) = (String::new(), serde_json::Map::new());
    ernscope::network::NetworkParts { family: name.clone(), name, training, ..network.into_parts() }
}

/// PyTorch calls the folder in its archive as the file is called, without the ending.
#[test]
fn the_name_of_a_file_is_of_no_matter() {
    let folder = Folder::new();
    let made = Checkpoint::tiny();
    let expected = nameless(imported(&made));
    let long = (1..=60).map(|length| "erns18_imagenet_model".chars().cycle().take(length).collect());
    let other = (1..=60).step_by(7).map(|length| "ネットワーク ü".chars().cycle().take(length).collect());
    let odd = ["data.pkl", "a.b.c", "data", "byteorder", "state dict", "-o", "PK", "archive"].map(str::to_owned);
    for stem in long.chain(other).chain(odd) {
        let path = folder.file(&format!("{stem}.pth"), &made.saved_as(&stem));
        let network = import::read(&path, None).unwrap_or_else(|error| panic!("{stem}: {error}")).network;
        assert_eq!(network.name(), stem);
        assert!(nameless(network) == expected, "{stem}");
    }
}

/// What trainers put before the names: all of them in any order, each as often as it likes.
#[test]
fn names_are_wrapped_in_many_ways() {
    let plain = Checkpoint::tiny();
    let expected = imported(&plain);
    let wrappers = ["module.", "_orig_mod.", "model.", "network."];
    let mut prefixes = vec![String::new()];
    for _ in 0..3 {
        let longer = prefixes.iter().flat_map(|prefix| wrappers.map(|wrapper| format!("{prefix}{wrapper}")));
        let longer: Vec<String> = longer.collect();
        prefixes.extend(longer);
        prefixes.sort();
        prefixes.dedup();
    }
    assert_eq!(prefixes.len(), 1 + 4 + 16 + 64);
    prefixes.push("module._orig_mod.model.network._orig_mod.module.network.model.".into());
    let keys = ["", "state_dict", "model", "model_state_dict"];
    for (index, prefix) in prefixes.into_iter().enumerate() {
        let prefix: &'static str = prefix.leak();
        // Under every key, where the prefix is short.
        let keys = if index < 6 { &keys[..] } else { &keys[index % 4..][..1] };
        for &key in keys {
            let made = Checkpoint { prefix, key, lightning: !key.is_empty(), ..plain.clone() };
            assert!(imported(&made) == expected, "`{prefix}` under `{key}`");
        }
    }
    // A part that was compiled, or runs on many devices, for itself.
    for wrapper in ["_orig_mod", "module", "_orig_mod.module"] {
        let mut made = plain.clone();
        for tensor in made.tensors.iter_mut().filter(|tensor| tensor.name.starts_with("backbone.")) {
            tensor.name.insert_str("backbone.".len(), &format!("{wrapper}."));
        }
        assert!(imported(&made) == expected, "{wrapper}");
    }
    // The name in a message is the file's own.
    let mut made = Checkpoint { prefix: "module.model.", ..plain };
    made.remove("backbone.bn2.bias");
    let refused = read(&made.file()).expect_err("a tensor is missing").to_string();
    assert!(refused.contains("`module.model.backbone.bn2.bias` is missing"), "{refused}");
}

/// A trainer's checkpoint, imported on the command line: the network, and the one line about the rest.
fn imported_telling(checkpoint: &Checkpoint) -> (Network, String) {
    let folder = Folder::new();
    folder.file("made.ckpt", &checkpoint.file());
    let output = folder.import(&["made.ckpt"]);
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success() && stderr.lines().count() == 1, "{stderr}");
    (file::read(&folder.path().join("made.safetensors")).expect("a model file"), stderr)
}

#[test]
fn averaged_copies_are_passed_over_and_said() {
    let plain = Checkpoint::tiny();
    let expected = imported(&plain);
    let other = plain.with_other_weights();
    assert!(imported(&other) != expected);
    let state = Checkpoint { prefix: "module.", ..other.clone() }.pickled_state();
    for key in ["state_dict_ema", "model_ema", "ema", "ema_state_dict", "EMA"] {
        for main in ["state_dict", "model", "model_state_dict"] {
            let extra = [pickled_text(key), state.clone()].concat();
            let (network, told) = imported_telling(&Checkpoint { key: main, extra, ..plain.clone() });
            assert!(network == expected, "{key} beside {main}");
            assert!(told.contains(&format!("an averaged copy of the network ({key})")), "{told}");
        }
    }
    for start in ["ema.", "ema_model.module.", "model_ema.", "module_ema.network."] {
        let mut made = plain.clone();
        let copies = other.tensors.iter().map(|tensor| {
            let name = format!("{start}{}", tensor.name);
            checkpoint::Tensor { name, ..tensor.clone() }
        });
        made.tensors.splice(0..0, copies);
        let (network, told) = imported_telling(&made);
        assert!(network == expected, "{start}");
        let first = start.split_inclusive('.').next().expect("a part");
        assert!(told.contains(&format!("an averaged copy of the network (network.{first})")), "{told}");
    }
    // Nothing else to take.
    let refused =
        read(&Checkpoint { prefix: "model_ema.", ..plain.clone() }.file()).expect_err("is refused").to_string();
    assert!(refused.contains("only an averaged copy") && refused.contains("`model_ema.`"), "{refused}");
    // Settings of an average are none.
    let settings = [pickled_text("ema"), b"}".to_vec(), pickled_text("decay"), b"K\x01s".to_vec()].concat();
    let (_, told) = imported_telling(&Checkpoint { extra: settings, ..plain });
    assert!(told.contains("(ema, epoch, ") && !told.contains("averaged"), "{told}");
}

#[test]
fn what_no_network_needs_is_counted() {
    let mut made = Checkpoint::tiny();
    let (_, before) = imported_telling(&made);
    made.own("teacher.backbone.conv1.weight", &[2], Dtype::F32, vec![f32::NAN; 2]);
    made.own("head.weight", &[2], Dtype::F32, vec![0.0; 2]);
    made.own("two\nlines.weight", &[2], Dtype::I64, vec![0.0; 2]);
    made.extra = [pickled_text("optimizer"), b"}".to_vec(), pickled_text("model"), pickled_text("erns18")].concat();
    let (network, told) = imported_telling(&made);
    assert!(network == imported(&Checkpoint::tiny()));
    let count = |told: &str| -> usize {
        let (_, behind) = told.split_once("passed over: ").expect("it is said");
        behind.split(' ').next().and_then(|count| count.parse().ok()).expect("a number")
    };
    assert_eq!(count(&told), count(&before) + 5, "{told}");
}

/// Which of two networks is meant, nobody can tell.
#[test]
fn two_networks_in_one_file_are_refused() {
    let plain = Checkpoint::tiny();
    let other = plain.with_other_weights();
    let mut both = plain.clone();
    let renamed = |tensor: &checkpoint::Tensor| {
        let name = format!("model.{}", tensor.name);
        checkpoint::Tensor { name, ..tensor.clone() }
    };
    both.tensors.extend(other.tensors.iter().map(renamed));
    let refused = read(&both.file()).expect_err("is refused").to_string();
    let words = ["`network.backbone.", "`network.model.backbone.", "save the one network"];
    assert!(words.iter().all(|word| refused.contains(word)), "{refused}");

    let extra = [pickled_text("model"), other.pickled_state()].concat();
    let refused = read(&Checkpoint { extra, ..plain.clone() }.file()).expect_err("is refused").to_string();
    assert!(refused.contains("in `state_dict`") && refused.contains("in `model`"), "{refused}");

    // One network under two names is one.
    let mut twice = plain.clone();
    twice.tensors.extend(plain.tensors.iter().map(renamed));
    assert!(imported(&twice) == imported(&plain));
    let extra = [pickled_text("model"), plain.pickled_state()].concat();
    assert!(imported(&Checkpoint { extra, ..plain.clone() }) == imported(&plain));
}

#[test]
fn signs_and_scales_are_those_of_the_weights() {
    let mut made = Checkpoint::small();
    let weights = made.values("conv.weight").clone();
    let network = imported(&made);
    let Some(Op::Classifier { classifier, .. }) = network.layers().last().map(|layer| &layer.op) else {
        panic!("a classifier is last")
    };
    for (class, filter) in weights.chunks(384).enumerate() {
        let tap = classifier.conv().tap(class, 0, 0);
        let signs = (0..384).map(|channel| tap[channel / 8] >> (channel % 8) & 1 == 1);
        // sign(±0) = +1.
        assert!(signs.eq(filter.iter().map(|&weight| weight >= 0.0)));
        let mean = filter.iter().map(|weight| weight.abs()).sum::<f32>() / 384.0;
        assert!((classifier.readout().scales()[class] / (mean * 2.0 / 3.0) - 1.0).abs() < 1e-6);
    }
}

impl Folder {
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    fn import(&self, arguments: &[&str]) -> Output {
        ernscope(self.path(), &[&["import"], arguments].concat())
    }

    /// One line, exit status 1, no new file.
    fn refused(&self, arguments: &[&str], words: &[&str]) {
        let before = self.names();
        let output = self.import(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert_eq!(stderr.trim_end().lines().count(), 1, "{arguments:?}: {stderr}");
        assert!(stderr.len() < 1000, "{arguments:?} says much: {stderr}");
        assert!(stderr.starts_with("ernscope: ") && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
        for word in words {
            assert!(stderr.contains(word), "{arguments:?} does not say `{word}`: {stderr}");
        }
        let parts: Vec<&str> = stderr.trim_end().split(": ").collect();
        let repeated = parts.iter().find(|part| parts.iter().filter(|other| other == part).count() > 1);
        assert!(repeated.is_none(), "{arguments:?} says twice `{repeated:?}`: {stderr}");
        assert_eq!(self.names(), before, "{arguments:?}");
    }

    fn refused_bytes(&self, bytes: &[u8], words: &[&str]) {
        self.file("bad.ckpt", bytes);
        self.refused(&["bad.ckpt"], &[&["bad.ckpt"], words].concat());
    }
}

#[test]
fn the_command_line_names_output_and_labels() {
    let folder = Folder::new();
    folder.file("net.v2.ckpt", &Checkpoint::tiny().file());
    folder.file("labels.txt", "apple\r\npear\ngreen plum\nKürbis\nnothing\n\n".as_bytes());
    let ran = |arguments: &[&str]| {
        let output = folder.import(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        let told = "passed over: 37 entries that no network needs (epoch, network.backbone.bn1.num_batches_tracked, ";
        assert!(stderr.lines().count() == 1 && stderr.contains(told), "{stderr}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let told = ran(&["net.v2.ckpt"]);
    assert!(told.starts_with("net.v2.safetensors: 5 classes, 34 layers, "), "{told}");
    ran(&["net.v2.ckpt", "-o", "named.safetensors", "--labels", "labels.txt"]);
    fs::create_dir(folder.path().join("sub")).expect("made");
    ran(&["./net.v2.ckpt", "--output", "sub/again"]);
    ran(&["net.v2.ckpt", "-o", "sub/again"]);
    assert_eq!(folder.names(), ["labels.txt", "named.safetensors", "net.v2.ckpt", "net.v2.safetensors", "sub"]);
    let sub = fs::read_dir(folder.path().join("sub")).expect("a folder").count();
    assert_eq!(sub, 1);
    let labels = |name: &str| file::read(&folder.path().join(name)).expect("a model file").labels().to_vec();
    assert_eq!(labels("net.v2.safetensors"), ["class 0", "class 1", "class 2", "class 3", "class 4"]);
    assert_eq!(labels("named.safetensors"), ["apple", "pear", "green plum", "Kürbis", "nothing"]);
    assert_eq!(labels("sub/again"), labels("net.v2.safetensors"));
    let model = folder.path().join("net.v2.safetensors");
    let model = model.to_str().expect("UTF-8");
    let ran =
        ernscope(folder.path(), &["--headless", "--frames", "2", "--source", "demo", "--size", "32", "--model", model]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn outputs_and_labels_that_make_no_sense() {
    let folder = Folder::new();
    let checkpoint = Checkpoint::tiny().file();
    folder.file("net.ckpt", &checkpoint);
    folder.file("odd.safetensors", &checkpoint);
    fs::create_dir(folder.path().join("folder.ckpt")).expect("made");
    folder.file("four.txt", b"a\nb\nc\nd\n");
    folder.file("gap.txt", b"a\nb\n\nd\ne\n");
    folder.file("latin.txt", b"a\nb\nc\nd\n\xe9\n");
    folder.refused(&["net.ckpt", "-o", "net.ckpt"], &["net.ckpt", "overwritten"]);
    folder.refused(&["net.ckpt", "-o", "./../", "--labels", "four.txt"], &["regular file"]);
    folder.refused(&["net.ckpt", "-o", "no/such/folder.safetensors"], &["no/such/folder.safetensors"]);
    folder.refused(&["net.ckpt", "--labels", "four.txt"], &["5 classes", "4 labels"]);
    folder.refused(&["net.ckpt", "--labels", "gap.txt"], &["gap.txt", "line 3"]);
    folder.refused(&["net.ckpt", "--labels", "latin.txt"], &["latin.txt", "UTF-8"]);
    folder.refused(&["net.ckpt", "--labels", "none.txt"], &["none.txt"]);
    folder.refused(&["net.ckpt", "--labels", "four.txt", "-o", "four.txt"], &["four.txt", "overwritten"]);
    folder.refused(&["none.ckpt"], &["none.ckpt"]);
    folder.refused(&["odd.safetensors"], &["odd.safetensors", "overwritten"]);
    folder.refused(&["folder.ckpt"], &["folder.ckpt", "regular file"]);
    folder.refused(&["."], &["names no file"]);
    std::os::unix::fs::symlink("net.ckpt", folder.path().join("link")).expect("linked");
    folder.refused(&["net.ckpt", "-o", "link"], &["overwritten"]);
    assert_eq!(fs::read(folder.path().join("net.ckpt")).expect("there"), checkpoint);
    assert_eq!(folder.import(&[]).status.code(), Some(2));
}

#[test]
fn files_that_are_no_checkpoint() {
    let folder = Folder::new();
    let good = Checkpoint::tiny();
    let file = good.file();
    folder.refused_bytes(b"", &["empty"]);
    folder.refused_bytes(b"P", &["no PyTorch checkpoint"]);
    folder.refused_bytes(&[0x5a; 4096], &["no PyTorch checkpoint"]);
    for cut in [4, 100, file.len() / 2, file.len() - 1] {
        folder.refused_bytes(&file[..cut], &["cut off", "copy"]);
    }
    // torch.save of before 1.6 starts with this number.
    folder.refused_bytes(
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
        &["old format", "save it again"],
    );
    let entry = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let stored = |entries: &[(String, Vec<u8>)]| archive(entries, CompressionMethod::Stored);
    folder.refused_bytes(&stored(&[entry("readme.txt", b"hello")]), &["data.pkl"]);
    folder.refused_bytes(&stored(&[entry("data.pkl", b"\x80\x02K\x01.")]), &["state_dict"]);
    folder.refused_bytes(&stored(&[entry("data.pkl", b"\x80\x02}.")]), &["no blocks"]);
    folder
        .refused_bytes(&stored(&[entry("data.pkl", b"\x80\x02}(X\x0a\x00\x00\x00state_dictK\x01u.")]), &["state_dict"]);
    folder.refused_bytes(&stored(&[entry("data.pkl", &good.pickle()[..900])]), &["pickle", "breaks off"]);
    folder.refused_bytes(&stored(&[entry("data.pkl", b"rubbish")]), &["pickle"]);
    let mut entries = good.entries();
    entries[1].1 = b"big".to_vec();
    folder.refused_bytes(&stored(&entries), &["byte order", "big"]);
    entries.remove(1);
    entries.retain(|(name, _)| name != "data/8");
    folder.refused_bytes(&stored(&entries), &["data/8", "missing"]);
    let at = file.windows(4).position(|bytes| bytes == [0xcd, 0xcc, 0x4c, 0x3c]).expect("0.0125 stands there");
    let mut flipped = file.clone();
    flipped[at] ^= 1;
    folder.refused_bytes(&flipped, &["data/1", "damaged"]);
}

#[test]
fn pickles_that_call_are_refused_by_name() {
    let folder = Folder::new();
    let marker = folder.path().join("marker");
    let touch = format!("touch {}", marker.display());
    let python = format!("open({:?}, 'w')", marker.to_str().expect("UTF-8"));
    let calls = [
        ("os", "system", &touch),
        ("posix", "system", &touch),
        ("subprocess", "getoutput", &touch),
        ("builtins", "eval", &python),
        ("builtins", "exec", &python),
        ("__builtin__", "getattr", &python),
        ("torch", "os.system", &touch),
        ("runpy", "_run_code", &python),
    ];
    for (module, name, argument) in calls {
        let call = pickled_call(module, name, argument);
        let named = format!("{module}.{name}");
        let mut beside = Checkpoint::tiny();
        beside.extra = [pickled_text("hyper_parameters"), call.clone()].concat();
        folder.refused_bytes(&beside.file(), &[&named]);
        let within = Checkpoint { lightning: false, ..beside };
        folder.refused_bytes(&within.file(), &[&named]);
        folder.refused_bytes(&[b"\x80\x02", &call[..], b"."].concat(), &[&named]);
    }
    // A function that is tolerated elsewhere makes no tensor.
    let mut opaque = Checkpoint { lightning: false, ..Checkpoint::tiny() };
    opaque.remove("backbone.bn2.bias");
    opaque.extra = [pickled_text("network.backbone.bn2.bias"), pickled_call("torch.hub", "load", &touch)].concat();
    folder.refused_bytes(&opaque.file(), &["network.backbone.bn2.bias", "torch.hub.load"]);
    opaque.extra = [pickled_text("network.backbone.bn2.bias"), b"K\x05".to_vec()].concat();
    folder.refused_bytes(&opaque.file(), &["network.backbone.bn2.bias", "no tensor"]);
    assert!(!marker.exists(), "something was called");
}

#[test]
fn bombs_are_refused() {
    let folder = Folder::new();
    let deflated = |entries: &[(String, Vec<u8>)]| archive(entries, CompressionMethod::Deflated);
    let zeros = vec![0; 100 << 20];

    let mut entries = Checkpoint::tiny().entries();
    entries[0].1.extend(&zeros);
    let bomb = deflated(&entries);
    assert!(bomb.len() < 1 << 20);
    folder.refused_bytes(&bomb, &["data.pkl", "unpacks to more"]);
    // The same with a size that is told wrong, in both of its places.
    let told = ((100 << 20) + Checkpoint::tiny().pickle().len() as u32).to_le_bytes();
    let mut liar = bomb;
    let places: Vec<usize> = (0..liar.len() - 4).filter(|&at| liar[at..at + 4] == told).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|&at| liar[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes()));
    folder.refused_bytes(&liar, &["data.pkl"]);

    let mut entries = Checkpoint::tiny().entries();
    entries[3].1 = zeros;
    folder.refused_bytes(&deflated(&entries), &["data/1", "unpacks to more"]);

    // A storage that is really as large as it says, and one that says so only.
    let mut large = Checkpoint::tiny();
    let storage = large.tensor("backbone.bn1.weight").storage;
    large.storages[storage] = Storage { dtype: Dtype::F64, values: vec![0.0; 40 << 20] };
    let mut entries = large.entries();
    folder.refused_bytes(&deflated(&entries), &["unpacks to more"]);
    entries[2 + storage].1.truncate(8 << 20);
    folder.refused_bytes(&deflated(&entries), &["8388608 bytes"]);

    let nested = [b"\x80\x02".to_vec(), vec![b'('; 8 << 20], b".".to_vec()].concat();
    folder.refused_bytes(&deflated(&[("data.pkl".into(), nested)]), &["values"]);
    let nested = [b"\x80\x02)".to_vec(), vec![b'\x85'; 1 << 20], b".".to_vec()].concat();
    folder.refused_bytes(&deflated(&[("data.pkl".into(), nested)]), &["state_dict"]);
    // Names without end, tensors without number, a tensor of many dimensions.
    let long = [b"\x80\x02ctorch.", &vec![b'x'; 1 << 20][..], b"\nf\n."].concat();
    folder.refused_bytes(&deflated(&[("data.pkl".into(), long)]), &["a name that is too long"]);
    let names = (0..50_000).flat_map(|i| [&pickled_text(&format!("network.t{i}"))[..], b"K\x01"].concat()).collect();
    let many = [b"\x80\x02}(".to_vec(), names, b"u.".to_vec()].concat();
    folder.refused_bytes(&deflated(&[("data.pkl".into(), many)]), &["50000 tensors"]);
    let mut deep = Checkpoint::tiny();
    let tensor = deep.tensor("conv.weight");
    (tensor.shape, tensor.strides) = (vec![1; 100_000], vec![1; 100_000]);
    folder.refused_bytes(&deflated(&deep.entries()), &["network.conv.weight", "unknown way"]);

    // A parameter of a parameter of a parameter …
    let name = pickled_text("conv.weight");
    let parameter = [b"\x80\x02}(", &name[..], b"ctorch._utils\n_rebuild_parameter\nq\x000)"].concat();
    let nested = [parameter, b"q\x010h\x00h\x01\x85R".repeat(100_000), b"u.".to_vec()].concat();
    folder.refused_bytes(&deflated(&[("data.pkl".into(), nested)]), &["no blocks"]);
}

/// The smallest checkpoint, changed, must be refused with these words.
fn refused_change(folder: &Folder, change: impl FnOnce(&mut Checkpoint), words: &[&str]) {
    let mut made = Checkpoint::tiny();
    change(&mut made);
    folder.refused_bytes(&made.file(), words);
}

#[test]
fn other_architectures_are_refused() {
    let folder = Folder::new();
    let refuse = |kind, words: &[&str]| {
        let mut made = Checkpoint::published(kind, 5, Dtype::Bf16);
        made.tensors.iter_mut().filter(|tensor| tensor.storage == 0).for_each(|tensor| tensor.strides.fill(0));
        made.storages[0].values.truncate(1100);
        folder.refused_bytes(&made.file(), words);
    };
    refuse(("other", false, [1, 1, 1, 1], [64, 128, 256, 512]), &["1, 1, 1 and 1 basic blocks", "erns18"]);
    refuse(("other", true, [3, 4, 5, 3], [64, 128, 256, 512]), &["3, 4, 5 and 3 bottleneck blocks", "erns101"]);
    refuse(("other", false, [2, 2, 2, 2], [64, 128, 256, 300]), &["layer4.0", "300", "512"]);
    refuse(("other", false, [2, 2, 2, 2], [32, 128, 256, 512]), &["layer1.0", "32", "64"]);
    let renamed = |made: &mut Checkpoint, from: &str, to: &str| {
        made.tensors.iter_mut().for_each(|tensor| tensor.name = tensor.name.replace(from, to));
    };
    // As torchvision calls a ResNet's layers.
    refused_change(&folder, |made| renamed(made, "backbone.", ""), &["no blocks"]);
    refused_change(&folder, |made| renamed(made, "layer4", "layer5"), &["layer5", "no stage"]);
    refused_change(&folder, |made| renamed(made, "layer3.1", "layer3.7"), &["2, 2, 8 and 2"]);
    let shape = [1];
    let bias = "network.backbone.layer1.1.conv1.bias";
    refused_change(&folder, |made| made.own(&bias[8..], &shape, Dtype::F32, vec![0.5]), &[bias, "no published ERN"]);
    let bias = "network.conv.bias";
    refused_change(&folder, |made| made.own(&bias[8..], &shape, Dtype::F32, vec![0.5]), &[bias, "no published ERN"]);
    let shortcut = "network.backbone.layer1.1.downsample.weight";
    refused_change(&folder, |made| made.own(&shortcut[8..], &[64, 64, 1, 1], Dtype::F32, vec![0.5; 4096]), &[shortcut]);
}

#[test]
fn tensors_that_make_no_network() {
    let folder = Folder::new();
    let refuse = |name: &str, change: fn(&mut Checkpoint, &str), words: &[&str]| {
        let full = format!("`network.{name}`");
        refused_change(&folder, |made| change(made, name), &[&[full.as_str()], words].concat());
    };
    let missing: fn(&mut Checkpoint, &str) = |made, name| made.remove(name);
    for name in [
        "pixel_embedding.w_const",
        "pixel_embedding.b",
        "backbone.conv1.weight",
        "backbone.bn_downsample.running_mean",
        "backbone.conv1_2.weight",
        "backbone.layer1.0.bn0.weight",
        "backbone.layer3.0.downsample.weight",
        "backbone.layer4.1.conv2.weight",
        "backbone.last_bn_layer4.running_var",
        "conv.weight",
    ] {
        refuse(name, missing, &["missing"]);
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for name in ["backbone.conv2.weight", "backbone.layer4.0.downsample.weight", "conv.weight"] {
            let full = format!("`network.{name}`");
            refused_change(&folder, |made| made.values(name)[77] = value, &[&full, "NaN or infinite"]);
        }
        for name in ["pixel_embedding.w", "backbone.layer2.1.bn1.weight", "backbone.layer2.1.bn1.running_var"] {
            let full = format!("`network.{name}`");
            refused_change(&folder, |made| made.values(name)[7] = value, &[&full, "NaN or infinite"]);
        }
    }
    refuse("backbone.layer3.1.bn0.running_var", |made, name| made.values(name)[9] = -0.25, &["negative", "channel 9"]);

    let shape: fn(&mut Checkpoint, &str) = |made, name| made.tensor(name).shape[0] += 1;
    refuse("backbone.layer2.0.conv1.weight", shape, &["[129, 64, 3, 3]", "[128, 64, 3, 3]"]);
    refuse("backbone.bn1.bias", shape, &["[65]", "[64]"]);
    refuse("pixel_embedding.w_const", shape, &["shape"]);
    refuse("conv.weight", |made, name| made.tensor(name).shape = vec![5, 383, 1, 1], &["383", "384"]);
    refuse("conv.weight", |made, name| made.tensor(name).shape = vec![5, 384], &["[5, 384]"]);
    refuse("conv.weight", |made, name| made.tensor(name).shape[0] = 0, &["shape"]);
    refuse("conv.weight", |made, name| made.tensor(name).shape[0] = 1 << 30, &["shape"]);
    refuse("backbone.conv1.weight", |made, name| made.tensor(name).shape[1] = 31, &["31"]);
    refuse("backbone.bn2.weight", |made, name| made.tensor(name).strides[0] = 1 << 30, &["beyond its storage"]);
    refuse("backbone.bn2.weight", |made, name| made.tensor(name).offset = 1, &["beyond its storage"]);
    refuse("backbone.bn2.weight", |made, name| made.tensor(name).strides = vec![], &["beyond its storage"]);
    let integers: fn(&mut Checkpoint, &str) = |made, name| {
        let storage = made.tensor(name).storage;
        made.storages[storage].dtype = Dtype::I64;
    };
    refuse("backbone.bn2.weight", integers, &["LongStorage"]);
}

#[test]
fn dead_channels_are_normal() {
    let mut made = Checkpoint::tiny();
    made.values("backbone.bn1.weight").fill(0.0);
    made.values("backbone.bn1.running_var").fill(0.0);
    made.values("backbone.layer1.0.conv1.weight").fill(0.0);
    let network = imported(&made);
    let constant = |name: &str| {
        let layer = network.layers().iter().find(|layer| layer.name == name).expect("there");
        let Op::Conv { conv, thresholds, .. } = &layer.op else { panic!("a convolution") };
        thresholds.rows().iter().flatten().all(|t| t.abs() == conv.bound() + 1)
    };
    assert!(constant("backbone.act1") && constant("backbone.layer1.0.act1"));
}

#[test]
fn damaged_checkpoints_never_panic() {
    let folder = Folder::new();
    let path = folder.path().join("damaged.ckpt");
    let mut state = 99_u64;
    let mut below = move |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut damage = move |bytes: &mut Vec<u8>| {
        if below(8) == 0 {
            return bytes.truncate(below(bytes.len()));
        }
        for _ in 0..1 + below(4) {
            let at = below(bytes.len());
            bytes[at] = if below(2) == 0 { bytes[at] ^ (1 << below(8)) } else { below(256) as u8 };
        }
    };
    // Most of them end early, at a number of the embedding, so that there is time for many.
    let whole = Checkpoint::tiny();
    let mut short = whole.clone();
    short.values("pixel_embedding.b")[29] = f32::NAN;
    let (mut read, mut late, mut early) = (0, 0, 0);
    for round in 0..2200 {
        let made = if round % 22 == 0 { &whole } else { &short };
        let mut entries = made.entries();
        let bytes = if round % 2 == 0 {
            damage(&mut entries[0].1);
            archive(&entries, CompressionMethod::Stored)
        } else {
            let mut bytes = archive(&entries, CompressionMethod::Stored);
            damage(&mut bytes);
            bytes
        };
        fs::write(&path, bytes).expect("written");
        match import::read(&path, None) {
            Ok(_) => read += 1,
            Err(import::ImportError::Tensor { .. }) => late += 1,
            Err(_) => early += 1,
        }
    }
    println!("{read} read, {late} refused for a tensor, {early} before");
    assert!(read > 0 && late > 200 && early > 1000);
}
