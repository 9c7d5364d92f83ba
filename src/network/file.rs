//! The model file: one safetensors file a network.
//!
//! `__metadata__["ernscope"]` is a JSON document:
//!
//! ```json
//! { "format": 2, "name": "cards", "family": "cards", "input": {"edge": 64}, "labels": ["apple", "…", "nothing"],
//!   "layers": [
//!     {"name": "pixel_embedding", "kind": "pixel_embedding", "depth": 10},
//!     {"name": "backbone.act1", "kind": "conv", "input": "pixel_embedding", "in": 30, "out": 32, "kernel": 3, "stride": 2},
//!     {"name": "backbone.layer1.0.downsample", "kind": "residual", "trunk": "start", "input": "backbone.layer1.0.act0",
//!      "in": 32, "out": 64, "kernel": 1, "stride": 1},
//!     {"name": "backbone.layer1.0.conv2", "kind": "residual", "trunk": "add", "input": "backbone.layer1.0.act1", "…": 0},
//!     {"name": "backbone.last_act_layer3", "kind": "activation", "channels": 256},
//!     {"name": "conv", "kind": "classifier", "input": "backbone.last_act_layer3", "in": 256, "out": 34,
//!      "owners": [0, 1, "…", 32, null]} ],
//!   "known": {"limit": 0.5, "offset": 1.2, "log_probability": 0.9, "largest": 0.1, "others": [-0.4]},
//!   "training": {"…": "how it was trained, what accuracy was measured; any JSON object"} }
//! ```
//!
//! A float first layer has kind `float_conv` with `out`, `kernel` and `stride`. Layers stand in the order of the data; a
//! `conv`, `residual` or `classifier` names the layer whose codes it reads, an `activation` reads the trunk as it then is.
//! A classifier's `owners` has the class of each row, `null` for a row of no class; without it row r is class r. `known` is how the network
//! tells whether it knows what it sees (`KnownScore`). A file with neither has format 1, the first; both are read.
//! Twins share `family`; the network without pixel embedding is called `FAMILY-float-input`.
//!
//! Tensors, with L the layer's name:
//!
//! | tensor | type, shape | of kind |
//! | --- | --- | --- |
//! | `L.codes` | U8 `[3, 256, depth]`, each 0..=3 | `pixel_embedding` |
//! | `L.weight` | U8 `[out, kernel, kernel, ⌈in/8⌉]`: bit i of byte j is input channel 8j + i, 1 means +1; spare bits 0 | `conv`, `residual`, `classifier` (kernel 1) |
//! | `L.thresholds` | I16, or I32 where the layer's bound + 1 exceeds 32 767, `[out, 3]`, each within ±(bound + 1) | `conv`, `activation` |
//! | `L.falling` | U8 `[⌈out/8⌉]`: bit i of byte j is channel 8j + i, 1 means that the code counts n ≤ T | `conv`, `activation`, `float_conv` |
//! | `L.scale` | F32 `[out]`: α · 2/3 a row, what one unit of the integer sum is worth, below a million | `classifier` |
//! | `L.pixel_values` | F32 `[3, 256]`: the normalised value of each byte of each colour | `float_conv` |
//! | `L.weight` | F32 `[out, kernel, kernel, 3]` | `float_conv` |
//! | `L.thresholds` | F32 `[out, 3]`, over the plain sum of products, batch norm folded in | `float_conv` |
//!
//! The bound of a convolution is 3 · in · kernel²; of an activation, the sum of the bounds that the trunk may have gathered.
//! Padding is `kernel / 2` zeros (code 0, or 0.0) on every side. Names and labels have no control characters. A file has at
//! most 32 MiB, the JSON in it at most 4 MiB. Anything else in the file is refused.

use super::{
    BinaryConv, Classifier, CodeTable, FloatConv, Geometry, KnownScore, Layer, Network, NetworkError, NetworkParts, Op,
    Thresholds, TrunkMode,
};
#[cfg(any(feature = "live", feature = "import"))]
use crate::host::{RegularFileError, files};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
#[cfg(any(feature = "live", feature = "import"))]
use std::{io::Read, path::Path};
use thiserror::Error;

