//! Networks of the published shapes with random weights, for benchmarks and tests.

use super::published::{Activated, EDGE, FLOAT_INPUT, PublishedShape, Quantities, numbered_labels};
use super::{
    BinaryConv, Classifier, CodeTable, FloatConv, Geometry, Network, NetworkError, NetworkParts, Op, Thresholds,
};
use crate::splitmix64::SplitMix64;

/// As the published ones have.
const CLASSES: usize = 1000;

impl PublishedShape {
    /// A network of this shape for 256×256 pixels and 1000 classes, its weights random by `seed`; with a float first
    /// layer in the place of pixel embedding and first convolution where `float_input`.
    ///
    /// # Errors
    /// None is expected: the shapes are ours.
    pub fn random(self, seed: u64, float_input: bool) -> Result<Network, NetworkError> {
        let mut quantities = Random { numbers: WeightNumbers(SplitMix64(seed)), float_input };
        let parts = NetworkParts {
            name: format!("random:{}{}:{seed}", self.name(), if float_input { FLOAT_INPUT } else { "" }),
            family: format!("random:{}:{seed}", self.name()),
            edge: EDGE,
            labels: numbered_labels(CLASSES),
            layers: self.layers(CLASSES, &mut quantities)?,
            known: None,
            training: serde_json::Map::from_iter([("weights".into(), "random, untrained".into())]),
        };
        Network::new(parts)
    }
}

/// Random numbers for the weights; the sequence is part of what `random:NAME:SEED` means.
struct WeightNumbers(SplitMix64);

impl WeightNumbers {
    fn next(&mut self) -> u64 {
        self.0.next()
    }

    fn below(&mut self, n: i32) -> i32 {
        (self.next() % u64::from(n.unsigned_abs())) as i32
    }
}

/// Makes every quantity up.
struct Random {
    numbers: WeightNumbers,
    float_input: bool,
}

impl Quantities for Random {
    type Error = NetworkError;

    fn first(&mut self) -> Result<Op, NetworkError> {
        Ok(if self.float_input {
            Op::FloatConv(self.float_conv())
        } else {
            Op::PixelEmbedding(CodeTable::thermometer(10).expect("10 codes a colour"))
        })
    }

    fn activated(&mut self, part: Activated<'_>) -> Result<(BinaryConv, Thresholds<i32>), NetworkError> {
        let conv = self.weights(part.geometry);
        let thresholds = self.thresholds(part.geometry.out_channels, conv.bound());
        Ok((conv, thresholds))
    }

    fn residual(&mut self, _: &str, geometry: Geometry) -> Result<BinaryConv, NetworkError> {
        Ok(self.weights(geometry))
    }

    fn activation(&mut self, _: &str, channels: usize, bound: i32) -> Result<Thresholds<i32>, NetworkError> {
        Ok(self.thresholds(channels, bound))
    }

    fn classifier(&mut self, _: &str, geometry: Geometry) -> Result<Classifier, NetworkError> {
        let conv = self.weights(geometry);
        let scales = (0..geometry.out_channels).map(|_| 0.01 + self.numbers.below(1000) as f32 * 1e-5).collect();
        Ok(Classifier::new(conv, scales).expect("one finite scale a class"))
    }
}

impl Random {
    /// 3 → 64 channels, 3×3, stride 2, over bytes as −2..2.
    fn float_conv(&mut self) -> FloatConv {
        let geometry = Geometry { in_channels: 3, out_channels: 64, kernel: 3, stride: 2 };
        let pixel_values: Vec<f32> = (0..256).map(|byte| (byte as f32 - 127.5) / 63.75).collect();
        let weights = (0..64 * 9 * 3).map(|_| (self.numbers.below(2001) - 1000) as f32 * 1e-3).collect();
        let rows =
            (0..64).map(|_| (self.numbers.below(300) - 150) as f32 * 0.01).map(|t| [t - 2.0, t, t + 2.0]).collect();
        let thresholds = Thresholds::new(rows, vec![false; 64]).expect("in order");
        FloatConv::new(geometry, pixel_values.repeat(3), weights, thresholds).expect("shapes fit")
    }

    fn weights(&mut self, geometry: Geometry) -> BinaryConv {
        let Geometry { in_channels, out_channels, kernel, .. } = geometry;
        let tap_bytes = in_channels.div_ceil(8);
        let last_mask = 0xff_u8 >> (tap_bytes * 8 - in_channels);
        let byte = |i: usize, random: u64| {
            if i % tap_bytes == tap_bytes - 1 { random as u8 & last_mask } else { random as u8 }
        };
        let bits = (0..out_channels * kernel * kernel * tap_bytes).map(|i| byte(i, self.numbers.next())).collect();
        BinaryConv::new(geometry, bits).expect("the published shapes are well formed")
    }

    /// About a quarter of the channels falling, the constants of dead channels among them now and then.
    fn thresholds(&mut self, channels: usize, bound: i32) -> Thresholds<i32> {
        // The sum of n products ±code spreads like √n; two of its spreads hold most of what the thresholds must cut.
        let spread = ((f64::from(bound) / 3.0).sqrt() * 1.9) as i32 + 1;
        let mut rows = Vec::with_capacity(channels);
        let mut falling = Vec::with_capacity(channels);
        for _ in 0..channels {
            let falls = self.numbers.below(4) == 0;
            let middle = self.numbers.below(spread) - spread / 2;
            let step = spread / 2 + self.numbers.below(spread / 2 + 1);
            let sign = if falls { -1 } else { 1 };
            let row = if self.numbers.below(64) == 0 {
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
    use super::super::published::SHAPES;
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
