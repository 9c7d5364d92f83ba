//! Published checkpoints as networks: `.ckpt` files of PyTorch Lightning and plain `.pth` files (ern-spec §6).
//!
//! Such a file is a zip archive with a pickle, a program for Python's unpickler. It is read here and never run. Float
//! weights become signs and, by filter, a mean magnitude; batch norm, scale and quantizer become integer thresholds,
//! proven against the float32 formula; the four tensors of pixel embedding become a table of codes.

mod archive;
mod checkpoint;
mod error;
mod fold;
mod pickle;

pub use error::ImportError;
pub use pickle::PickleError;

use super::published::{Activated, BlockKind, CodeUnit, EDGE, PublishedShape, Quantities, SHAPES, numbered_labels};
use super::{BinaryConv, Classifier, CodeTable, Geometry, MAX_CLASSES, Network, NetworkParts, Op, Thresholds};
use checkpoint::{Checkpoint, CheckpointTensor};
use fold::Norm;
use std::collections::HashSet;
use std::path::Path;

/// What one unit of the trunk is worth (ern-spec §1).
const TRUNK_UNIT: f32 = 1.0 / 32.0;
/// What a code is worth where the post scale is on (ern-spec §3).
const TWO_THIRDS: f32 = 2.0 / 3.0;
/// Most codes a colour that a pixel embedding may have.
const MAX_DEPTH: usize = 256;

/// What a checkpoint gave.
#[derive(Debug)]
pub struct Imported {
    /// The network.
    pub network: Network,
    /// What else the file holds, in words; `None` where there is nothing else.
    pub passed_over: Option<String>,
}

/// Reads a checkpoint of one of the five published networks, with any number of classes. `labels` are one a class, in
/// their order; without them the classes are numbered. The network is called as the file is, without its ending.
///
/// # Errors
/// [`ImportError`] names what is wrong with the file; its path is the caller's to name.
pub fn read(path: &Path, labels: Option<Vec<String>>) -> Result<Imported, ImportError> {
    let checkpoint = Checkpoint::open(path)?;
    let shape = published_shape(&checkpoint)?;
    let classes = count_classes(&checkpoint)?;
    let labels = labels.unwrap_or_else(|| numbered_labels(classes));
    if labels.len() != classes {
        return Err(ImportError::Labels { labels: labels.len(), classes });
    }
    let mut lowering = Lowering { checkpoint, used: HashSet::new() };
    let layers = shape.layers(classes, &mut lowering)?;
    lowering.check_unused()?;
    let passed_over = lowering.passed_over();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let training = [("architecture", shape.name().to_owned()), ("imported_from", file)];
    let training = training.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    let parts = NetworkParts { family: name.clone(), name, edge: EDGE, labels, layers, known: None, training };
    Ok(Imported { network: Network::new(parts)?, passed_over })
}

/// The shape that the tensors' names tell, and the width of the last stage.
fn published_shape(checkpoint: &Checkpoint) -> Result<PublishedShape, ImportError> {
    let mut in_blocks = checkpoint.names().filter(|name| name.starts_with("backbone.layer"));
    let kind = match in_blocks.any(|name| name.ends_with(".conv3.weight")) {
        true => BlockKind::Bottleneck,
        false => BlockKind::Basic,
    };
    let blocks = count_blocks(checkpoint)?;
    let fits = |shape: &PublishedShape| shape.block() == kind && shape.blocks() == blocks;
    // One tensor of a wrong shape does not make another network: most of the last stage's decide.
    let agreeing = |shape: &PublishedShape| {
        let in_last = checkpoint.names().filter(|name| name.starts_with("backbone.layer4."));
        let width = shape.out_width(3);
        in_last.filter(|name| checkpoint.shape(name).is_ok_and(|shape| shape.first() == Some(&width))).count()
    };
    SHAPES.into_iter().filter(fits).max_by_key(agreeing).ok_or_else(|| {
        let [a, b, c, d] = blocks;
        let what = if blocks == [0; 4] { "no blocks".into() } else { format!("{a}, {b}, {c} and {d} {kind} blocks") };
        ImportError::Architecture(what)
    })
}

/// How many blocks each stage has, by the tensors' names.
fn count_blocks(checkpoint: &Checkpoint) -> Result<[usize; 4], ImportError> {
    let mut blocks = [0; 4];
    for name in checkpoint.names() {
        let Some(rest) = name.strip_prefix("backbone.layer") else { continue };
        let mut numbers = rest.split('.').map(str::parse::<usize>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(stage @ 1..=4)), Some(Ok(block @ 0..=99))) => blocks[stage - 1] = blocks[stage - 1].max(block + 1),
            _ => return Err(checkpoint.wrong(name, "belongs to no stage of an ERN: this is another architecture")),
        }
    }
    Ok(blocks)
}

fn count_classes(checkpoint: &Checkpoint) -> Result<usize, ImportError> {
    match checkpoint.shape("conv.weight")? {
        &[classes @ 1..=MAX_CLASSES, _, 1, 1] => Ok(classes),
        shape => {
            let what = format!("has shape {shape:?}, not [classes, channels, 1, 1] with up to {MAX_CLASSES} classes");
            Err(checkpoint.wrong("conv.weight", what))
        }
    }
}

