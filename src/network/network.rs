//! Layers, shapes and quantities of an ERN network, and the checks that make a [`Network`] well formed.
//!
//! A network is a list of layers in the order of the data. Two kinds of values flow: *codes* (2-bit activations, 0..=3) that
//! a layer takes from a named earlier layer, and one *trunk*, the residual sum, an integer in units of 1/32 that residual
//! layers start or add to and activation layers read (ern-spec §1 and §5; Takahashi et al., arXiv 2410.11553, §3).

use super::known::{self, Knowing, KnownScore};
use super::readout::Readout;
use std::collections::HashSet;
use thiserror::Error;

/// Most layers a network may have (ERNs101 has about 140).
pub(crate) const MAX_LAYERS: usize = 1024;
/// Most channels a layer may have (the widest published one has 2048).
pub(crate) const MAX_CHANNELS: usize = 8192;
/// Most classes a classifier may have.
pub(crate) const MAX_CLASSES: usize = 65_536;
/// Largest input edge in pixels.
pub const MAX_EDGE: usize = 4096;
/// Most bytes that `Network::memory` may be: of the 512 MB that the program may take, most are for pictures.
pub(crate) const MAX_MEMORY: u64 = 100 << 20;
/// The label of the class that is the empty place: a picture of it is known, and not named.
#[cfg(feature = "live")]
pub(crate) const NOTHING: &str = "nothing";
/// Channels that engines hold together; they fill up the last such block of a layer.
const CHANNEL_BLOCK: usize = 64;

/// A network that is not well formed. Every message names the layer and says what is wrong.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// The list of layers as a whole does not make a network.
    #[error("{0}")]
    Structure(String),
    /// One layer is wrong.
    #[error("layer `{layer}`: {what}")]
    Layer {
        /// The layer's name.
        layer: String,
        /// What is wrong with it.
        what: String,
    },
    /// The input edge does not fit the strides.
    #[error("input edge {edge} is not a multiple of {multiple} between {multiple} and {MAX_EDGE}")]
    Edge {
        /// The edge asked for, in pixels.
        edge: usize,
        /// The product of the strides.
        multiple: usize,
    },
    /// The layers' values are too many.
    #[error(
        "at {edge}×{edge} pixels the network takes {megabytes} MB, more than {} MB (layer `{layer}` is the largest)",
        MAX_MEMORY / 1_000_000
    )]
    Memory {
        /// The input edge, in pixels.
        edge: usize,
        /// What it would take, in millions of bytes.
        megabytes: u64,
        /// The layer with the most values.
        layer: String,
    },
}

impl NetworkError {
    /// What a person can do who chose the network and the size.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Structure(_) | Self::Layer { .. } => "choose another network",
            Self::Edge { .. } => "choose such a size",
            Self::Memory { .. } => "choose a smaller size, or a smaller network",
        }
    }
}

/// The parts of a network before they are checked; see [`Network::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkParts {
    /// Name, as shown.
    pub name: String,
    /// Twins with and without pixel embedding share their family.
    pub family: String,
    /// The input edge in pixels that the network was trained at.
    pub edge: usize,
    /// A label a class.
    pub labels: Vec<String>,
    /// The layers in the order of the data.
    pub layers: Vec<Layer>,
    /// How it tells whether a picture shows one of its classes at all; `None`: by the largest probability.
    pub known: Option<KnownScore>,
    /// How it was trained and what accuracy was measured: free for the trainer to fill, shown as it is.
    pub training: serde_json::Map<String, serde_json::Value>,
}

/// A well-formed network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    parts: NetworkParts,
    multiple: usize,
    bounds: Vec<i32>,
}

/// One step of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Unique; for layers that make codes it is the activation's name in a published checkpoint.
    pub name: String,
    /// What the step does.
    pub op: Op,
}

