//! GMAC/s of binary convolutions by shape and level (criterion's Gelem/s), and what looking at a network costs.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::engine::{Engine, Probe};
use ernscope::frame::InputImage;
use ernscope::inspect::Sampler;
use ernscope::network::published::PublishedShape;
use ernscope::network::{BinaryConv, Classifier, CodeTable, Geometry, Layer, Network, NetworkParts, Op, Thresholds};
use std::sync::Arc;
use std::time::Duration;

/// Edge, input channels, output channels, kernel.
const SHAPES: [(usize, usize, usize, usize); 8] = [
    (64, 64, 64, 3),
    (32, 128, 128, 3),
    (16, 256, 256, 3),
    (8, 512, 512, 3),
    (16, 1024, 256, 1),
    (16, 256, 1024, 1),
    (32, 32, 32, 3),
    (16, 64, 64, 3),
];

/// Adds up the time of one layer.
struct Stopwatch {
    layer: usize,
    elapsed: Duration,
}

impl Probe for Stopwatch {
    fn time(&mut self, layer: usize, elapsed: Duration) {
        if layer == self.layer {
            self.elapsed += elapsed;
        }
    }
}

/// Numbers without a pattern.
fn noise(i: usize) -> u8 {
    ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8
}

fn picture(edge: usize) -> InputImage {
    let mut image = InputImage::black(edge);
    image.rgb_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = noise(i));
    image
}

/// Pixel embedding, a layer that makes the input's channels, then the layer to measure, number 2.
fn network((edge, in_channels, out_channels, kernel): (usize, usize, usize, usize)) -> Network {
    let conv = |in_channels: usize, out_channels, kernel| {
        let geometry = Geometry { in_channels, out_channels, kernel, stride: 1 };
        let bits = (0..out_channels * kernel * kernel * in_channels / 8).map(noise).collect();
        BinaryConv::new(geometry, bits).expect("whole bytes a tap")
    };
    let step = |input: usize, conv: BinaryConv| {
        let spread = f64::from(conv.bound()).sqrt() as i32;
        let channels = conv.geometry().out_channels;
        let thresholds =
            Thresholds::new(vec![[-spread, 0, spread]; channels], vec![false; channels]).expect("in order");
        Op::Conv { input, conv, thresholds }
    };
    let ops = [
        Op::PixelEmbedding(CodeTable::thermometer(8).expect("8 codes a colour")),
        step(0, conv(24, in_channels, 3)),
        step(1, conv(in_channels, out_channels, kernel)),
        Op::Classifier { input: 2, classifier: Classifier::new(conv(out_channels, 1, 1), vec![1.0]).expect("a scale") },
    ];
    let layers = ops.into_iter().enumerate().map(|(i, op)| Layer { name: i.to_string(), op }).collect();
    let labels = vec!["one".into()];
    let (name, family) = (String::new(), String::new());
    Network::new(NetworkParts { name, family, edge, labels, layers, known: None, training: serde_json::Map::new() })
        .expect("well formed")
}

fn convolutions(criterion: &mut Criterion) {
    for shape in SHAPES {
        let (edge, in_channels, out_channels, kernel) = shape;
        let network = Arc::new(network(shape));
        let image = picture(edge);
        let mut group = criterion.benchmark_group(format!("{kernel}x{kernel} {in_channels}-{out_channels} at {edge}"));
        group.throughput(Throughput::Elements(network.shapes(edge)[2].macs));
        group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1)).sample_size(20);
        for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
            let mut engine = CpuEngine::new(Arc::clone(&network), edge, level, 1).expect("available");
            group.bench_function(level.name(), |bencher| {
                bencher.iter_custom(|runs| {
                    let mut stopwatch = Stopwatch { layer: 2, elapsed: Duration::ZERO };
                    for _ in 0..runs {
                        engine.run_probed(&image, &mut stopwatch).expect("fits");
                    }
                    stopwatch.elapsed
                });
            });
        }
    }
}

/// What the window's probe costs: the difference, times 15, is the share of a second that 15 looks a second take.
fn probing(criterion: &mut Criterion) {
    let network = PublishedShape::named("erns18").expect("published").random(1, false).expect("well formed");
    let image = picture(network.edge());
    let mut sampler = Sampler::new(&network, 8);
    let mut engine = CpuEngine::new(Arc::new(network), image.edge(), Level::best(), 1).expect("available");
    let mut group = criterion.benchmark_group("erns18 at 256");
    group.sample_size(30);
    group.bench_function("unprobed", |bencher| bencher.iter(|| engine.run(&image).expect("fits").logits[0]));
    group.bench_function("probed", |bencher| {
        bencher.iter(|| engine.run_probed(&image, &mut sampler).expect("fits").logits[0]);
    });
}

criterion_group!(benches, convolutions, probing);
criterion_main!(benches);