/// Takes the layers' quantities from a checkpoint.
struct Lowering {
    checkpoint: Checkpoint,
    /// Names of the tensors that were read.
    used: HashSet<String>,
}

impl Quantities for Lowering {
    type Error = ImportError;

    fn first(&mut self) -> Result<Op, ImportError> {
        Ok(Op::PixelEmbedding(self.embedding()?))
    }

    fn activated(&mut self, part: Activated<'_>) -> Result<(BinaryConv, Thresholds<i32>), ImportError> {
        let Weights { conv, means } = self.weights(part.conv, part.geometry)?;
        let unit = match part.unit {
            CodeUnit::One => 1.0,
            CodeUnit::TwoThirds => TWO_THIRDS,
        };
        let units: Vec<f32> = means.iter().map(|mean| mean * unit).collect();
        let thresholds = self.thresholds(part.norm, &units, conv.bound())?;
        Ok((conv, thresholds))
    }

    fn residual(&mut self, module: &str, geometry: Geometry) -> Result<BinaryConv, ImportError> {
        Ok(self.weights(module, geometry)?.conv)
    }

    fn activation(&mut self, norm: &str, channels: usize, bound: i32) -> Result<Thresholds<i32>, ImportError> {
        self.thresholds(norm, &vec![TRUNK_UNIT; channels], bound)
    }

    fn classifier(&mut self, module: &str, geometry: Geometry) -> Result<Classifier, ImportError> {
        let Weights { conv, means } = self.weights(module, geometry)?;
        let scales = means.iter().map(|mean| mean * TWO_THIRDS).collect();
        Classifier::new(conv, scales).map_err(|what| self.checkpoint.wrong(module, what))
    }
}

/// The weights of a convolution: their signs, and α, the mean magnitude of each filter (ern-spec §3).
struct Weights {
    conv: BinaryConv,
    means: Vec<f32>,
}