/// What a layer does. `input` is the index of the earlier layer whose codes it reads.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// Image → codes: every pixel byte is looked up (ern-spec §2).
    PixelEmbedding(CodeTable),
    /// Image → codes: a float convolution, what a network without pixel embedding starts with.
    FloatConv(FloatConv),
    /// Codes → integers → codes.
    Conv {
        /// Where the codes come from.
        input: usize,
        /// The binary convolution.
        conv: BinaryConv,
        /// Batch norm and quantizer, folded.
        thresholds: Thresholds<i32>,
    },
    /// Codes → trunk, with the shared constant 1/32 as scale.
    Residual {
        /// Where the codes come from.
        input: usize,
        /// The binary convolution.
        conv: BinaryConv,
        /// Whether the sum starts anew.
        trunk: TrunkMode,
    },
    /// Trunk → codes.
    Activation(Thresholds<i32>),
    /// Codes → logits.
    Classifier {
        /// Where the codes come from.
        input: usize,
        /// The binary 1×1 convolution and its scales.
        classifier: Classifier,
    },
}

/// What a residual layer does to the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrunkMode {
    /// The trunk becomes this layer's integers (a down-sampling path).
    Start,
    /// This layer's integers are added (the end of a branch).
    Add,
}

/// The learned or fixed table of pixel embedding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeTable {
    depth: usize,
    codes: Vec<u8>,
}

impl CodeTable {
    /// `codes` are `[3][256][depth]`, each 0..=3; `None` where the length does not fit or a code is above 3.
    pub fn new(depth: usize, codes: Vec<u8>) -> Option<Self> {
        let fits = depth > 0 && codes.len() as u64 == product([3, 256, depth]) && codes.iter().all(|&code| code <= 3);
        fits.then_some(Self { depth, codes })
    }

    /// The generalized thermometer (ERN §3.3; ern-spec §2) with `depth` codes a colour; `None` where `depth` is 0 or the codes of
    /// three colours are more channels than a layer may have, 8192.
    pub fn thermometer(depth: usize) -> Option<Self> {
        if !(1..=MAX_CHANNELS / 3).contains(&depth) {
            return None;
        }
        let step = (255 / (3 * depth)).max(1);
        let code = |x: usize, j: usize| (1..=3).filter(|v| x > step * depth * (v - 1) + step * j).count() as u8;
        let row = |x: usize| (1..=depth).map(move |j| code(x, j));
        let colour: Vec<u8> = (0..256).flat_map(row).collect();
        Some(Self { depth, codes: colour.repeat(3) })
    }

    /// Codes a colour.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The codes of one byte of one colour (0 red, 1 green, 2 blue): `depth` of them.
    ///
    /// # Panics
    /// Where `colour` is 3 or more.
    pub fn row(&self, colour: usize, byte: u8) -> &[u8] {
        let start = (colour * 256 + usize::from(byte)) * self.depth;
        &self.codes[start..start + self.depth]
    }

    /// All codes, `[3][256][depth]`.
    pub(crate) fn codes(&self) -> &[u8] {
        &self.codes
    }
}

/// Shape of a convolution: square kernel, zero padding of `kernel / 2` on every side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Channels read.
    pub in_channels: usize,
    /// Channels made.
    pub out_channels: usize,
    /// 1 or 3.
    pub kernel: usize,
    /// 1 or 2.
    pub stride: usize,
}

/// The product of a network's sizes, each of which is small: in 64 bits, where a `usize` may have 32.
fn product<const N: usize>(sizes: [usize; N]) -> u64 {
    sizes.into_iter().fold(1_u64, |product, size| product.saturating_mul(size as u64))
}

impl Geometry {
    /// Multiply-accumulates for an output of `edge` × `edge`.
    pub(crate) fn macs(&self, edge: usize) -> u64 {
        product([self.in_channels, self.kernel, self.kernel, self.out_channels, edge, edge])
    }

    /// Bytes of packed weights a kernel tap.
    fn tap_bytes(&self) -> usize {
        self.in_channels.div_ceil(8)
    }

    fn problem(&self) -> Option<String> {
        let channels = |n: usize| (1..=MAX_CHANNELS).contains(&n);
        if !channels(self.in_channels) || !(1..=MAX_CLASSES).contains(&self.out_channels) {
            return Some(format!(
                "{} → {} channels; up to {MAX_CHANNELS} are allowed",
                self.in_channels, self.out_channels
            ));
        }
        if !matches!(self.kernel, 1 | 3) || !matches!(self.stride, 1 | 2) {
            return Some(format!(
                "kernel {} with stride {}; kernels are 1 or 3, strides 1 or 2",
                self.kernel, self.stride
            ));
        }
        None
    }
}

