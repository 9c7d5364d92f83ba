//! Networks by recipe: every kind of layer, thresholds of every kind. The fuzzed entries make their networks of it too.

use ernscope::frame::InputImage;
use ernscope::network::{
    BinaryConv, Classifier, CodeTable, FloatConv, Geometry, KnownScore, Layer, Network, NetworkParts, Op, Thresholds,
    TrunkMode,
};

/// What a random network looks like; its weights follow from the seed.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Where the weights come from.
    pub(crate) seed: u64,
    /// Positions a side of the smallest map.
    pub(crate) smallest: usize,
    /// The first layer.
    pub(crate) first: First,
    /// Convolutions behind it: output channels, kernel, stride.
    pub(crate) convs: Vec<(usize, usize, usize)>,
    /// Residual blocks.
    pub(crate) blocks: Vec<Block>,
    /// Classes.
    pub(crate) classes: usize,
}

/// A first layer.
#[derive(Clone, Debug)]
pub(crate) enum First {
    /// Codes a colour.
    Embedding(usize),
    /// Output channels, kernel, stride.
    Float(usize, usize, usize),
}

/// A residual block; it starts the trunk anew where it is the first one or changes the shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// 1×1, 3×3, 1×1 instead of two 3×3.
    pub(crate) bottleneck: bool,
    /// Output channels.
    pub(crate) channels: usize,
    /// 1 or 2.
    pub(crate) stride: usize,
}

impl Recipe {
    /// The network.
    pub(crate) fn network(&self) -> Network {
        let mut builder =
            Builder { random: Random(self.seed), layers: Vec::new(), trunk: None, stride: 1, channels: 0 };
        builder.first(&self.first);
        for &(channels, kernel, stride) in &self.convs {
            builder.conv(channels, kernel, stride);
        }
        for &block in &self.blocks {
            builder.block(block);
        }
        builder.finish(self.classes, self.smallest)
    }
}

/// A picture of random pixels.
pub(crate) fn picture(edge: usize, seed: u64) -> InputImage {
    let mut random = Random(seed);
    let mut image = InputImage::black(edge);
    image.rgb_mut().fill_with(|| random.next() as u8);
    image
}

/// Xorshift* (Vigna 2016): any numbers will do.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0 | 1;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, n: i32) -> i32 {
        (self.next() % n as u64) as i32
    }

    fn unit(&mut self) -> f32 {
        self.below(20_001) as f32 / 10_000.0 - 1.0
    }
}

struct Builder {
    random: Random,
    layers: Vec<Layer>,
    /// The trunk's bound, channels and stride.
    trunk: Option<(i32, usize, usize)>,
    /// Of the last codes.
    stride: usize,
    channels: usize,
}

impl Builder {
    fn push(&mut self, op: Op) -> usize {
        let name = format!("layer{}", self.layers.len());
        self.layers.push(Layer { name, op });
        self.layers.len() - 1
    }

    fn first(&mut self, first: &First) {
        match *first {
            First::Embedding(depth) => {
                let codes = (0..3 * 256 * depth).map(|_| self.random.below(4) as u8).collect();
                self.push(Op::PixelEmbedding(CodeTable::new(depth, codes).expect("codes up to 3")));
                self.channels = 3 * depth;
            }
            First::Float(out_channels, kernel, stride) => {
                let geometry = Geometry { in_channels: 3, out_channels, kernel, stride };
                let values = (0..3 * 256).map(|_| self.random.unit()).collect();
                let weights = (0..out_channels * kernel * kernel * 3).map(|_| self.random.unit()).collect();
                let rows = (0..out_channels).map(|_| {
                    let middle = self.random.unit();
                    let step = self.random.unit();
                    ([middle - step, middle, middle + step], step < 0.0)
                });
                let (rows, falling) = rows.unzip();
                let thresholds = Thresholds::new(rows, falling).expect("steps go one way");
                let conv = FloatConv::new(geometry, values, weights, thresholds).expect("shapes fit");
                self.push(Op::FloatConv(conv));
                (self.channels, self.stride) = (out_channels, stride);
            }
        }
    }

    fn weights(&mut self, in_channels: usize, out_channels: usize, kernel: usize, stride: usize) -> BinaryConv {
        let geometry = Geometry { in_channels, out_channels, kernel, stride };
        let tap = in_channels.div_ceil(8);
        let last = 0xff >> (tap * 8 - in_channels);
        // Now and then a filter of one sign: its sums reach the bound.
        let signs: Vec<u8> = (0..out_channels).map(|_| [0, 0xff, 0xaa, 0xaa][self.random.below(4) as usize]).collect();
        let byte = |i: usize| {
            let sign = signs[i / (tap * kernel * kernel)];
            let bits = if sign == 0xaa { self.random.next() as u8 } else { sign };
            if i % tap == tap - 1 { bits & last } else { bits }
        };
        BinaryConv::new(geometry, (0..out_channels * kernel * kernel * tap).map(byte).collect()).expect("bits fit")
    }