impl Lowering {
    /// The tensor `[out, in, kernel, kernel]` of a convolution.
    fn weights(&mut self, module: &str, geometry: Geometry) -> Result<Weights, ImportError> {
        let Geometry { in_channels, out_channels, kernel, .. } = geometry;
        let name = format!("{module}.weight");
        let tensor = self.tensor(&name, &[out_channels, in_channels, kernel, kernel])?;
        let mut bits = Vec::with_capacity(out_channels * kernel * kernel * in_channels.div_ceil(8));
        let mut means = Vec::with_capacity(out_channels);
        for out in 0..out_channels {
            let mut sum = 0.0;
            for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                sum += pack_signs(in_channels, |channel| tensor.get(&[out, channel, ky, kx]), &mut bits);
            }
            means.push((sum / (in_channels * kernel * kernel) as f64) as f32);
        }
        if let Some(filter) = means.iter().position(|mean| !mean.is_finite()) {
            return Err(self
                .checkpoint
                .wrong(&name, format!("has a weight in filter {filter} that is NaN or infinite")));
        }
        let conv = BinaryConv::new(geometry, bits).map_err(|what| self.checkpoint.wrong(&name, what))?;
        Ok(Weights { conv, means })
    }

    /// The batch norm called `norm`, folded with a scale a channel.
    fn thresholds(&mut self, norm: &str, units: &[f32], bound: i32) -> Result<Thresholds<i32>, ImportError> {
        let mut read = |part: &str| self.vector(&format!("{norm}.{part}"), units.len());
        let (gain, shift) = (read("weight")?, read("bias")?);
        let (mean, variance) = (read("running_mean")?, read("running_var")?);
        if let Some(channel) = variance.iter().position(|&variance| variance < 0.0) {
            let what = format!("is negative, {}, in channel {channel}", variance[channel]);
            return Err(self.checkpoint.wrong(&format!("{norm}.running_var"), what));
        }
        let thresholds = Norm { gain, shift, mean, variance }.thresholds(units, bound);
        thresholds.map_err(|what| self.checkpoint.wrong(&format!("{norm}.weight"), what))
    }

    fn vector(&mut self, name: &str, channels: usize) -> Result<Vec<f32>, ImportError> {
        let tensor = self.tensor(name, &[channels])?;
        let values: Vec<f32> = (0..channels).map(|channel| tensor.get(&[channel])).collect();
        self.check_finite(name, values)
    }

    /// The table of codes that the four tensors of pixel embedding describe: y = x·(w_const + w) − (b_const + b) for a
    /// byte x, its code floor(clamp(y, 0, 4 − 10⁻⁶)) (ern-spec §2; arXiv 2410.11553, §3.3).
    fn embedding(&mut self) -> Result<CodeTable, ImportError> {
        let name = |part: &str| format!("pixel_embedding.{part}");
        let (names, what) = (["w_const", "w", "b_const", "b"].map(name), "not [1, 3 or 1, codes, 1, 1]");
        let depth = match self.checkpoint.shape(&names[0])? {
            &[1, _, depth @ 1..=MAX_DEPTH, 1, 1] => depth,
            shape => return Err(self.checkpoint.wrong(&names[0], format!("has shape {shape:?}, {what}"))),
        };
        let [w_const, w, b_const, b] = names.each_ref().map(|name| self.colours(name, depth));
        let (w_const, w, b_const, b) = (w_const?, w?, b_const?, b?);
        let code = |x: u16, i: usize| {
            let y = f32::from(x) * (w_const[i] + w[i]) - (b_const[i] + b[i]);
            y.clamp(0.0, 4.0 - 1e-6).floor() as u8
        };
        let rows = (0..3).flat_map(|colour| (0..256).map(move |x| (colour, x)));
        let codes = rows.flat_map(|(colour, x)| (0..depth).map(move |i| (x, colour * depth + i)));
        let table = CodeTable::new(depth, codes.map(|(x, i)| code(x, i)).collect());
        table.ok_or_else(|| self.checkpoint.wrong(&names[0], "makes no table of codes"))
    }

    /// The numbers `[3][depth]` of a tensor `[1, 3, depth, 1, 1]`, or of one that is the same for all colours.
    fn colours(&mut self, name: &str, depth: usize) -> Result<Vec<f32>, ImportError> {
        let colours = if self.checkpoint.shape(name)?.get(1) == Some(&1) { 1 } else { 3 };
        let tensor = self.tensor(name, &[1, colours, depth, 1, 1])?;
        let places = (0..3).flat_map(|colour| (0..depth).map(move |i| [0, colour.min(colours - 1), i, 0, 0]));
        let values = places.map(|place| tensor.get(&place)).collect();
        self.check_finite(name, values)
    }

    fn check_finite(&self, name: &str, values: Vec<f32>) -> Result<Vec<f32>, ImportError> {
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(self.checkpoint.wrong(name, format!("has a value, number {at}, that is NaN or infinite"))),
            None => Ok(values),
        }
    }

    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<CheckpointTensor<'_>, ImportError> {
        self.used.insert(name.to_owned());
        self.checkpoint.tensor(name, shape)
    }

    /// Refuses tensors of blocks, and biases of convolutions, that the published networks do not have: they would
    /// change what the network computes. Counters, aliases and outputs that feed nothing are left out.
    fn check_unused(&self) -> Result<(), ImportError> {
        let is_counter = |name: &str| name.ends_with(".num_batches_tracked");
        let is_alias = |name: &str| self.used.iter().any(|used| self.checkpoint.shares_storage(name, used));
        let counts = |name: &str| {
            let bias_of = name.strip_suffix(".bias").map(|module| format!("{module}.weight"));
            name.starts_with("backbone.layer") || bias_of.is_some_and(|weight| self.used.contains(&weight))
        };
        let unused = self.checkpoint.names().filter(|&name| !self.used.contains(name));
        let mut foreign = unused.filter(|&name| counts(name) && !is_counter(name) && !is_alias(name));
        match foreign.next() {
            Some(name) => Err(self.checkpoint.wrong(name, "belongs to no published ERN: this is another architecture")),
            None => Ok(()),
        }
    }

    /// What of the checkpoint is in no network, in words.
    fn passed_over(&self) -> Option<String> {
        let unused = self.checkpoint.names().filter(|&name| !self.used.contains(name));
        let unused = unused.map(|name| self.checkpoint.whole_name(name));
        let names: Vec<String> = self.checkpoint.beside.foreign.iter().cloned().chain(unused).collect();
        let averages: Vec<String> = self.checkpoint.beside.averages.iter().cloned().collect();
        let mut parts = Vec::new();
        if !names.is_empty() {
            let entries = if names.len() == 1 { "entry" } else { "entries" };
            parts.push(format!("{} {entries} that no network needs ({})", names.len(), first_names(&names)));
        }
        if !averages.is_empty() {
            parts.push(format!("an averaged copy of the network ({})", first_names(&averages)));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// How many of the names that are passed over are told.
const TOLD_NAMES: usize = 3;
/// The most characters that are told of one.
const TOLD_CHARACTERS: usize = 80;

/// The first of these names, in a form that suits a line.
fn first_names(names: &[String]) -> String {
    let short = |name: &String| name.escape_debug().take(TOLD_CHARACTERS).collect::<String>();
    let mut told: Vec<String> = names.iter().take(TOLD_NAMES).map(short).collect();
    if names.len() > TOLD_NAMES {
        told.push("…".to_owned());
    }
    told.join(", ")
}

/// Appends the signs of `channels` weights to `bits`, eight a byte, sign(0) = +1; gives the sum of their magnitudes.
fn pack_signs(channels: usize, weight: impl Fn(usize) -> f32, bits: &mut Vec<u8>) -> f64 {
    let mut sum = 0.0;
    for first in (0..channels).step_by(8) {
        let mut byte = 0;
        for channel in first..channels.min(first + 8) {
            let weight = weight(channel);
            sum += f64::from(weight.abs());
            byte |= u8::from(weight >= 0.0) << (channel - first);
        }
        bits.push(byte);
    }
    sum
}
