//! All of the arithmetic of one value.

use super::neuron::Neuron;
use super::reading::Reading;
use crate::engine::reference::float_sum;
use crate::frame::InputImage;
use crate::network::{FloatConv, Geometry, Network, Op};
use std::sync::Arc;

/// One product of a sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Term {
    /// The layer whose weight it is: the neuron's own, or a branch that writes to its trunk.
    pub(crate) by: usize,
    /// The layer whose code is read; `None`: a byte of the picture.
    pub(crate) layer: Option<usize>,
    /// The channel that is read: a colour (0 red, 1 green, 2 blue) where it is a byte.
    pub(crate) channel: usize,
    /// Row of what is read.
    pub(crate) y: usize,
    /// Column of what is read.
    pub(crate) x: usize,
    /// How many rows and columns from the kernel's middle the weight lies; 0, 0 where the kernel is 1×1.
    pub(crate) tap: [i32; 2],
    /// The code, or the byte.
    pub(crate) code: u8,
    /// What it is multiplied by: 1 or −1, a float in a float first layer.
    pub(crate) weight: f64,
}

impl Term {
    /// What it adds to the sum.
    pub(crate) fn contribution(&self) -> f64 {
        self.weight * f64::from(self.code)
    }

    /// The neuron whose code it is, to be explained next; `None` where it is a byte of the picture.
    pub(crate) fn neuron(&self) -> Option<Neuron> {
        self.layer.map(|layer| Neuron { layer, channel: self.channel, y: self.y, x: self.x })
    }
}

/// Why a value is what it is: Σ weight · code over [`Explanation::terms`] is `sum`, and `plus` − `minus` too.
///
/// Sums are those that probes are shown: an accumulator, the trunk, a classifier's sum over all positions. They are whole numbers far
/// below 2⁵³, which an `f64` holds exactly, but for a float first layer. There a byte of 0 cannot carry a product other than 0, and yet
/// adds something; this, and what float32 rounds, is `offset`, and is spread evenly over the terms of the other bytes. Where all bytes
/// are 0, the whole sum is offset.
///
/// Pixel embedding has one term, the byte that is looked up, with weight 1: the table stands in the place of thresholds.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    network: Arc<Network>,
    neuron: Neuron,
    readings: Vec<Reading>,
    /// What each term of a byte above 0 has of the offset.
    share: f64,
    /// Σ weight · code.
    pub(crate) sum: f64,
    /// The sum of the terms above 0.
    pub(crate) plus: f64,
    /// The sum of the terms below 0, its sign left out.
    pub(crate) minus: f64,
    /// What no term of its own stands for; only a float first layer has it.
    pub(crate) offset: Option<f64>,
    /// The channel's three thresholds, where it has any.
    pub(crate) thresholds: Option<[f64; 3]>,
    /// Whether the code counts sum ≤ threshold, where there are thresholds.
    pub(crate) falling: Option<bool>,
    /// The code that comes of it, where one does.
    pub(crate) code: Option<u8>,
}

impl Explanation {
    /// From all that is read; the neuron is one of the network.
    pub(super) fn new(network: Arc<Network>, neuron: Neuron, readings: Vec<Reading>, image: &InputImage) -> Self {
        let mut this = Self {
            network: Arc::clone(&network),
            neuron,
            readings,
            share: 0.0,
            sum: 0.0,
            plus: 0.0,
            minus: 0.0,
            offset: None,
            thresholds: None,
            falling: None,
            code: None,
        };
        match &network.layers()[neuron.layer].op {
            Op::FloatConv(conv) => {
                this.take_float_sum(conv, float_sum(conv, image, neuron.channel, neuron.y, neuron.x));
            }
            _ => this.add_up(),
        }
        this.quantize(&network.layers()[neuron.layer].op);
        this
    }

    fn add_up(&mut self) {
        let (mut plus, mut minus) = (0.0, 0.0);
        for contribution in self.terms().map(|term| term.contribution()) {
            *if contribution > 0.0 { &mut plus } else { &mut minus } += contribution.abs();
        }
        (self.plus, self.minus, self.sum) = (plus, minus, plus - minus);
    }