/// A convolution with weights of one bit: 1 means +1, 0 means −1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryConv {
    geometry: Geometry,
    bits: Vec<u8>,
}

impl BinaryConv {
    /// `bits` are `[out][ky][kx][⌈in/8⌉]`, bit i of byte j the input channel 8j + i; the bits behind the last channel are 0.
    ///
    /// # Errors
    /// A sentence, where the geometry is none we know or the bits do not fit it.
    pub fn new(geometry: Geometry, bits: Vec<u8>) -> Result<Self, String> {
        if let Some(problem) = geometry.problem() {
            return Err(problem);
        }
        let taps = geometry.out_channels * geometry.kernel * geometry.kernel;
        if bits.len() != taps * geometry.tap_bytes() {
            return Err(format!("{} bytes of weights where {} fit", bits.len(), taps * geometry.tap_bytes()));
        }
        let spare = geometry.tap_bytes() * 8 - geometry.in_channels;
        let last_of_taps = bits.iter().skip(geometry.tap_bytes() - 1).step_by(geometry.tap_bytes());
        if spare > 0 && last_of_taps.into_iter().any(|byte| byte >> (8 - spare) != 0) {
            return Err("weight bits behind the last input channel are not 0".into());
        }
        Ok(Self { geometry, bits })
    }

    /// The shape.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The packed weights, as [`BinaryConv::new`] takes them.
    pub(crate) fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// The packed input channels of one tap: `⌈in/8⌉` bytes.
    ///
    /// # Panics
    /// Where `out` is no output channel, or `ky` or `kx` lies beyond the kernel.
    pub fn tap(&self, out: usize, ky: usize, kx: usize) -> &[u8] {
        let g = self.geometry;
        let start = ((out * g.kernel + ky) * g.kernel + kx) * g.tap_bytes();
        &self.bits[start..start + g.tap_bytes()]
    }

    /// Largest magnitude an accumulator can have: every code 3, every weight of one sign.
    pub fn bound(&self) -> i32 {
        (self.geometry.in_channels * self.geometry.kernel * self.geometry.kernel * 3) as i32
    }
}

/// Batch norm and 2-bit quantizer folded into three thresholds a channel (ern-spec §4).
///
/// A rising channel's code is the number of thresholds with n ≥ T (they are non-decreasing); a falling one's, from a
/// negative γ, the number with n ≤ T (they are non-increasing).
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds<N> {
    rows: Vec<[N; 3]>,
    falling: Vec<bool>,
}

impl<N: PartialOrd + Copy + std::fmt::Display> Thresholds<N> {
    /// One row and one direction a channel.
    ///
    /// # Errors
    /// A sentence naming the channel whose thresholds are out of order (or not a number), or the lengths that differ.
    pub fn new(rows: Vec<[N; 3]>, falling: Vec<bool>) -> Result<Self, String> {
        if rows.len() != falling.len() {
            return Err(format!("{} threshold rows but {} directions", rows.len(), falling.len()));
        }
        let ordered = |[a, b, c]: [N; 3], falling: bool| if falling { a >= b && b >= c } else { a <= b && b <= c };
        match rows.iter().zip(&falling).position(|(&row, &falling)| !ordered(row, falling)) {
            Some(channel) => {
                let [a, b, c] = rows[channel];
                Err(format!("thresholds of channel {channel} are out of order: {a}, {b}, {c}"))
            }
            None => Ok(Self { rows, falling }),
        }
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.rows.len()
    }

    /// The three thresholds a channel.
    pub fn rows(&self) -> &[[N; 3]] {
        &self.rows
    }

    /// Whether a channel counts n ≤ T.
    pub(crate) fn falling(&self) -> &[bool] {
        &self.falling
    }

    /// The code 0..=3 of the value `n` in `channel`.
    pub(crate) fn code(&self, channel: usize, n: N) -> u8 {
        let passes = |t: &&N| if self.falling[channel] { n <= **t } else { n >= **t };
        self.rows[channel].iter().filter(passes).count() as u8
    }
}

