//! Plain loops against ern-spec.md: the truth that every other engine must equal.

#[cfg(feature = "live")]
use super::isolated::{InputsRead, IsolatesLayers, LayerInputs};
use super::{Engine, EngineError, EngineInfo, EngineKind, Outcome, Probe, Sums, Wants, check_input, count_codes};
use crate::frame::InputImage;
use crate::network::{
    BinaryConv, Classifier, CodeTable, FloatConv, LayerShape, Logits, Network, NetworkError, Op, Thresholds, TrunkMode,
};
use std::sync::Arc;
use web_time::Instant;

/// Codes or sums of one layer: CHW.
#[derive(Clone, Debug, Default)]
struct Map<T> {
    channels: usize,
    edge: usize,
    values: Vec<T>,
}

impl<T: Copy + Default> Map<T> {
    /// Another shape, in the buffer that is there.
    fn reshape(&mut self, channels: usize, edge: usize) {
        (self.channels, self.edge) = (channels, edge);
        self.values.resize(channels * edge * edge, T::default());
    }

    fn at(&self, channel: usize, y: usize, x: usize) -> T {
        self.values[(channel * self.edge + y) * self.edge + x]
    }

    fn fill(&mut self, value: impl Fn(usize, usize, usize) -> T) {
        for channel in 0..self.channels {
            for y in 0..self.edge {
                for x in 0..self.edge {
                    self.values[(channel * self.edge + y) * self.edge + x] = value(channel, y, x);
                }
            }
        }
    }
}

/// The reference engine.
pub struct ReferenceEngine {
    network: Arc<Network>,
    edge: usize,
    shapes: Vec<LayerShape>,
    last_readers: Vec<usize>,
    /// Of every layer, until its last reader has run.
    codes: Vec<Map<u8>>,
    /// Of the convolution that runs.
    sums: Map<i32>,
    floats: Map<f32>,
    trunk: Map<i32>,
    logits: Logits,
}

impl ReferenceEngine {
    /// For pictures of `edge` × `edge` pixels.
    ///
    /// # Errors
    /// Where [`Network::check_edge`] refuses `edge`.
    pub fn new(network: Arc<Network>, edge: usize) -> Result<Self, NetworkError> {
        network.check_edge(edge)?;
        Ok(Self {
            shapes: network.shapes(edge),
            last_readers: network.last_readers(),
            codes: vec![Map::default(); network.layers().len()],
            sums: Map::default(),
            floats: Map::default(),
            trunk: Map::default(),
            logits: network.classifier().1.readout().room(),
            network,
            edge,
        })
    }

    fn step(&mut self, index: usize, image: &InputImage) {
        let LayerShape { channels, edge, .. } = self.shapes[index];
        let (before, rest) = self.codes.split_at_mut(index);
        let (codes, sums, trunk) = (&mut rest[0], &mut self.sums, &mut self.trunk);
        let op = &self.network.layers()[index].op;
        if op.makes_codes() {
            codes.reshape(channels, edge);
        }
        match op {
            Op::PixelEmbedding(table) => embed(table, image, codes),
            Op::FloatConv(conv) => {
                self.floats.reshape(channels, edge);
                convolve_floats(conv, image, &mut self.floats);
                codes.fill(|c, y, x| conv.thresholds().code(c, self.floats.at(c, y, x)));
            }
            Op::Conv { input, conv, thresholds } => {
                sums.reshape(channels, edge);
                sums.fill(|c, y, x| accumulate(conv, &before[*input], c, y, x));
                quantize(thresholds, sums, codes);
            }
            Op::Residual { input, conv, trunk: mode } => {
                sums.reshape(channels, edge);
                sums.fill(|c, y, x| accumulate(conv, &before[*input], c, y, x));
                if *mode == TrunkMode::Add {
                    sums.values.iter_mut().zip(&trunk.values).for_each(|(sum, trunk)| *sum += trunk);
                }
                std::mem::swap(trunk, sums);
            }
            Op::Activation(thresholds) => quantize(thresholds, trunk, codes),
            Op::Classifier { input, classifier } => {
                sums.reshape(channels, edge);
                classify(classifier, &before[*input], sums, &mut self.logits);
            }
        }
    }

    fn show(&self, index: usize, probe: &mut dyn Probe) {
        let Wants { codes, histogram, sums } = probe.wants(index);
        let op = &self.network.layers()[index].op;
        match op {
            Op::FloatConv(_) if sums => probe.sums(index, Sums::Floats(&self.floats.values)),
            Op::Conv { .. } | Op::Classifier { .. } if sums => probe.sums(index, Sums::Integers(&self.sums.values)),
            Op::Residual { .. } | Op::Activation(_) if sums => probe.sums(index, Sums::Integers(&self.trunk.values)),
            _ => {}
        }
        if codes && op.makes_codes() {
            probe.codes(index, &self.codes[index].values);
        }
        if histogram && op.makes_codes() {
            probe.histogram(index, count_codes(&self.codes[index].values));
        }
    }

    /// Drops the codes that no layer behind this one reads: networks are deep.
    fn forget(&mut self, index: usize) {
        let read = self.codes.iter_mut().zip(&self.last_readers).filter(|(_, last)| **last == index);
        read.for_each(|(codes, _)| *codes = Map::default());
    }
}

impl Engine for ReferenceEngine {
    fn info(&self) -> EngineInfo {
        EngineInfo {
            kind: EngineKind::Reference,
            name: "reference".into(),
            threads: 1,
            kernels: vec!["plain loops"; self.shapes.len()],
            most_macs_a_cycle: None,
            board: None,
        }
    }