    fn take_float_sum(&mut self, conv: &FloatConv, sum: f32) {
        self.add_up();
        let (sum, carriers) = (f64::from(sum), self.terms().filter(|term| term.code > 0).count());
        let offset = sum - self.sum;
        if carriers > 0 {
            self.share = offset / carriers as f64;
            self.add_up();
        } else {
            (self.plus, self.minus) = (offset.max(0.0), (-offset).max(0.0));
        }
        (self.sum, self.offset) = (sum, Some(offset));
        let channel = self.neuron.channel;
        self.thresholds = Some(conv.thresholds().rows()[channel].map(f64::from));
        self.falling = Some(conv.thresholds().falling()[channel]);
        self.code = Some(conv.thresholds().code(channel, sum as f32));
    }

    fn quantize(&mut self, op: &Op) {
        let channel = self.neuron.channel;
        if let Op::PixelEmbedding(table) = op {
            let (colour, row) = (channel / table.depth(), channel % table.depth());
            self.code = Some(table.row(colour, self.sum as u8)[row]);
        }
        if let Some(thresholds) = op.thresholds() {
            self.thresholds = Some(thresholds.rows()[channel].map(f64::from));
            self.falling = Some(thresholds.falling()[channel]);
            self.code = Some(thresholds.code(channel, self.sum as i32));
        }
    }

    /// The network whose value it is.
    pub(crate) fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// Where the value stands.
    pub(crate) fn neuron(&self) -> Neuron {
        self.neuron
    }

    /// Every term once: branch by branch in the order of the data, row by row, column by column, channel by channel. They are made one
    /// by one, as there may be more than should be held.
    pub(crate) fn terms(&self) -> impl Iterator<Item = Term> + '_ {
        let of_reading = move |reading: &'_ Reading| {
            let channels = reading.channels.clone();
            reading.positions().flat_map(move |at| channels.clone().map(move |channel| (channel, at)))
        };
        self.readings
            .iter()
            .flat_map(move |reading| of_reading(reading).map(move |(channel, at)| self.term(reading, channel, at)))
    }

    /// Branch by branch what is read.
    pub(super) fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// The term of one value that is read.
    pub(super) fn term(&self, reading: &Reading, channel: usize, at: [usize; 2]) -> Term {
        let [y, x] = at;
        let code = reading.value(channel, at);
        let op = &self.network.layers()[reading.by].op;
        let kernel = Kernel::of(op, self.neuron, at);
        let weight = match op {
            Op::FloatConv(_) if code == 0 => 0.0,
            Op::FloatConv(conv) => (self.float_product(conv, kernel, channel, code) + self.share) / f64::from(code),
            _ => match op.binary_conv() {
                None => 1.0,
                Some(conv) => {
                    let bits = conv.tap(self.neuron.channel, kernel.y, kernel.x);
                    if bits[channel / 8] >> (channel % 8) & 1 == 1 { 1.0 } else { -1.0 }
                }
            },
        };
        Term { by: reading.by, layer: reading.from, channel, y, x, tap: kernel.tap(), code, weight }
    }

    /// What a byte adds to the sum of a float first layer.
    fn float_product(&self, conv: &FloatConv, kernel: Kernel, colour: usize, byte: u8) -> f64 {
        let at = ((self.neuron.channel * kernel.edge + kernel.y) * kernel.edge + kernel.x) * 3 + colour;
        f64::from(conv.weights()[at]) * f64::from(conv.pixel_values()[colour * 256 + usize::from(byte)])
    }
}

/// Which weights of a kernel meet a position.
#[derive(Clone, Copy)]
struct Kernel {
    edge: usize,
    y: usize,
    x: usize,
}

impl Kernel {
    /// Of the layer `op`, for the position `at` of what it reads, to make `neuron`.
    fn of(op: &Op, neuron: Neuron, at: [usize; 2]) -> Self {
        let Geometry { kernel, stride, .. } = match op {
            Op::Conv { conv, .. } | Op::Residual { conv, .. } => conv.geometry(),
            Op::FloatConv(conv) => conv.geometry(),
            // A classifier's one weight a channel meets every position.
            _ => return Self { edge: 1, y: 0, x: 0 },
        };
        let [y, x] = at;
        Self { edge: kernel, y: y + kernel / 2 - neuron.y * stride, x: x + kernel / 2 - neuron.x * stride }
    }

    /// From the middle.
    fn tap(self) -> [i32; 2] {
        [self.y, self.x].map(|at| at as i32 - (self.edge / 2) as i32)
    }
}