/// The newest version of the format that this program reads; it writes the oldest that can say what is to be said.
pub(crate) const FORMAT: u32 = 2;
/// The version without `owners` and `known`.
const FIRST_FORMAT: u32 = 1;
/// Larger files are refused, before a byte of them is read: the largest published network takes 6 MB.
pub(crate) const MAX_FILE_BYTES: u64 = 32 << 20;
/// The most bytes of JSON in front of the tensors, our document included: parsed, they take thirty times the room.
pub(crate) const MAX_HEADER_BYTES: u64 = 4 << 20;
/// The key of our JSON document in the safetensors metadata.
const METADATA_KEY: &str = "ernscope";

/// Why a model file could not be read or written; [`FileError::remedy`] tells what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system says no.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Not a file at all.
    #[error("is not a regular file")]
    NotAFile,
    /// A network of ours that this build does not hold, and that has not come yet.
    #[error("has not been loaded yet")]
    NotHere,
    /// Empty.
    #[error("is empty")]
    Empty,
    /// Larger than any network.
    #[error("has {0} bytes where model files have at most {MAX_FILE_BYTES}")]
    TooLarge(u64),
    /// Something else: a picture, a text, a checkpoint.
    #[error("is no safetensors file (behind the eight bytes of its header's length stands no `{{`)")]
    NotSafetensors,
    /// The container is broken.
    #[error("is no readable safetensors file ({0})")]
    Container(String),
    /// A safetensors file of something else.
    #[error("has no `{METADATA_KEY}` metadata: it is not an Ernscope network")]
    Foreign,
    /// The JSON document is broken.
    #[error("has unreadable `{METADATA_KEY}` metadata ({0})")]
    Metadata(serde_json::Error),
    /// Made by another version.
    #[error("has format version {0} where this program reads versions {FIRST_FORMAT} to {FORMAT}")]
    Version(u64),
    /// A tensor is missing, unexpected or of the wrong type or shape.
    #[error("tensor `{tensor}`: {what}")]
    Tensor {
        /// The tensor's name.
        tensor: String,
        /// What is wrong.
        what: String,
    },
    /// The parts do not make a network.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

#[cfg(any(feature = "live", feature = "import"))]
impl From<RegularFileError> for FileError {
    fn from(error: RegularFileError) -> Self {
        match error {
            RegularFileError::Io(error) => Self::Io(error),
            RegularFileError::Folder | RegularFileError::Device => Self::NotAFile,
        }
    }
}

