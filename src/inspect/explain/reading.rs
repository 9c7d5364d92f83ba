//! What one convolution reads for a neuron.

use super::area::Area;
use super::neuron::Neuron;
use crate::engine::reference::float_sum;
use crate::frame::InputImage;
use crate::network::{CodeTable, LayerShape, Network, Op};
use std::ops::Range;

/// The values that one layer reads to make a neuron, or its part of a trunk's neuron.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The layer that reads.
    pub(super) by: usize,
    /// The layer whose codes it reads; `None`: the bytes of the picture.
    pub(super) from: Option<usize>,
    /// Which channels of it are read: colours where it reads the picture.
    pub(super) channels: Range<usize>,
    /// Which positions of it are read, padding not among them.
    pub(super) area: Area,
    /// Height and width of what is read.
    edge: usize,
    /// Codes or bytes, `[channels][rows][columns]` of the area; empty until they are known.
    values: Vec<u8>,
    /// Where a table makes the codes, the bytes that were looked up, `[3][rows][columns]`.
    bytes: Vec<u8>,
}

impl Reading {
    /// What the layer `by` reads for `neuron`, for a picture of `edge` pixels, with nothing known yet.
    pub(super) fn new(network: &Network, shapes: &[LayerShape], edge: usize, by: usize, neuron: Neuron) -> Self {
        let op = &network.layers()[by].op;
        let from = op.input();
        let (channels, edge) = match (op, from) {
            (Op::PixelEmbedding(table), _) => {
                let colour = neuron.channel / table.depth();
                (colour..colour + 1, edge)
            }
            (_, None) => (0..3, edge),
            (_, Some(input)) => (0..shapes[input].channels, shapes[input].edge),
        };
        let area = Area::of(neuron).read_by(op, edge);
        Self { by, from, channels, area, edge, values: Vec::new(), bytes: Vec::new() }
    }

    /// Whether its values are known.
    pub(super) fn is_known(&self) -> bool {
        !self.values.is_empty()
    }

    /// Takes what it needs of the codes of the layer that it reads, CHW.
    pub(super) fn take_codes(&mut self, codes: &[u8]) {
        let edge = self.edge;
        self.values = self.collect(self.channels.clone(), |channel, y, x| codes[(channel * edge + y) * edge + x]);
    }

    /// Takes what follows from the picture: its bytes, or the codes of the first layer.
    pub(super) fn take_picture(&mut self, network: &Network, image: &InputImage) {
        let byte = |colour: usize, y: usize, x: usize| image.rgb()[(y * image.edge() + x) * 3 + colour];
        match (&network.layers()[0].op, self.from) {
            (_, None) => self.values = self.collect(self.channels.clone(), byte),
            (Op::PixelEmbedding(table), Some(0)) => {
                let depth = table.depth();
                let code = |channel, y, x| {
                    let colour = channel / depth;
                    table.row(colour, byte(colour, y, x))[channel % depth]
                };
                self.bytes = self.collect(0..3, byte);
                self.values = self.collect(self.channels.clone(), code);
            }
            (Op::FloatConv(conv), Some(0)) => {
                let code = |channel, y, x| conv.thresholds().code(channel, float_sum(conv, image, channel, y, x));
                self.values = self.collect(self.channels.clone(), code);
            }
            _ => {}
        }
    }

    /// Its positions, row by row.
    pub(super) fn positions(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let Area { y, x } = self.area.clone();
        y.flat_map(move |y| x.clone().map(move |x| [y, x]))
    }

    /// The code, or the byte, at a position inside the area.
    pub(super) fn value(&self, channel: usize, [y, x]: [usize; 2]) -> u8 {
        self.values[self.index(channel - self.channels.start, y, x)]
    }

    /// The table and the byte of a colour at a position, where a table makes the codes.
    pub(super) fn looked_up<'a>(
        &self,
        network: &'a Network,
        colour: usize,
        [y, x]: [usize; 2],
    ) -> Option<(&'a CodeTable, u8)> {
        let Op::PixelEmbedding(table) = &network.layers()[0].op else { return None };
        self.bytes.get(self.index(colour, y, x)).map(|&byte| (table, byte))
    }

    fn index(&self, channel: usize, y: usize, x: usize) -> usize {
        let Area { y: rows, x: columns } = &self.area;
        (channel * rows.len() + y - rows.start) * columns.len() + x - columns.start
    }

    fn collect(&self, channels: Range<usize>, value: impl Fn(usize, usize, usize) -> u8) -> Vec<u8> {
        channels
            .flat_map(|channel| self.positions().map(move |[y, x]| (channel, y, x)))
            .map(|(c, y, x)| value(c, y, x))
            .collect()
    }
}
