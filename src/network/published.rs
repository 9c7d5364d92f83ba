//! Networks of the published shapes with random weights (ern-spec §5), for benchmarks and tests.

use super::shipped::FLOAT_INPUT;
use super::{
    BinaryConv, Classifier, CodeTable, FloatConv, Geometry, Layer, Network, NetworkError, NetworkParts, Op, Thresholds,
    TrunkMode,
};

/// The blocks of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3, 1×1, four times as wide at its end.
    Bottleneck,
}

/// A published shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedShape {
    name: &'static str,
    block: Block,
    blocks: [usize; 4],
    widths: [usize; 4],
}

const FULL: [usize; 4] = [64, 128, 256, 512];

/// The five published shapes.
pub const SHAPES: [PublishedShape; 5] = [
    PublishedShape { name: "erns18-0.75x", block: Block::Basic, blocks: [2, 2, 2, 2], widths: [64, 128, 256, 384] },
    PublishedShape { name: "erns18", block: Block::Basic, blocks: [2, 2, 2, 2], widths: FULL },
    PublishedShape { name: "erns34", block: Block::Basic, blocks: [3, 4, 6, 3], widths: FULL },
    PublishedShape { name: "erns50", block: Block::Bottleneck, blocks: [3, 4, 6, 3], widths: FULL },
    PublishedShape { name: "erns101", block: Block::Bottleneck, blocks: [3, 4, 23, 3], widths: FULL },
];

impl PublishedShape {
    /// The shape called `name`, lower case.
    pub fn named(name: &str) -> Option<Self> {
        SHAPES.into_iter().find(|shape| shape.name == name)
    }

    /// Its name, lower case.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// A network of this shape for 256×256 pixels and 1000 classes, its weights random by `seed`; with a float first layer
    /// in the place of pixel embedding and first convolution where `float_input`.
    ///
    /// # Errors
    /// None is expected: the shapes are ours.
    pub fn random(self, seed: u64, float_input: bool) -> Result<Network, NetworkError> {
        let mut builder = Builder { random: SplitMix64(seed), layers: Vec::new(), trunk_bound: 0 };
        builder.stem(float_input);
        for stage in 0..4 {
            for block in 0..self.blocks[stage] {
                builder.block(self, stage, block);
            }
        }
        let width = self.out_width(3);
        builder.activation("backbone.last_act_layer4", width);
        builder.classifier(width, 1000);
        let parts = NetworkParts {
            name: format!("random:{}{}:{seed}", self.name, if float_input { FLOAT_INPUT } else { "" }),
            family: format!("random:{}:{seed}", self.name),
            edge: 256,
            labels: (0..1000).map(|class| format!("class {class}")).collect(),
            layers: builder.layers,
            training: serde_json::Map::from_iter([("weights".into(), "random, untrained".into())]),
        };
        Network::new(parts)
    }

    fn out_width(self, stage: usize) -> usize {
        self.widths[stage] * if self.block == Block::Bottleneck { 4 } else { 1 }
    }
}

/// Random numbers for the weights; the sequence is part of what `random:NAME:SEED` means (Steele, Lea, Flood: Fast
/// splittable pseudorandom number generators, OOPSLA 2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: i32) -> i32 {
        (self.next() % u64::from(n.unsigned_abs())) as i32
    }
}

/// Appends layers in the order of the data.
struct Builder {
    random: SplitMix64,
    layers: Vec<Layer>,
    trunk_bound: i32,
}

impl Builder {
    fn stem(&mut self, float_input: bool) {
        let act1 = if float_input {
            self.float_conv("backbone.act1")
        } else {
            let embedding = self.push("pixel_embedding", Op::PixelEmbedding(CodeTable::thermometer(10)));
            self.conv("backbone.act1", embedding, [30, 64, 3, 2])
        };
        let act2 = self.conv("backbone.act2", act1, [64, 64, 3, 1]);
        self.conv("backbone.act_downsample", act2, [64, 64, 3, 2]);
    }

    /// 3 → 64 channels, 3×3, stride 2, over bytes as −2..2.
    fn float_conv(&mut self, name: &str) -> usize {
        let geometry = Geometry { in_channels: 3, out_channels: 64, kernel: 3, stride: 2 };
        let pixel_values: Vec<f32> = (0..256).map(|byte| (byte as f32 - 127.5) / 63.75).collect();
        let weights = (0..64 * 9 * 3).map(|_| (self.random.below(2001) - 1000) as f32 * 1e-3).collect();
        let rows =
            (0..64).map(|_| (self.random.below(300) - 150) as f32 * 0.01).map(|t| [t - 2.0, t, t + 2.0]).collect();
        let thresholds = Thresholds::new(rows, vec![false; 64]).expect("in order");
        let conv = FloatConv::new(geometry, pixel_values.repeat(3), weights, thresholds).expect("shapes fit");
        self.push(name, Op::FloatConv(conv))
    }