impl FileError {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io(_) => "check its permissions, or name another file",
            Self::NotHere => "wait until it is, or load the page again where there is a network",
            Self::NotAFile | Self::TooLarge(_) | Self::Foreign => "name a .safetensors file with an Ernscope network",
            Self::NotSafetensors => {
                "name a .safetensors file with an Ernscope network; `ernscope import` makes one of a checkpoint"
            }
            Self::Version(_) => "update Ernscope, or export the network again",
            Self::Empty | Self::Container(_) | Self::Metadata(_) | Self::Tensor { .. } | Self::Network(_) => {
                "copy the file again, or export the network again"
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    name: String,
    family: String,
    input: Input,
    labels: Vec<String>,
    layers: Vec<LayerEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<KnownScore>,
    #[serde(default)]
    training: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    edge: usize,
}

#[derive(Serialize, Deserialize)]
struct LayerEntry {
    name: String,
    #[serde(flatten)]
    kind: OpKind,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum OpKind {
    PixelEmbedding {
        depth: usize,
    },
    FloatConv {
        out: usize,
        kernel: usize,
        stride: usize,
    },
    Conv {
        input: String,
        #[serde(rename = "in")]
        in_channels: usize,
        out: usize,
        kernel: usize,
        stride: usize,
    },
    Residual {
        trunk: TrunkRole,
        input: String,
        #[serde(rename = "in")]
        in_channels: usize,
        out: usize,
        kernel: usize,
        stride: usize,
    },
    Activation {
        channels: usize,
    },
    Classifier {
        input: String,
        #[serde(rename = "in")]
        in_channels: usize,
        out: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owners: Option<Vec<Option<usize>>>,
    },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TrunkRole {
    Start,
    Add,
}

/// Reads a model file from disk.
///
/// # Errors
/// [`FileError`] says what is wrong with the file; the path is the caller's to name.
#[cfg(any(feature = "live", feature = "import"))]
pub fn read(path: &Path) -> Result<Network, FileError> {
    let file = files::open(path)?;
    match files::length(&file)? {
        // Files of the kernel say so too, and some of them never end.
        0 => return Err(FileError::Empty),
        length if length > MAX_FILE_BYTES => return Err(FileError::TooLarge(length)),
        _ => {}
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    parse(&bytes)
}

/// Reads a model file from memory.
///
/// # Errors
/// [`FileError`] says what is wrong.
pub fn parse(bytes: &[u8]) -> Result<Network, FileError> {
    if bytes.is_empty() {
        return Err(FileError::Empty);
    }
    check_header(bytes)?;
    let container = |e: safetensors::SafeTensorError| FileError::Container(e.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(container)?;
    let json = metadata.metadata().as_ref().and_then(|m| m.get(METADATA_KEY)).ok_or(FileError::Foreign)?;
    let document = parse_document(json)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(container)?;
    Reader::new(&tensors).network(document)
}

/// The file starts with the length of its JSON, and the JSON with a brace.
fn check_header(bytes: &[u8]) -> Result<(), FileError> {
    if bytes.get(8).is_some_and(|&byte| byte != b'{') {
        return Err(FileError::NotSafetensors);
    }
    match bytes.first_chunk().map(|length| u64::from_le_bytes(*length)) {
        Some(length) if length > MAX_HEADER_BYTES => {
            Err(FileError::Container(format!("a header of {length} bytes where at most {MAX_HEADER_BYTES} are read")))
        }
        _ => Ok(()),
    }
}

fn parse_document(json: &str) -> Result<Document, FileError> {
    #[derive(Deserialize)]
    struct Version {
        format: u64,
    }
    let version: Version = serde_json::from_str(json).map_err(FileError::Metadata)?;
    if !(u64::from(FIRST_FORMAT)..=u64::from(FORMAT)).contains(&version.format) {
        return Err(FileError::Version(version.format));
    }
    serde_json::from_str(json).map_err(FileError::Metadata)
}

/// Takes tensors by name and remembers which were taken.
struct Reader<'a> {
    tensors: &'a SafeTensors<'a>,
    taken: usize,
}

impl<'a> Reader<'a> {
    fn new(tensors: &'a SafeTensors<'a>) -> Self {
        Self { tensors, taken: 0 }
    }

    fn network(mut self, document: Document) -> Result<Network, FileError> {
        let Document { name, family, input: Input { edge }, labels, layers: entries, known, training, .. } = document;
        if entries.len() > super::network::MAX_LAYERS {
            let what = format!("{} layers; up to {} are allowed", entries.len(), super::network::MAX_LAYERS);
            return Err(NetworkError::Structure(what).into());
        }
        let mut layers: Vec<Layer> = Vec::with_capacity(entries.len());
        let mut index = HashMap::new();
        for entry in entries {
            let op = self.op(&entry, &index)?;
            index.insert(entry.name.clone(), layers.len());
            layers.push(Layer { name: entry.name, op });
        }
        if self.taken != self.tensors.len() {
            let what = format!("{} tensors where the layers need {}", self.tensors.len(), self.taken);
            return Err(NetworkError::Structure(what).into());
        }
        let parts = NetworkParts { name, family, edge, labels, layers, known, training };
        Ok(Network::new(parts)?)
    }

    fn op(&mut self, entry: &LayerEntry, index: &HashMap<String, usize>) -> Result<Op, FileError> {
        let name = &entry.name;
        let wrong = |what: String| FileError::Network(NetworkError::Layer { layer: name.clone(), what });
        let find = |input: &String| {
            index.get(input).copied().ok_or_else(|| wrong(format!("its input `{input}` is no earlier layer")))
        };
        let geometry =
            |in_channels, out_channels, kernel, stride| Geometry { in_channels, out_channels, kernel, stride };
        Ok(match &entry.kind {
            OpKind::PixelEmbedding { depth } => {
                let codes = self.bytes(name, "codes", &[3, 256, *depth])?;
                let table = CodeTable::new(*depth, codes.to_vec());
                Op::PixelEmbedding(
                    table.ok_or_else(|| wrong("a code of the table is above 3, or the table is empty".into()))?,
                )
            }
            OpKind::FloatConv { out, kernel, stride } => {
                let pixel_values = self.floats(name, "pixel_values", &[3, 256])?;
                let weights = self.floats(name, "weight", &[*out, *kernel, *kernel, 3])?;
                let rows = triples(&self.floats(name, "thresholds", &[*out, 3])?);
                let thresholds = Thresholds::new(rows, self.falling(name, *out)?).map_err(wrong)?;
                let conv = FloatConv::new(geometry(3, *out, *kernel, *stride), pixel_values, weights, thresholds);
                Op::FloatConv(conv.map_err(wrong)?)
            }
            OpKind::Conv { input, in_channels, out, kernel, stride } => {
                let conv = self.conv(name, geometry(*in_channels, *out, *kernel, *stride))?;
                Op::Conv { input: find(input)?, conv, thresholds: self.thresholds(name, *out)? }
            }
            OpKind::Residual { trunk, input, in_channels, out, kernel, stride } => {
                let conv = self.conv(name, geometry(*in_channels, *out, *kernel, *stride))?;
                Op::Residual { input: find(input)?, conv, trunk: (*trunk).into() }
            }
            OpKind::Activation { channels } => Op::Activation(self.thresholds(name, *channels)?),
            OpKind::Classifier { input, in_channels, out, owners } => {
                let conv = self.conv(name, geometry(*in_channels, *out, 1, 1))?;
                let scales = self.floats(name, "scale", &[*out])?;
                let classifier = match owners {
                    None => Classifier::new(conv, scales),
                    Some(owners) => Classifier::with_owners(conv, scales, owners.clone()),
                };
                Op::Classifier { input: find(input)?, classifier: classifier.map_err(wrong)? }
            }
        })
    }

    fn conv(&mut self, layer: &str, g: Geometry) -> Result<BinaryConv, FileError> {
        let shape = [g.out_channels, g.kernel, g.kernel, g.in_channels.div_ceil(8)];
        let bits = self.bytes(layer, "weight", &shape)?.to_vec();
        BinaryConv::new(g, bits).map_err(|what| NetworkError::Layer { layer: layer.into(), what }.into())
    }

    fn thresholds(&mut self, layer: &str, channels: usize) -> Result<Thresholds<i32>, FileError> {
        let (name, view) = self.tensor(layer, "thresholds")?;
        check_shape(&name, &view, &[channels, 3])?;
        let values: Vec<i32> = match view.dtype() {
            Dtype::I16 => view.data().as_chunks().0.iter().map(|b| i32::from(i16::from_le_bytes(*b))).collect(),
            Dtype::I32 => view.data().as_chunks().0.iter().map(|b| i32::from_le_bytes(*b)).collect(),
            other => {
                return Err(FileError::Tensor { tensor: name, what: format!("has type {other:?}, not I16 or I32") });
            }
        };
        let falling = self.falling(layer, channels)?;
        Thresholds::new(triples(&values), falling)
            .map_err(|what| NetworkError::Layer { layer: layer.into(), what }.into())
    }

    fn falling(&mut self, layer: &str, channels: usize) -> Result<Vec<bool>, FileError> {
        let bits = self.bytes(layer, "falling", &[channels.div_ceil(8)])?;
        Ok((0..channels).map(|c| bits[c / 8] >> (c % 8) & 1 == 1).collect())
    }

    fn bytes(&mut self, layer: &str, part: &str, shape: &[usize]) -> Result<&'a [u8], FileError> {
        let (name, view) = self.tensor(layer, part)?;
        check_type(&name, &view, Dtype::U8)?;
        check_shape(&name, &view, shape)?;
        Ok(view.data())
    }

    fn floats(&mut self, layer: &str, part: &str, shape: &[usize]) -> Result<Vec<f32>, FileError> {
        let (name, view) = self.tensor(layer, part)?;
        check_type(&name, &view, Dtype::F32)?;
        check_shape(&name, &view, shape)?;
        Ok(view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    fn tensor(&mut self, layer: &str, part: &str) -> Result<(String, TensorView<'a>), FileError> {
        let tensor = format!("{layer}.{part}");
        let view = self.tensors.tensor(&tensor);
        let view = view.map_err(|_| FileError::Tensor { tensor: tensor.clone(), what: "is missing".into() })?;
        self.taken += 1;
        Ok((tensor, view))
    }
}

fn check_type(tensor: &str, view: &TensorView<'_>, dtype: Dtype) -> Result<(), FileError> {
    if view.dtype() == dtype {
        return Ok(());
    }
    Err(FileError::Tensor { tensor: tensor.into(), what: format!("has type {:?}, not {dtype:?}", view.dtype()) })
}

fn check_shape(tensor: &str, view: &TensorView<'_>, shape: &[usize]) -> Result<(), FileError> {
    if view.shape() == shape {
        return Ok(());
    }
    Err(FileError::Tensor { tensor: tensor.into(), what: format!("has shape {:?}, not {shape:?}", view.shape()) })
}

fn triples<N: Copy>(values: &[N]) -> Vec<[N; 3]> {
    values.as_chunks().0.to_vec()
}

impl From<TrunkRole> for TrunkMode {
    fn from(trunk: TrunkRole) -> Self {
        match trunk {
            TrunkRole::Start => Self::Start,
            TrunkRole::Add => Self::Add,
        }
    }
}

impl From<TrunkMode> for TrunkRole {
    fn from(mode: TrunkMode) -> Self {
        match mode {
            TrunkMode::Start => Self::Start,
            TrunkMode::Add => Self::Add,
        }
    }
}

/// The bytes of a network's model file. [`parse`] gives the same network back.
///
/// # Errors
/// [`FileError::Container`], should the container refuse what we write.
pub fn serialize(network: &Network) -> Result<Vec<u8>, FileError> {
    let layers = network.layers();
    let entries =
        layers.iter().map(|layer| LayerEntry { name: layer.name.clone(), kind: OpKind::of(&layer.op, layers) });
    let is_first = network.known_score().is_none() && network.classifier().1.readout().is_plain();
    let document = Document {
        format: if is_first { FIRST_FORMAT } else { FORMAT },
        name: network.name().into(),
        family: network.family().into(),
        input: Input { edge: network.edge() },
        labels: network.labels().to_vec(),
        layers: entries.collect(),
        known: network.known_score().cloned(),
        training: network.training().clone(),
    };
    let json = serde_json::to_string(&document).map_err(FileError::Metadata)?;
    let tensors = layers.iter().enumerate().flat_map(|(i, layer)| layer_tensors(layer, network.bound(i)));
    safetensors::serialize(tensors, Some(HashMap::from([(METADATA_KEY.to_owned(), json)])))
        .map_err(|e| FileError::Container(e.to_string()))
}

impl OpKind {
    fn of(op: &Op, layers: &[Layer]) -> Self {
        let named = |input: usize| layers[input].name.clone();
        match op {
            Op::PixelEmbedding(table) => Self::PixelEmbedding { depth: table.depth() },
            Op::FloatConv(conv) => {
                let g = conv.geometry();
                Self::FloatConv { out: g.out_channels, kernel: g.kernel, stride: g.stride }
            }
            Op::Conv { input, conv, .. } => {
                let Geometry { in_channels, out_channels: out, kernel, stride } = conv.geometry();
                Self::Conv { input: named(*input), in_channels, out, kernel, stride }
            }
            Op::Residual { input, conv, trunk } => {
                let Geometry { in_channels, out_channels: out, kernel, stride } = conv.geometry();
                Self::Residual { trunk: (*trunk).into(), input: named(*input), in_channels, out, kernel, stride }
            }
            Op::Activation(thresholds) => Self::Activation { channels: thresholds.channels() },
            Op::Classifier { input, classifier } => {
                let (g, readout) = (classifier.conv().geometry(), classifier.readout());
                let owners = (!readout.is_plain()).then(|| readout.owners().to_vec());
                Self::Classifier { input: named(*input), in_channels: g.in_channels, out: g.out_channels, owners }
            }
        }
    }
}

/// A tensor's bytes with its type and shape, owned where they had to be packed.
struct StoredTensor<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Cow<'a, [u8]>,
}

impl safetensors::View for StoredTensor<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}

fn layer_tensors(layer: &Layer, bound: i32) -> Vec<(String, StoredTensor<'_>)> {
    let mut tensors = Vec::new();
    let mut push = |part: &str, tensor| tensors.push((format!("{}.{part}", layer.name), tensor));
    if let Some(conv) = layer.op.binary_conv() {
        push("weight", weight_tensor(conv));
    }
    if let Some(thresholds) = layer.op.thresholds() {
        push("thresholds", integer_thresholds(thresholds, bound));
        push("falling", falling_tensor(thresholds.falling()));
    }
    match &layer.op {
        Op::PixelEmbedding(table) => {
            let shape = vec![3, 256, table.depth()];
            push("codes", StoredTensor { dtype: Dtype::U8, shape, data: Cow::Borrowed(table.codes()) });
        }
        Op::FloatConv(conv) => {
            let g = conv.geometry();
            push("pixel_values", float_tensor(vec![3, 256], conv.pixel_values()));
            push("weight", float_tensor(vec![g.out_channels, g.kernel, g.kernel, 3], conv.weights()));
            push("thresholds", float_tensor(vec![g.out_channels, 3], conv.thresholds().rows().as_flattened()));
            push("falling", falling_tensor(conv.thresholds().falling()));
        }
        Op::Classifier { classifier, .. } => {
            let scales = classifier.readout().scales();
            push("scale", float_tensor(vec![scales.len()], scales));
        }
        Op::Conv { .. } | Op::Residual { .. } | Op::Activation(_) => {}
    }
    tensors
}

fn weight_tensor(conv: &BinaryConv) -> StoredTensor<'_> {
    let g = conv.geometry();
    let shape = vec![g.out_channels, g.kernel, g.kernel, g.in_channels.div_ceil(8)];
    StoredTensor { dtype: Dtype::U8, shape, data: Cow::Borrowed(conv.bits()) }
}

fn integer_thresholds(thresholds: &Thresholds<i32>, bound: i32) -> StoredTensor<'static> {
    let values = thresholds.rows().as_flattened();
    let narrow = bound < i32::from(i16::MAX);
    let (dtype, data): (_, Vec<u8>) = if narrow {
        (Dtype::I16, values.iter().flat_map(|&t| (t as i16).to_le_bytes()).collect())
    } else {
        (Dtype::I32, values.iter().flat_map(|t| t.to_le_bytes()).collect())
    };
    StoredTensor { dtype, shape: vec![thresholds.channels(), 3], data: Cow::Owned(data) }
}

fn falling_tensor(falling: &[bool]) -> StoredTensor<'static> {
    let byte = |bits: &[bool]| bits.iter().enumerate().fold(0, |byte, (i, &bit)| byte | u8::from(bit) << i);
    let data: Vec<u8> = falling.chunks(8).map(byte).collect();
    StoredTensor { dtype: Dtype::U8, shape: vec![data.len()], data: Cow::Owned(data) }
}

fn float_tensor(shape: Vec<usize>, values: &[f32]) -> StoredTensor<'static> {
    StoredTensor { dtype: Dtype::F32, shape, data: Cow::Owned(values.iter().flat_map(|x| x.to_le_bytes()).collect()) }
}
