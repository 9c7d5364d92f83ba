//! What the window is shown with in tests and benches: real pictures through a real engine, with figures that never vary.

use ernscope::app::Model;
use ernscope::engine::{EngineInfo, softmax};
use ernscope::engines::EngineChoice;
use ernscope::engines::{self, Setup};
use ernscope::frame::{Frame, InputImage};
use ernscope::inspect::Sampler;
use ernscope::network::ModelChoice;
use ernscope::network::Network;
use ernscope::pipeline::{
    Comparison, Counts, EngineState, FrameTiming, LayerDetail, Measured, Prediction, Rates, Report, Settings,
    TwinFigures,
};
use ernscope::preprocess::Preprocessor;
use ernscope::source::demo::{DemoRenderer, HEIGHT, WIDTH};
use ernscope::source::{SourceChoice, SourceState, SourceStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A frame of the demo film 1 that shows a card, large and unhidden.
pub(crate) const FRAME: u64 = 40;

/// Numbers the samples, as a pipeline does.
static SAMPLES: AtomicU64 = AtomicU64::new(1);

/// The network of that name.
pub(crate) fn network(name: &str) -> Arc<Network> {
    let choice: ModelChoice = name.parse().expect("any text names a network");
    Arc::new(choice.load().expect("the network is there"))
}

/// A frame of the demo.
pub(crate) fn frame(index: u64) -> Frame {
    let mut rgb = vec![0; (WIDTH * HEIGHT * 3) as usize];
    let truth = DemoRenderer::new(1).render(index, &mut rgb);
    Frame {
        source: 1,
        index,
        dropped: 0,
        width: WIDTH,
        height: HEIGHT,
        rgb: rgb.into(),
        captured: Instant::now(),
        took: Duration::ZERO,
        truth: Some(truth),
    }
}

/// What the pipeline would report of `frame`, with layer `watch` whole. Times are made up from the layers' work, so that
/// they are the same everywhere.
pub(crate) fn report(network: &Arc<Network>, frame: Frame, watch: usize) -> Report {
    let edge = network.edge().min(64);
    let mut input = InputImage::black(edge);
    let crop = Preprocessor::new(1).run(&frame.rgb, frame.width, frame.height, &mut input).expect("a good frame");
    let mut engine =
        engines::open(&EngineChoice::Cpu(None), network.clone(), Setup::new(edge, 1)).expect("the engine opens");
    let mut sampler = Sampler::new(network, watch);
    let mut raw = Vec::new();
    let outcome = engine.run_probed(&input, &mut sampler).expect("the size fits");
    let knowing = network.knowing(outcome.logits, outcome.others);
    softmax(outcome.logits, &mut raw);
    let even = 1.0 / raw.len() as f32;
    let smoothed = raw.iter().map(|p| 0.96 * p + 0.04 * even).collect();
    let mut layers = sampler.samples().to_vec();
    for (sample, shape) in layers.iter_mut().zip(network.shapes(edge)) {
        let outputs = (shape.channels * shape.edge * shape.edge) as f64;
        sample.elapsed = Duration::from_secs_f64(shape.macs as f64 / 400e9 + outputs * 0.4e-9 + 2e-6);
    }
    let values = sampler.detail().clone();
    let info = EngineInfo { name: "cpu:avx512vbmi".into(), ..engine.info() };
    Report {
        sequence: frame.index,
        crop,
        edge,
        network: network.clone(),
        engine: info,
        prediction: Prediction { raw, smoothed, knowing, limit: 0.5 },
        timing: FrameTiming { preprocess_ms: 0.61, infer_ms: 0.43, latency_ms: 2.1, board: None },
        rates: Rates {
            captured_per_s: 30.0,
            predicted_per_s: 30.0,
            engine_per_s: 2340.0,
            infer_ms: 0.43,
            infer_p95_ms: 0.49,
            link_ms: 0.0,
            latency_ms: 2.1,
        },
        counts: Counts { captured: 612, dropped: 0, predicted: 612, with_truth: 612, right: 603 },
        layers: layers.into(),
        detail: Arc::new(LayerDetail { sample: SAMPLES.fetch_add(1, Ordering::Relaxed), layer: watch, values }),
        comparison: None,
        frame,
    }
}

/// Figures of two twins.
pub(crate) fn comparison(embedded_ms: f32, float_ms: f32) -> Comparison {
    let twin = |name: &str, ms: f32, first: f32, accuracy| TwinFigures {
        name: name.into(),
        last_ms: ms,
        frame_ms: ms,
        frames_per_s: 1e3 / ms,
        first_layer_ms: first,
        accuracy: Some(accuracy),
    };
    Comparison {
        embedded: twin("cards", embedded_ms, 0.08, 0.985),
        float_input: twin("cards-float-input", float_ms, 0.27, 0.989),
        bit_planes: None,
        frames: 300,
        agreement: 0.986,
        measured: Measured::Here,
    }
}

/// A model that has been shown `report` for 30 seconds.
pub(crate) fn model(report: Report) -> Model {
    let demo = SourceChoice::Demo { seed: 1 };
    let mut model = bare(SourceState::Live { name: "demo".into(), width: WIDTH, height: HEIGHT }, Some(demo));
    model.engine = EngineState::Running(model.settings.clone());
    let start = Instant::now();
    for step in 0..480_u32 {
        let mut past = report.clone();
        // A wave in the place of the noise of a real machine.
        let wave = 1.0 + 0.06 * (step as f32 * 0.9).sin() + 0.03 * (step as f32 * 0.37).cos();
        past.timing.latency_ms *= wave;
        past.counts.predicted = u64::from(step) * 2;
        past.detail =
            Arc::new(LayerDetail { sample: SAMPLES.fetch_add(1, Ordering::Relaxed), ..(*past.detail).clone() });
        if let Some(comparison) = &mut past.comparison {
            comparison.embedded.last_ms *= wave;
            comparison.float_input.last_ms *= 2.0 - wave;
        }
        model.take(Arc::new(past), start + Duration::from_micros(62_500) * step);
    }
    let end = start + Duration::from_micros(62_500) * 480;
    let mut last = report;
    last.counts.predicted = 960;
    model.take(Arc::new(last), end);
    model
}

/// A model without a report yet.
pub(crate) fn bare(state: SourceState, choice: Option<SourceChoice>) -> Model {
    let settings =
        Settings { model: "cards".parse().expect("any text"), engine: EngineChoice::Cpu(None), edge: None, threads: 1 };
    let source = SourceStatus { source: 1, choice, state, produced: 612, fps: 30.0, ..SourceStatus::default() };
    Model::new(settings, source)
}