/// The float first layer: normalised pixels → float32 convolution → batch norm and quantizer as float thresholds.
///
/// The sum runs over ky, kx, colour, in this order, one fused multiply-add a step from 0.0 (taps outside the picture are left out), so
/// that every engine gets the same bits.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatConv {
    geometry: Geometry,
    pixel_values: Vec<f32>,
    weights: Vec<f32>,
    thresholds: Thresholds<f32>,
}

impl FloatConv {
    /// `pixel_values` are `[3][256]`, what each byte of each colour stands for; `weights` are `[out][ky][kx][3]`.
    ///
    /// # Errors
    /// A sentence, where shapes do not fit or a number is not finite.
    pub fn new(
        geometry: Geometry,
        pixel_values: Vec<f32>,
        weights: Vec<f32>,
        thresholds: Thresholds<f32>,
    ) -> Result<Self, String> {
        if let Some(problem) = geometry.problem() {
            return Err(problem);
        }
        if geometry.in_channels != 3 || pixel_values.len() != 3 * 256 {
            return Err("a float first layer reads 3 colours of 256 values each".into());
        }
        let taps = geometry.out_channels * geometry.kernel * geometry.kernel;
        if weights.len() != taps * 3 || thresholds.channels() != geometry.out_channels {
            return Err(format!("{} weights and {} threshold rows do not fit", weights.len(), thresholds.channels()));
        }
        if !pixel_values.iter().chain(&weights).all(|x| x.is_finite() && x.abs() < 1e6) {
            return Err("pixel values or weights are not finite and below 1e6".into());
        }
        Ok(Self { geometry, pixel_values, weights, thresholds })
    }

    /// The shape.
    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// `[3][256]`.
    pub(crate) fn pixel_values(&self) -> &[f32] {
        &self.pixel_values
    }

    /// `[out][ky][kx][3]`.
    pub(crate) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Thresholds over the float sums.
    pub(crate) fn thresholds(&self) -> &Thresholds<f32> {
        &self.thresholds
    }
}

/// The last layer: a binary 1×1 convolution, average pooling, and what its rows are worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    conv: BinaryConv,
    readout: Readout,
}

impl Classifier {
    /// A row a class. `scales` has α · 2/3 a row: what one unit of the integer sum is worth.
    ///
    /// # Errors
    /// A sentence, where the convolution is not 1×1 or a scale is missing, not finite or a million and more.
    pub fn new(conv: BinaryConv, scales: Vec<f32>) -> Result<Self, String> {
        let owners = (0..conv.geometry().out_channels).map(Some).collect();
        Self::with_owners(conv, scales, owners)
    }

    /// The same with rows of any class: `owners` has the class of each, `None` for one of no class.
    ///
    /// # Errors
    /// As [`Classifier::new`], and where a class has no row.
    pub fn with_owners(conv: BinaryConv, scales: Vec<f32>, owners: Vec<Option<usize>>) -> Result<Self, String> {
        let g = conv.geometry();
        if g.kernel != 1 || g.stride != 1 {
            return Err("a classifier is a 1×1 convolution of stride 1".into());
        }
        if owners.len() != g.out_channels {
            return Err(format!("{} rows, and of {} it is said whose they are", g.out_channels, owners.len()));
        }
        Ok(Self { conv, readout: Readout::new(scales, owners)? })
    }

    /// The weights.
    pub fn conv(&self) -> &BinaryConv {
        &self.conv
    }

    /// What the rows are worth, and whose they are.
    pub fn readout(&self) -> &Readout {
        &self.readout
    }
}

/// The shape of what a layer makes, for one input edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Channels.
    pub channels: usize,
    /// Height and width (1 for the classifier).
    pub edge: usize,
    /// Multiply-accumulates a frame.
    pub macs: u64,
}