    fn block(&mut self, shape: PublishedShape, stage: usize, block: usize) {
        let prefix = format!("backbone.layer{}.{block}", stage + 1);
        let width = shape.widths[stage];
        let out = shape.out_width(stage);
        let first = block == 0;
        let stride = if first && stage > 0 { 2 } else { 1 };
        let from = match (first, stage) {
            (false, _) => out,
            (true, 0) => 64,
            (true, _) => shape.out_width(stage - 1),
        };
        let name = |part: &str| format!("{prefix}.{part}");
        let head = if shape.block == Block::Basic { "act0" } else { "act1" };
        let entry = if first && stage == 0 {
            // conv1_2 has no batch norm of its own: the first block's reads it (ern-spec §5).
            self.conv(&name(head), self.layers.len() - 1, [64, 64, 1, 1])
        } else {
            self.activation(&name(head), from)
        };
        if first {
            self.residual(&name("downsample"), entry, [from, out, 1, stride], TrunkMode::Start);
        }
        let end = match shape.block {
            Block::Basic => {
                let act1 = self.conv(&name("act1"), entry, [from, width, 3, stride]);
                (name("conv2"), act1, [width, out, 3, 1])
            }
            Block::Bottleneck => {
                let act2 = self.conv(&name("act2"), entry, [from, width, 1, 1]);
                let act3 = self.conv(&name("act3"), act2, [width, width, 3, stride]);
                (name("conv3"), act3, [width, out, 1, 1])
            }
        };
        self.residual(&end.0, end.1, end.2, TrunkMode::Add);
    }

    fn push(&mut self, name: &str, op: Op) -> usize {
        self.layers.push(Layer { name: name.into(), op });
        self.layers.len() - 1
    }

    fn conv(&mut self, name: &str, input: usize, shape: [usize; 4]) -> usize {
        let conv = self.weights(shape);
        // The sum of n products ±code spreads like √n; two of its spreads hold most of what the thresholds must cut.
        let spread = ((f64::from(conv.bound()) / 3.0).sqrt() * 1.9) as i32 + 1;
        let thresholds = self.thresholds(shape[1], spread, conv.bound());
        self.push(name, Op::Conv { input, conv, thresholds })
    }

    fn residual(&mut self, name: &str, input: usize, shape: [usize; 4], trunk: TrunkMode) {
        let conv = self.weights(shape);
        let before = if trunk == TrunkMode::Add { self.trunk_bound } else { 0 };
        self.trunk_bound = before + conv.bound();
        self.push(name, Op::Residual { input, conv, trunk });
    }

    fn activation(&mut self, name: &str, channels: usize) -> usize {
        let spread = ((f64::from(self.trunk_bound) / 3.0).sqrt() * 1.9) as i32 + 1;
        let thresholds = self.thresholds(channels, spread, self.trunk_bound);
        self.push(name, Op::Activation(thresholds))
    }

    fn classifier(&mut self, channels: usize, classes: usize) {
        let conv = self.weights([channels, classes, 1, 1]);
        let scales = (0..classes).map(|_| 0.01 + self.random.below(1000) as f32 * 1e-5).collect();
        let classifier = Classifier::new(conv, scales).expect("one finite scale a class");
        let input = self.layers.len() - 1;
        self.push("conv", Op::Classifier { input, classifier });
    }

    fn weights(&mut self, [in_channels, out_channels, kernel, stride]: [usize; 4]) -> BinaryConv {
        let geometry = Geometry { in_channels, out_channels, kernel, stride };
        let tap_bytes = in_channels.div_ceil(8);
        let last_mask = 0xff_u8 >> (tap_bytes * 8 - in_channels);
        let byte = |i: usize, random: u64| {
            if i % tap_bytes == tap_bytes - 1 { random as u8 & last_mask } else { random as u8 }
        };
        let bits = (0..out_channels * kernel * kernel * tap_bytes).map(|i| byte(i, self.random.next())).collect();
        BinaryConv::new(geometry, bits).expect("the published shapes are well formed")
    }

    /// About a quarter of the channels falling, the constants of dead channels among them now and then.
    fn thresholds(&mut self, channels: usize, spread: i32, bound: i32) -> Thresholds<i32> {
        let mut rows = Vec::with_capacity(channels);
        let mut falling = Vec::with_capacity(channels);
        for _ in 0..channels {
            let falls = self.random.below(4) == 0;
            let middle = self.random.below(spread) - spread / 2;
            let step = spread / 2 + self.random.below(spread / 2 + 1);
            let sign = if falls { -1 } else { 1 };
            let row = if self.random.below(64) == 0 {
                [-sign * (bound + 1), sign * (bound + 1), sign * (bound + 1)]
            } else {
                [middle - sign * step, middle, middle + sign * step]
            };
            rows.push(row.map(|t| t.clamp(-(bound + 1), bound + 1)));
            falling.push(falls);
        }
        Thresholds::new(rows, falling).expect("steps go one way")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_the_published_weights() {
        let bits = |name| {
            let shape = PublishedShape::named(name).expect("published");
            shape.random(1, false).expect("well formed").weight_bits()
        };
        // ern-spec §5.
        assert_eq!(bits("erns18"), 11_768_704);
        assert_eq!(bits("erns50"), 25_588_608);
        assert_eq!(bits("erns18-0.75x") / 8, 1_027_056);
    }

    #[test]
    fn all_shapes_run_at_512_pixels() {
        for shape in SHAPES {
            for float_input in [false, true] {
                let network = shape.random(1, float_input).expect("well formed");
                for edge in [256, 288, 512] {
                    assert_eq!(network.check_edge(edge), Ok(()), "{}", network.name());
                }
                assert!(matches!(network.check_edge(1024), Err(NetworkError::Memory { .. })), "{}", network.name());
            }
        }
    }

    #[test]
    fn erns18_has_the_published_macs() {
        let network = PublishedShape::named("erns18").expect("published").random(1, false).expect("well formed");
        let macs: u64 = network.shapes(256).iter().map(|s| s.macs).sum();
        assert_eq!((macs as f64 / 1e6).round(), 3319.0);
    }
}
