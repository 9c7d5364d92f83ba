//! The running pipeline: reports come, commands are obeyed, what is refused leaves the rest running.

use ernscope::engine::cpu::Level;
use ernscope::engines::EngineChoice;
use ernscope::network::ModelChoice;
use ernscope::pipeline::{EngineCommand, EngineState, Pipeline, Report, Settings};
use std::path::Path;
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
    pipeline.send(EngineCommand::Model(ModelChoice::File("/no/such/network.safetensors".into())));
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
        pipeline.send(EngineCommand::Watch(layer));
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
    pipeline.send(EngineCommand::Compare(false));
    wait_for(&pipeline, |report| report.comparison.is_none());
    pipeline.send(EngineCommand::Engine(EngineChoice::Reference));
    let report = wait_for(&pipeline, |report| report.engine.name == "reference");
    assert!(report.comparison.is_none());
    pipeline.send(EngineCommand::Compare(true));
    wait_for(&pipeline, |report| report.comparison.is_some());
}

/// xorshift64: the same commands with every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// All that a report says of itself fits together, whatever changed meanwhile.
fn check(report: &Report) {
    let (network, counts) = (&report.network, report.counts);
    let classes = network.labels().len();
    assert_eq!((report.prediction.raw.len(), report.prediction.smoothed.len()), (classes, classes));
    for probabilities in [&report.prediction.raw, &report.prediction.smoothed] {
        assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-3, "{probabilities:?}");
    }
    let layers = network.layers().len();
    assert_eq!((report.layers.len(), report.engine.kernels.len()), (layers, layers), "{}", network.name());
    network.check_edge(report.edge).expect("an edge that the network has");
    let shapes = network.shapes(report.edge);
    for (layer, (sample, shape)) in report.layers.iter().zip(&shapes).enumerate() {
        let makes_codes = network.layers()[layer].op.makes_codes();
        let codes = if makes_codes { shape.channels * shape.edge * shape.edge } else { 0 };
        assert_eq!(sample.codes.iter().sum::<u32>() as usize, codes, "{} at {}", network.name(), report.edge);
    }
    let (detail, shape) = (&report.detail, shapes[report.detail.layer]);
    let values = shape.channels * shape.edge * shape.edge;
    assert!(detail.sample > 0 && [0, values].contains(&detail.values.codes.len()), "layer {}", detail.layer);
    assert_eq!(counts.captured, counts.dropped + counts.predicted, "{counts:?}");
    assert!(counts.right <= counts.with_truth && counts.with_truth <= counts.predicted, "{counts:?}");
    let knows_cards = network.labels().iter().any(|label| label == "nothing");
    let truths = if knows_cards && report.frame.truth.is_some() { counts.predicted } else { 0 };
    assert_eq!(counts.with_truth, truths, "{} of source {}", network.name(), report.frame.source);
    if let Some(twins) = &report.comparison {
        let names = [&twins.embedded.name, &twins.float_input.name];
        assert!(names.iter().any(|name| *name == network.name()), "{names:?} beside {}", network.name());
        assert_eq!(format!("{}-float-input", names[0]), *names[1]);
        assert!(twins.frames as u64 <= counts.predicted);
    }
}

/// The demo twice, a picture and a film.
fn sources_in(folder: &Path) -> [String; 4] {
    let picture = folder.join("picture.png");
    image::RgbImage::from_pixel(300, 200, image::Rgb([9, 99, 199])).save(&picture).expect("written");
    let film = folder.join("film.y4m");
    let frame = [&b"FRAME\n"[..], &[77; 64 * 48]].concat();
    std::fs::write(&film, [&b"YUV4MPEG2 W64 H48 F60:1 Cmono\n"[..], &frame.repeat(9)].concat()).expect("written");
    ["demo:1".into(), "demo:2".into(), picture.display().to_string(), film.display().to_string()]
}

/// A picture and a film beside the demo, commands of every kind at any time: no report mixes what was with what is, and what was
/// asked for last is what runs at the end.
#[test]
fn everything_changes_while_it_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sources = sources_in(folder.path());
    let models = ["cards", "cards-float-input", "cifar100"];
    let levels = Level::ALL.into_iter().filter(|level| level.is_available());
    let engines: Vec<EngineChoice> = levels.map(Some).chain([None]).map(EngineChoice::Cpu).collect();

    let (pipeline, _) = start();
    let (mut random, started) = (Random(0x9e37_79b9_7f4a_7c15), Instant::now());
    let mut last: Option<Arc<Report>> = None;
    let mut seen = 0;
    while started.elapsed() < Duration::from_secs(6) || seen < 60 {
        assert!(started.elapsed() < PATIENCE, "{seen} reports");
        for _ in 0..=random.below(3) {
            match random.below(8) {
                0 | 1 => pipeline.source().switch_to(Some(sources[random.below(4)].parse().expect("a source"))),
                2 => pipeline.send(EngineCommand::Model(models[random.below(3)].parse().expect("any text"))),
                3 => pipeline.send(EngineCommand::Engine(engines[random.below(engines.len())].clone())),
                4 => pipeline.send(EngineCommand::Threads(1 + random.below(3))),
                5 => pipeline.send(EngineCommand::Edge([None, Some(32), Some(64), Some(96)][random.below(4)])),
                6 => pipeline.send(EngineCommand::Watch(random.below(30))),
                _ => pipeline.send(EngineCommand::Compare(random.below(2) == 0)),
            }
        }
        let (sent, pause) = (Instant::now(), Duration::from_millis(random.below(120) as u64));
        while sent.elapsed() < pause || matches!(pipeline.engine_state(), EngineState::Loading(_)) {
            let known = last.as_ref().map(|last| last.sequence);
            if let Some(report) = pipeline.report().filter(|new| known < Some(new.sequence)) {
                check(&report);
                assert!(last.is_none_or(|last| last.frame.source <= report.frame.source));
                last = Some(report);
                seen += 1;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert!(pipeline.notices().is_empty(), "{:?}", pipeline.notices());

    pipeline.source().switch_to(Some(sources[0].parse().expect("a source")));
    let wanted = Settings {
        model: ModelChoice::Shipped("cifar100"),
        engine: EngineChoice::Cpu(Some(Level::Scalar)),
        edge: Some(64),
        threads: 2,
    };
    pipeline.send(EngineCommand::Model(wanted.model.clone()));
    pipeline.send(EngineCommand::Engine(wanted.engine.clone()));
    pipeline.send(EngineCommand::Threads(wanted.threads));
    pipeline.send(EngineCommand::Edge(wanted.edge));
    pipeline.send(EngineCommand::Compare(true));
    let report = wait_for(&pipeline, |report| {
        report.network.name() == "cifar100"
            && report.engine.name == "cpu:scalar"
            && report.edge == 64
            && report.frame.truth.is_some()
            && report.comparison.as_ref().is_some_and(|twins| twins.frames > 3)
    });
    check(&report);
    assert_eq!(pipeline.engine_state(), EngineState::Running(wanted));
}