impl Network {
    /// Checks everything that engines rely on.
    ///
    /// # Errors
    /// [`NetworkError`] names the first layer that is wrong.
    pub fn new(parts: NetworkParts) -> Result<Self, NetworkError> {
        if parts.layers.len() > MAX_LAYERS {
            let what = format!("{} layers; up to {MAX_LAYERS} are allowed", parts.layers.len());
            return Err(NetworkError::Structure(what));
        }
        let labels = parts.labels.iter();
        let texts = [&parts.name, &parts.family].into_iter().chain(labels).chain(parts.layers.iter().map(|l| &l.name));
        check_texts(texts)?;
        let mut checker = Checker::default();
        for layer in &parts.layers {
            checker.check(layer).map_err(|what| NetworkError::Layer { layer: layer.name.clone(), what })?;
        }
        let Some(readout) = checker.readout else {
            return Err(NetworkError::Structure("the last layer is no classifier".into()));
        };
        if parts.labels.len() != readout.classes() {
            let what = format!("{} labels for {} classes", parts.labels.len(), readout.classes());
            return Err(NetworkError::Structure(what));
        }
        if let Some(what) = parts.known.as_ref().and_then(|known| known.problem(readout.others())) {
            return Err(NetworkError::Structure(what));
        }
        let network = Self { multiple: checker.multiple, bounds: checker.bounds, parts };
        network.check_multiple(network.parts.edge)?;
        Ok(network)
    }

    /// Name, as shown.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Twins share it.
    pub(crate) fn family(&self) -> &str {
        &self.parts.family
    }

    /// The input edge in pixels that it was trained at.
    pub fn edge(&self) -> usize {
        self.parts.edge
    }

    /// Input edges are multiples of this, the product of the strides.
    pub fn multiple(&self) -> usize {
        self.multiple
    }

    /// A label a class.
    pub fn labels(&self) -> &[String] {
        &self.parts.labels
    }

    /// Whether a class is the empty place, [`NOTHING`].
    #[cfg(feature = "live")]
    pub(crate) fn is_nothing(&self, class: usize) -> bool {
        self.parts.labels.get(class).is_some_and(|label| label == NOTHING)
    }

    /// The layers in the order of the data; the last one is the classifier.
    pub fn layers(&self) -> &[Layer] {
        &self.parts.layers
    }

    /// The last layer, and the index of the layer that it reads.
    ///
    /// # Panics
    /// Never: a network that ends in another layer does not exist.
    pub(crate) fn classifier(&self) -> (usize, &Classifier) {
        match self.layers().last().map(|layer| &layer.op) {
            Some(Op::Classifier { input, classifier }) => (*input, classifier),
            _ => unreachable!("the last layer is a classifier, or there is no network"),
        }
    }

    /// Whether it knows what it sees, from its logits and those of its rows of no class.
    pub fn knowing(&self, logits: &[f32], others: &[f32]) -> Knowing {
        known::knowing(self.parts.known.as_ref(), logits, others)
    }

    /// From where on [`Knowing::known`] is sure.
    #[cfg(feature = "live")]
    pub(crate) fn limit(&self) -> f32 {
        known::limit(self.parts.known.as_ref())
    }

    /// How it tells whether it knows what it sees, where its file says so.
    pub(crate) fn known_score(&self) -> Option<&KnownScore> {
        self.parts.known.as_ref()
    }

    /// How it was trained, as its file says.
    pub fn training(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.parts.training
    }

    /// All parts, to change some and check again.
    pub fn into_parts(self) -> NetworkParts {
        self.parts
    }

    /// Largest magnitude of a layer's integers before thresholds (accumulator or trunk; 0 where there are none).
    pub(crate) fn bound(&self, layer: usize) -> i32 {
        self.bounds[layer]
    }

    /// Whether the first layer is a table of codes (else it is a float convolution).
    #[cfg(feature = "live")]
    pub(crate) fn has_pixel_embedding(&self) -> bool {
        matches!(self.parts.layers.first().map(|l| &l.op), Some(Op::PixelEmbedding(_)))
    }

    /// Bits of binary weights.
    pub fn weight_bits(&self) -> u64 {
        let bits = |g: Geometry| g.macs(1);
        self.layers().iter().filter_map(|l| l.op.binary_conv()).map(|c| bits(c.geometry())).sum()
    }