    fn network(&self) -> &Arc<Network> {
        &self.network
    }

    fn edge(&self) -> usize {
        self.edge
    }

    fn planned_bytes(&self) -> usize {
        self.network.memory(self.edge) as usize
    }

    fn run(&mut self, input: &InputImage) -> Result<Outcome<'_>, EngineError> {
        self.run_probed(input, &mut Blind)
    }

    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<Outcome<'_>, EngineError> {
        check_input(input, self.edge)?;
        for index in 0..self.shapes.len() {
            let start = Instant::now();
            self.step(index, input);
            probe.time(index, start.elapsed());
            self.show(index, probe);
            self.forget(index);
        }
        Ok(Outcome::here(&self.logits))
    }
}

#[cfg(feature = "live")]
impl IsolatesLayers for ReferenceEngine {
    fn run_layer(
        &mut self,
        layer: usize,
        inputs: LayerInputs<'_>,
        probe: &mut dyn Probe,
    ) -> Result<InputsRead, EngineError> {
        check_input(inputs.image, self.edge)?;
        let read = self.network.layers()[layer].op.input();
        if let Some(input) = read {
            let LayerShape { channels, edge, .. } = self.shapes[input];
            self.codes[input] = Map { channels, edge, values: inputs.codes.to_vec() };
        }
        let LayerShape { channels, edge, .. } = self.shapes[layer];
        self.trunk = Map { channels, edge, values: inputs.trunk.to_vec() };
        self.step(layer, inputs.image);
        self.show(layer, probe);
        [Some(layer), read].into_iter().flatten().for_each(|made| self.codes[made] = Map::default());
        Ok(InputsRead::default())
    }
}

/// Looks at nothing.
struct Blind;

impl Probe for Blind {}

/// ern-spec §2: channel colour · depth + i.
fn embed(table: &CodeTable, image: &InputImage, codes: &mut Map<u8>) {
    let (depth, edge, rgb) = (table.depth(), image.edge(), image.rgb());
    codes.fill(|c, y, x| {
        let colour = c / depth;
        table.row(colour, rgb[(y * edge + x) * 3 + colour])[c % depth]
    });
}

/// The codes of pixel embedding, CHW.
#[cfg(feature = "fpga")]
pub(crate) fn embedded(table: &CodeTable, image: &InputImage) -> Vec<u8> {
    let mut codes = Map::default();
    codes.reshape(3 * table.depth(), image.edge());
    embed(table, image, &mut codes);
    codes.values
}

/// The positions of a kernel's taps inside the picture: (ky, kx, y, x).
fn taps(
    kernel: usize,
    stride: usize,
    edge: usize,
    y: usize,
    x: usize,
) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    let inside = move |at: usize, k: usize| (at * stride + k).checked_sub(kernel / 2).filter(|&i| i < edge);
    (0..kernel).flat_map(move |ky| (0..kernel).filter_map(move |kx| Some((ky, kx, inside(y, ky)?, inside(x, kx)?))))
}

/// ern-spec §1: Σ (±1 · code) over the receptive field, padding counts as code 0.
fn accumulate(conv: &BinaryConv, input: &Map<u8>, out: usize, y: usize, x: usize) -> i32 {
    let g = conv.geometry();
    let mut sum = 0;
    for (ky, kx, iy, ix) in taps(g.kernel, g.stride, input.edge, y, x) {
        let weights = conv.tap(out, ky, kx);
        for channel in 0..g.in_channels {
            let code = i32::from(input.at(channel, iy, ix));
            sum += if weights[channel / 8] >> (channel % 8) & 1 == 1 { code } else { -code };
        }
    }
    sum
}

fn convolve_floats(conv: &FloatConv, image: &InputImage, floats: &mut Map<f32>) {
    floats.fill(|out, y, x| float_sum(conv, image, out, y, x));
}

/// One sum of a float first layer. Its order is part of the format: see [`FloatConv`].
pub(crate) fn float_sum(conv: &FloatConv, image: &InputImage, out: usize, y: usize, x: usize) -> f32 {
    let (g, edge) = (conv.geometry(), image.edge());
    let mut sum = 0.0_f32;
    for (ky, kx, iy, ix) in taps(g.kernel, g.stride, edge, y, x) {
        for colour in 0..3 {
            let byte = image.rgb()[(iy * edge + ix) * 3 + colour];
            let weight = conv.weights()[((out * g.kernel + ky) * g.kernel + kx) * 3 + colour];
            sum = weight.mul_add(conv.pixel_values()[colour * 256 + usize::from(byte)], sum);
        }
    }
    sum
}

fn quantize(thresholds: &Thresholds<i32>, sums: &Map<i32>, codes: &mut Map<u8>) {
    codes.fill(|c, y, x| thresholds.code(c, sums.at(c, y, x)));
}

fn classify(classifier: &Classifier, input: &Map<u8>, sums: &mut Map<i32>, logits: &mut Logits) {
    let rows = sums.values.iter_mut().enumerate().map(|(row, shown)| {
        let places = (0..input.edge).flat_map(|y| (0..input.edge).map(move |x| (y, x)));
        let sum = places.map(|(y, x)| i64::from(accumulate(classifier.conv(), input, row, y, x))).sum();
        *shown = i32::try_from(sum).unwrap_or(i32::MAX);
        sum
    });
    classifier.readout().read(rows, input.edge * input.edge, logits);
}
