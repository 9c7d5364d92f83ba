//! The running pipeline: reports come, commands are obeyed, what is refused leaves the rest running.

use ernscope::engine::EngineChoice;
use ernscope::network::shipped::ModelChoice;
use ernscope::pipeline::{Command, EngineState, Pipeline, Report, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// More than any of these should take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn start() -> (Pipeline, Arc<AtomicU64>) {
    let settings =
        Settings { model: ModelChoice::Shipped("cards"), engine: EngineChoice::Cpu(None), edge: None, threads: 1 };
    let woken = Arc::new(AtomicU64::new(0));
    let counter = woken.clone();
    let wake = move || {
        counter.fetch_add(1, Ordering::Relaxed);
    };
    let source = "demo:3".parse().expect("a source");
    (Pipeline::start(settings, Some(source), wake).expect("starts"), woken)
}

/// The first report that fits.
fn wait_for(pipeline: &Pipeline, fits: impl Fn(&Report) -> bool) -> Arc<Report> {
    let start = Instant::now();
    loop {
        if let Some(report) = pipeline.report().filter(|report| fits(report)) {
            return report;
        }
        assert!(start.elapsed() < PATIENCE, "no such report; notices: {:?}", pipeline.notices());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn reports_tell_of_every_layer_and_of_both_twins() {
    let (pipeline, woken) = start();
    let report = wait_for(&pipeline, |report| report.counts.predicted >= 20);
    let network = &report.network;
    assert_eq!(report.layers.len(), network.layers().len());
    for ((layer, sample), shape) in network.layers().iter().zip(report.layers.iter()).zip(network.shapes(report.edge)) {
        let counted: u32 = sample.codes.iter().sum();
        let expected = if layer.op.makes_codes() { shape.channels * shape.edge * shape.edge } else { 0 };
        assert_eq!(counted as usize, expected, "{}", layer.name);
    }
    let total: f32 = report.prediction.smoothed.iter().sum();
    assert!((total - 1.0).abs() < 1e-3, "probabilities sum to {total}");
    assert!(report.rates.infer_ms > 0.0 && report.timing.latency_ms >= report.timing.infer_ms);
    assert_eq!(report.counts.with_truth, report.counts.predicted);
    let comparison = report.comparison.as_ref().expect("cards has a twin");
    assert_eq!(comparison.embedded.name, "cards");
    assert_eq!(comparison.float_input.name, "cards-float-input");
    assert!(comparison.frames >= 20 && comparison.speedup().is_some_and(|ratio| ratio > 0.0));
    assert!(comparison.embedded.first_layer_ms > 0.0 && comparison.float_input.first_layer_ms > 0.0);
    assert!(woken.load(Ordering::Relaxed) >= 20);
}

#[test]
fn a_refused_network_leaves_the_old_one_running() {
    let (pipeline, _) = start();
    wait_for(&pipeline, |_| true);
    pipeline.send(Command::Model(ModelChoice::File("/no/such/network.safetensors".into())));
    let start = Instant::now();
    while pipeline.notices().is_empty() {
        assert!(start.elapsed() < PATIENCE, "no notice came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let notice = &pipeline.notices()[0].text;
    assert!(notice.contains("/no/such/network.safetensors") && notice.contains("cards keeps running"), "{notice}");
    let before = wait_for(&pipeline, |_| true).sequence;
    let after = wait_for(&pipeline, |report| report.sequence > before + 5);
    assert_eq!(after.network.name(), "cards");
    assert!(matches!(pipeline.engine_state(), EngineState::Running(_)));
}

#[test]
fn a_paused_picture_can_still_be_walked_through() {
    let (pipeline, _) = start();
    wait_for(&pipeline, |_| true);
    pipeline.source().set_paused(true);
    std::thread::sleep(Duration::from_millis(300));
    let frozen = wait_for(&pipeline, |_| true);
    for layer in [3, 1, frozen.network.layers().len() - 1] {
        pipeline.send(Command::Watch(layer));
        let report = wait_for(&pipeline, |report| report.detail.layer == layer);
        assert_eq!(report.frame.index, frozen.frame.index, "the picture stays");
        assert_eq!(report.counts.predicted, frozen.counts.predicted, "looking again counts nothing");
        assert!(!report.detail.values.sums.is_empty() || layer == 0);
    }
}

#[test]
fn engine_and_comparison_change_while_running() {
    let (pipeline, _) = start();
    wait_for(&pipeline, |report| report.comparison.is_some());
    pipeline.send(Command::Compare(false));
    wait_for(&pipeline, |report| report.comparison.is_none());
    pipeline.send(Command::Engine(EngineChoice::Reference));
    let report = wait_for(&pipeline, |report| report.engine.name == "reference");
    assert!(report.comparison.is_none());
    pipeline.send(Command::Compare(true));
    wait_for(&pipeline, |report| report.comparison.is_some());
}