    /// Refuses an input edge that the strides do not divide, or at which the network takes too much memory.
    ///
    /// # Errors
    /// [`NetworkError::Edge`], [`NetworkError::Memory`].
    pub fn check_edge(&self, edge: usize) -> Result<(), NetworkError> {
        self.check_multiple(edge)?;
        let bytes = self.memory(edge);
        if bytes <= MAX_MEMORY {
            return Ok(());
        }
        let largest = self.layers().iter().zip(self.block_values(edge)).max_by_key(|(_, values)| *values);
        let layer = largest.map_or_else(String::new, |(layer, _)| layer.name.clone());
        Err(NetworkError::Memory { edge, megabytes: bytes / 1_000_000, layer })
    }

    fn check_multiple(&self, edge: usize) -> Result<(), NetworkError> {
        let fits = edge > 0 && edge <= MAX_EDGE && edge.is_multiple_of(self.multiple);
        fits.then_some(()).ok_or(NetworkError::Edge { edge, multiple: self.multiple })
    }

    /// Bytes that an engine holds at most for a picture of `edge` pixels: the picture, as bytes and as floats; weights and
    /// thresholds; the codes that are still to be read; and three times the largest layer's sums, as it may be a convolution
    /// that is added to a trunk, behind a float layer.
    pub(crate) fn memory(&self, edge: usize) -> u64 {
        let values = self.block_values(edge);
        let last_readers = self.last_readers();
        let alive =
            |at: usize| (0..=at).filter(|&layer| last_readers[layer] >= at).map(|layer| values[layer]).sum::<u64>();
        let codes = (0..values.len()).map(alive).max().unwrap_or(0);
        let has_sums = |layer: &Layer| !matches!(layer.op, Op::PixelEmbedding(_));
        let with_sums = self.layers().iter().zip(&values).filter(|(layer, _)| has_sums(layer));
        let sums = with_sums.map(|(_, values)| 3 * 4 * values).max().unwrap_or(0);
        let picture = product([edge, edge, 3, 5]);
        picture + self.layers().iter().map(|layer| layer.op.parameter_memory()).sum::<u64>() + codes + sums
    }

    /// Values of every layer, its channels counted in whole blocks.
    fn block_values(&self, edge: usize) -> Vec<u64> {
        let values = |s: LayerShape| product([s.channels.next_multiple_of(CHANNEL_BLOCK), s.edge, s.edge]);
        self.shapes(edge).into_iter().map(values).collect()
    }

    /// For every layer the last one that reads its codes; itself where none does.
    pub(crate) fn last_readers(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (0..self.layers().len()).collect();
        for (reader, layer) in self.layers().iter().enumerate() {
            if let Some(input) = layer.op.input() {
                last[input] = reader;
            }
        }
        last
    }

    /// The shape of every layer's output for an input of `edge` pixels, which [`Network::check_edge`] accepts.
    pub fn shapes(&self, edge: usize) -> Vec<LayerShape> {
        let mut shapes: Vec<LayerShape> = Vec::with_capacity(self.layers().len());
        let mut trunk = LayerShape { channels: 0, edge: 0, macs: 0 };
        let convolved = |g: Geometry, from: usize| {
            let edge = from / g.stride;
            LayerShape { channels: g.out_channels, edge, macs: g.macs(edge) }
        };
        for layer in self.layers() {
            let shape = match &layer.op {
                Op::PixelEmbedding(table) => LayerShape { channels: 3 * table.depth(), edge, macs: 0 },
                Op::FloatConv(conv) => convolved(conv.geometry(), edge),
                Op::Conv { input, conv, .. } => convolved(conv.geometry(), shapes[*input].edge),
                Op::Residual { input, conv, .. } => {
                    trunk = convolved(conv.geometry(), shapes[*input].edge);
                    trunk
                }
                Op::Activation(_) => LayerShape { macs: 0, ..trunk },
                Op::Classifier { input, classifier } => {
                    let g = classifier.conv().geometry();
                    LayerShape { channels: g.out_channels, edge: 1, macs: g.macs(shapes[*input].edge) }
                }
            };
            shapes.push(shape);
        }
        shapes
    }
}

impl Op {
    /// The index of the layer whose codes it reads, if it reads any.
    pub(crate) fn input(&self) -> Option<usize> {
        match *self {
            Self::Conv { input, .. } | Self::Residual { input, .. } | Self::Classifier { input, .. } => Some(input),
            Self::PixelEmbedding(_) | Self::FloatConv(_) | Self::Activation(_) => None,
        }
    }