    fn thresholds(&mut self, channels: usize, bound: i32) -> Thresholds<i32> {
        let mut rows = Vec::new();
        let mut falling = Vec::new();
        for _ in 0..channels {
            let spread = if self.random.below(3) == 0 { bound + 1 } else { (f64::from(bound).sqrt() * 2.0) as i32 + 1 };
            let mut row: [i32; 3] = std::array::from_fn(|_| self.random.below(2 * spread + 1) - spread);
            match self.random.below(8) {
                0 => row = [bound + 1; 3],
                1 => row = [-bound - 1; 3],
                2 => row = [-bound - 1, row[1], bound + 1],
                3 => row = [bound; 3],
                4 => row = [-bound, -bound, bound],
                _ => {}
            }
            row = row.map(|t| t.clamp(-bound - 1, bound + 1));
            row.sort_unstable();
            let falls = self.random.below(3) == 0;
            if falls {
                row.reverse();
            }
            rows.push(row);
            falling.push(falls);
        }
        Thresholds::new(rows, falling).expect("sorted")
    }

    fn conv(&mut self, out_channels: usize, kernel: usize, stride: usize) {
        let conv = self.weights(self.channels, out_channels, kernel, stride);
        let thresholds = self.thresholds(out_channels, conv.bound());
        self.push(Op::Conv { input: self.layers.len() - 1, conv, thresholds });
        self.channels = out_channels;
        self.stride *= stride;
    }

    fn activation(&mut self) {
        if let Some((bound, channels, stride)) = self.trunk {
            let thresholds = self.thresholds(channels, bound);
            self.push(Op::Activation(thresholds));
            (self.channels, self.stride) = (channels, stride);
        }
    }

    fn residual(&mut self, input: usize, conv: BinaryConv, stride: usize, trunk: TrunkMode) {
        let before = self.trunk.filter(|_| trunk == TrunkMode::Add).map_or(0, |(bound, ..)| bound);
        self.trunk = Some((before + conv.bound(), conv.geometry().out_channels, stride));
        self.push(Op::Residual { input, conv, trunk });
    }

    fn block(&mut self, block: Block) {
        self.activation();
        let (entry, from, start) = (self.layers.len() - 1, self.channels, self.stride);
        let stride = start * block.stride;
        if self.trunk.is_none_or(|(_, channels, at)| (channels, at) != (block.channels, stride)) {
            let conv = self.weights(from, block.channels, 1, block.stride);
            self.residual(entry, conv, stride, TrunkMode::Start);
        }
        (self.channels, self.stride) = (from, start);
        if block.bottleneck {
            let inner = block.channels / 2 + 1;
            let conv = self.weights(from, inner, 1, 1);
            let thresholds = self.thresholds(inner, conv.bound());
            self.push(Op::Conv { input: entry, conv, thresholds });
            self.channels = inner;
            self.conv(inner, 3, block.stride);
        } else {
            let conv = self.weights(from, block.channels, 3, block.stride);
            let thresholds = self.thresholds(block.channels, conv.bound());
            self.push(Op::Conv { input: entry, conv, thresholds });
            (self.channels, self.stride) = (block.channels, stride);
        }
        let kernel = if block.bottleneck { 1 } else { 3 };
        let conv = self.weights(self.channels, block.channels, kernel, 1);
        self.residual(self.layers.len() - 1, conv, stride, TrunkMode::Add);
    }

    fn finish(mut self, classes: usize, smallest: usize) -> Network {
        self.activation();
        // Every other network has two rows for its first class, and rows of no class.
        let others = self.random.below(2) as usize * (1 + self.random.below(3) as usize);
        let mut owners: Vec<Option<usize>> = (0..classes).map(Some).collect();
        if others > 0 {
            owners.insert(classes / 2, Some(0));
            owners.extend(vec![None; others]);
        }
        let conv = self.weights(self.channels, owners.len(), 1, 1);
        let scales = owners.iter().map(|_| self.random.unit()).collect();
        let classifier = Classifier::with_owners(conv, scales, owners).expect("a scale a row");
        let input = self.layers.len() - 1;
        self.push(Op::Classifier { input, classifier });
        let known = (others > 0).then(|| KnownScore {
            limit: 0.5,
            offset: self.random.unit(),
            log_probability: self.random.unit(),
            largest: self.random.unit(),
            others: (0..others).map(|_| self.random.unit()).collect(),
        });
        Network::new(NetworkParts {
            name: "random".into(),
            family: "random".into(),
            edge: smallest * self.stride,
            labels: (0..classes).map(|class| class.to_string()).collect(),
            layers: self.layers,
            known,
            training: serde_json::Map::new(),
        })
        .expect("well formed")
    }
}