    /// The binary convolution inside, if there is one.
    pub fn binary_conv(&self) -> Option<&BinaryConv> {
        match self {
            Self::Conv { conv, .. } | Self::Residual { conv, .. } => Some(conv),
            Self::Classifier { classifier, .. } => Some(classifier.conv()),
            Self::PixelEmbedding(_) | Self::FloatConv(_) | Self::Activation(_) => None,
        }
    }

    /// The integer thresholds inside, if there are any.
    pub fn thresholds(&self) -> Option<&Thresholds<i32>> {
        match self {
            Self::Conv { thresholds, .. } | Self::Activation(thresholds) => Some(thresholds),
            _ => None,
        }
    }

    /// Bytes that weights and thresholds take at most, as they are here and as an engine packs them.
    fn parameter_memory(&self) -> u64 {
        // A block of 64 weight bits is 8 bytes here, and up to 22 where six channels share two bytes.
        const BLOCK_BYTES: usize = 8 + 22;
        // Three thresholds of 32 bits and a direction, and again packed lane by lane.
        const THRESHOLD_BYTES: usize = 32;
        let conv = self.binary_conv().map_or(0, |conv| {
            let g = conv.geometry();
            let filters = product([g.out_channels.next_multiple_of(CHANNEL_BLOCK), g.kernel, g.kernel]);
            filters * product([g.in_channels.div_ceil(CHANNEL_BLOCK), BLOCK_BYTES])
        });
        let thresholds = self.thresholds().map_or(0, |thresholds| product([thresholds.channels(), THRESHOLD_BYTES]));
        conv + thresholds
    }

    /// Whether the layer makes codes (the others feed the trunk or make logits).
    pub fn makes_codes(&self) -> bool {
        matches!(self, Self::PixelEmbedding(_) | Self::FloatConv(_) | Self::Conv { .. } | Self::Activation(_))
    }
}

/// Codes or a trunk, while a network is checked: channels, and how many input pixels one position spans a side.
#[derive(Clone, Copy)]
struct Flow {
    channels: usize,
    stride: usize,
}

/// Walks the layers once and remembers what flows.
#[derive(Default)]
struct Checker<'a> {
    names: HashSet<&'a str>,
    outputs: Vec<Option<Flow>>,
    trunk: Option<(Flow, i32)>,
    bounds: Vec<i32>,
    readout: Option<&'a Readout>,
    /// The largest stride that a layer has, whether it makes codes or not.
    multiple: usize,
}

impl<'a> Checker<'a> {
    fn check(&mut self, layer: &'a Layer) -> Result<(), String> {
        if self.readout.is_some() {
            return Err("stands behind the classifier".into());
        }
        if layer.name.is_empty() || !self.names.insert(&layer.name) {
            return Err("the name is empty or given twice".into());
        }
        let first = self.outputs.is_empty();
        let reads_image = matches!(layer.op, Op::PixelEmbedding(_) | Op::FloatConv(_));
        if first != reads_image {
            return Err("the first layer, and only it, is a pixel embedding or a float convolution".into());
        }
        let (output, bound) = self.step(&layer.op)?;
        if let Some(thresholds) = layer.op.thresholds() {
            check_thresholds(thresholds, output, bound)?;
        }
        self.outputs.push(output);
        self.bounds.push(bound);
        Ok(())
    }

    /// What the layer makes, and the bound of its integers.
    fn step(&mut self, op: &'a Op) -> Result<(Option<Flow>, i32), String> {
        match op {
            Op::PixelEmbedding(table) => Ok((Some(Flow { channels: 3 * table.depth(), stride: 1 }), 0)),
            Op::FloatConv(conv) => {
                let g = conv.geometry();
                Ok((Some(Flow { channels: g.out_channels, stride: g.stride }), 0))
            }
            Op::Conv { input, conv, .. } => Ok((Some(self.convolve(*input, conv)?), conv.bound())),
            Op::Residual { input, conv, trunk } => {
                let flow = self.convolve(*input, conv)?;
                let bound = self.add_to_trunk(flow, conv.bound(), *trunk)?;
                Ok((None, bound))
            }
            Op::Activation(_) => {
                let (flow, bound) = self.trunk.ok_or("reads a trunk that no layer before it has started")?;
                Ok((Some(flow), bound))
            }
            Op::Classifier { input, classifier } => {
                self.convolve(*input, classifier.conv())?;
                self.readout = Some(classifier.readout());
                Ok((None, classifier.conv().bound()))
            }
        }
    }

    fn convolve(&mut self, input: usize, conv: &BinaryConv) -> Result<Flow, String> {
        let from =
            self.outputs.get(input).copied().flatten().ok_or("its input is no earlier layer that makes codes")?;
        let g = conv.geometry();
        if g.in_channels != from.channels {
            return Err(format!("reads {} channels of an input that has {}", g.in_channels, from.channels));
        }
        let stride = from.stride * g.stride;
        if stride > MAX_EDGE {
            return Err(format!("the strides multiply to {stride}"));
        }
        self.multiple = self.multiple.max(stride);
        Ok(Flow { channels: g.out_channels, stride })
    }

    fn add_to_trunk(&mut self, flow: Flow, bound: i32, mode: TrunkMode) -> Result<i32, String> {
        let bound = match (mode, self.trunk) {
            (TrunkMode::Start, _) => bound,
            (TrunkMode::Add, None) => return Err("adds to a trunk that no layer before it has started".into()),
            (TrunkMode::Add, Some((trunk, before))) => {
                if (trunk.channels, trunk.stride) != (flow.channels, flow.stride) {
                    return Err("its shape differs from the trunk's".into());
                }
                before.checked_add(bound).ok_or("the trunk's bound overflows 32 bits")?
            }
        };
        self.trunk = Some((flow, bound));
        Ok(bound)
    }
}

/// Terminals obey control characters, and lines end at them.
fn check_texts<'a>(mut texts: impl Iterator<Item = &'a String>) -> Result<(), NetworkError> {
    match texts.find(|text| text.contains(char::is_control)) {
        Some(text) => {
            Err(NetworkError::Structure(format!("the name or label `{}` has control characters", text.escape_debug())))
        }
        None => Ok(()),
    }
}

fn check_thresholds(thresholds: &Thresholds<i32>, output: Option<Flow>, bound: i32) -> Result<(), String> {
    let channels = output.map_or(0, |flow| flow.channels);
    if thresholds.channels() != channels {
        return Err(format!("{} threshold rows for {channels} channels", thresholds.channels()));
    }
    let allowed = -(bound + 1)..=bound + 1;
    match thresholds.rows().iter().flatten().find(|t| !allowed.contains(t)) {
        Some(t) => Err(format!("threshold {t} is beyond ±{} (the bound + 1)", bound + 1)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a `usize` has 32 bits, the sizes of what passes as a layer multiply to more than it holds.
    #[test]
    fn products_of_sizes_do_not_wrap() {
        let widest = Geometry { in_channels: MAX_CHANNELS, out_channels: MAX_CLASSES, kernel: 3, stride: 1 };
        assert_eq!(widest.problem(), None);
        assert_eq!(widest.macs(MAX_EDGE), (9 << 13) << 16 << 24);
        assert_eq!(product([MAX_CLASSES, MAX_EDGE, MAX_EDGE]), 1 << 40);
        assert_eq!(product([usize::MAX; 6]), u64::MAX);
    }

    #[test]
    fn tables_of_no_depth_and_of_too_much_are_refused() {
        for depth in [0, 1 << (usize::BITS - 8), usize::MAX] {
            assert_eq!(CodeTable::new(depth, Vec::new()), None, "{depth}");
            assert_eq!(CodeTable::thermometer(depth), None, "{depth}");
        }
        assert_eq!(CodeTable::thermometer(MAX_CHANNELS / 3 + 1), None);
        let deepest = CodeTable::thermometer(MAX_CHANNELS / 3).expect("as many channels as there may be");
        assert_eq!(CodeTable::new(deepest.depth(), deepest.codes().to_vec()), Some(deepest));
    }
}
