//! The engine thread's work done on the test's own thread, step by step: every report is seen, and all that is made is counted.

use super::*;
use crate::done::{LOADS, PACKINGS};
use crate::engine::cpu::{CpuEngine, Level};
use crate::engine::{Engine, EngineError, EngineInfo, Outcome};
use crate::engines::{BoardPolicy, EngineChoice};
use crate::fpga::BoardChoice;
use crate::frame::{Crop, InputImage};
use crate::network::ModelChoice;
use crate::pipeline::outbox::Latest;
use crate::source::Delivery;
use crossbeam_channel::never;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

fn settings(model: &str, engine: EngineChoice) -> Settings {
    let Ok(model) = model.parse();
    Settings { model, engine, edge: None, threads: 1 }
}

/// A pipeline without its thread.
fn live(settings: Settings, predictor: Predictor) -> EngineThread {
    let demo = "demo:1".parse().unwrap();
    let source = Supervisor::start(Some(demo), Delivery::Window, || ()).unwrap();
    let engine = EngineState::Running(settings.clone());
    let shared = Outbox { latest: Mutex::new(Latest::new(engine)), wake: Box::new(|| ()) };
    EngineThread::new(settings, never(), Arc::new(shared), Arc::new(source), predictor)
}

fn opened(model: &str) -> EngineThread {
    let settings = settings(model, EngineChoice::Cpu(None));
    let predictor = Predictor::open(&settings, BoardPolicy::Live).unwrap();
    live(settings, predictor)
}

impl EngineThread {
    fn next_frame(&self) -> Frame {
        self.source.frames().recv_timeout(PATIENCE).unwrap()
    }

    fn report_of(&mut self, frame: Frame) -> Arc<Report> {
        self.take(frame);
        self.report()
    }

    fn report(&self) -> Arc<Report> {
        self.shared.latest().report.clone().unwrap()
    }

    /// Obeys, and says how many networks were read and how many convolutions packed for that.
    fn made_for(&mut self, command: EngineCommand) -> [usize; 2] {
        let before = [LOADS.get(), PACKINGS.get()];
        self.obey(command.clone());
        let notices = &self.shared.latest().notices;
        assert!(notices.is_empty(), "{command:?}: {notices:?}");
        [LOADS.get() - before[0], PACKINGS.get() - before[1]]
    }

    fn switch_to(&self, source: &str) {
        self.source.switch_to(Some(source.parse().unwrap()));
    }
}

/// What the report's own prediction and the frame's truth say.
fn is_right(report: &Report) -> Option<bool> {
    let raw = &report.prediction.raw;
    let class = (0..raw.len()).max_by(|&a, &b| raw[a].total_cmp(&raw[b]).then(b.cmp(&a))).unwrap();
    report.frame.truth.as_ref().map(|truth| report.network.labels()[class] == truth.label)
}

/// A film of so many frames, which a window shows again and again.
fn film(folder: &Path, frames: usize) -> String {
    let path = folder.join(format!("{frames}.y4m"));
    let mut film = b"YUV4MPEG2 W8 H8 F50:1 Cmono\n".to_vec();
    (0..frames).for_each(|frame| film.extend([&b"FRAME\n"[..], &[frame as u8; 64]].concat()));
    std::fs::write(&path, film).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn counts_are_exact_while_the_source_is_switched_a_hundred_times() {
    let folder = TempDir::new().unwrap();
    let films = [film(folder.path(), 2), film(folder.path(), 50)];
    let mut live = opened("cards");
    let network = Arc::clone(live.predictor.network());
    let made = [LOADS.get(), PACKINGS.get()];
    let (mut source, mut sources, mut expected) = (0, 0, Counts::default());
    for round in 0..100_u64 {
        for _ in 0..=round % 3 {
            // Now and then nobody takes frames for a while.
            std::thread::sleep(Duration::from_millis(if round % 10 == 9 { 90 } else { 0 }));
            let frame = live.next_frame();
            if frame.source != source {
                assert!(frame.source > source);
                (source, sources, expected) = (frame.source, sources + 1, Counts::default());
            }
            if round % 4 == 3 {
                // While this frame is predicted, the source is another one already.
                live.switch_to(&format!("demo:{round}"));
                std::thread::sleep(Duration::from_millis(2));
            }
            let (index, dropped) = (frame.index, frame.dropped);
            let report = live.report_of(frame);
            (expected.captured, expected.dropped) = (index + 1, dropped);
            expected.predicted += 1;
            expected.with_truth += u64::from(is_right(&report).is_some());
            expected.right += u64::from(is_right(&report) == Some(true));
            assert_eq!(report.counts, expected, "round {round}, source {source}");
            assert_eq!(expected.captured, expected.dropped + expected.predicted, "round {round}, source {source}");
            assert_eq!(report.comparison.as_ref().map(|twins| twins.frames as u64), Some(expected.predicted));
            assert!(Arc::ptr_eq(&report.network, &network));
        }
        match round % 3 {
            0 => live.switch_to(&films[0]),
            1 => live.switch_to(&format!("demo:{round}")),
            _ => live.switch_to(&films[1]),
        }
    }
    assert!(sources >= 60, "{sources} sources gave frames");
    assert_eq!([LOADS.get(), PACKINGS.get()], made, "networks were read or lowered again");
}

#[test]
fn a_late_frame_is_counted_with_its_own_source() {
    let mut live = opened("cards");
    let late = live.next_frame();
    let (index, dropped) = (late.index, late.dropped);
    live.switch_to("demo:2");
    let start = Instant::now();
    while live.source.status().source == late.source || live.source.status().produced < 4 {
        assert!(start.elapsed() < PATIENCE, "{:?}", live.source.status());
        std::thread::sleep(Duration::from_millis(2));
    }
    let counts = live.report_of(late).counts;
    assert_eq!((counts.captured, counts.dropped, counts.predicted), (index + 1, dropped, 1));
    // The next one's number is higher, and yet it is another source's first.
    let next = live.next_frame();
    assert!(next.index > index);
    let (index, dropped) = (next.index, next.dropped);
    let counts = live.report_of(next).counts;
    assert_eq!((counts.captured, counts.dropped, counts.predicted), (index + 1, dropped, 1));
}

#[test]
fn only_what_a_command_changes_is_made_again() {
    let mut live = opened("cards");
    let frame = live.next_frame();
    let network = Arc::clone(&live.report_of(frame).network);
    let has_twin = |live: &EngineThread| live.report().comparison.is_some();
    assert_eq!(live.made_for(EngineCommand::Threads(2)), [0, 0]);
    assert_eq!(live.made_for(EngineCommand::Compare(false)), [0, 0]);
    assert!(!has_twin(&live));
    assert_eq!(live.made_for(EngineCommand::Compare(true)), [0, 0]);
    assert!(has_twin(&live));
    assert_eq!(live.made_for(EngineCommand::Engine(EngineChoice::Reference)), [0, 0]);
    let [loads, packings] = live.made_for(EngineCommand::Engine(EngineChoice::Cpu(Some(Level::Scalar))));
    assert!(loads == 0 && packings > 10, "{packings} convolutions packed");
    // Another size: but for the first convolution, which reads the picture itself where it is large, weights stay.
    for edge in [Some(128), Some(96), None] {
        let [loads, packings] = live.made_for(EngineCommand::Edge(edge));
        assert!(loads == 0 && packings <= 1, "{packings} convolutions packed");
        assert_eq!((live.report().edge, has_twin(&live)), (edge.unwrap_or(64), true));
    }
    // The file of a network that is chosen again may be another one now: it is read, and is the same.
    assert_eq!(live.made_for(EngineCommand::Model(ModelChoice::Shipped("cards"))), [2, 0]);
    assert!(Arc::ptr_eq(&live.report().network, &network));
    assert_eq!(live.made_for(EngineCommand::Model(ModelChoice::Shipped("cifar100")))[0], 2);
    assert_eq!((live.report().network.name(), has_twin(&live)), ("cifar100", true));
}

#[test]
fn threads_change_under_the_same_weights() {
    let mut live = opened("random:erns18-0.75x");
    let frame = live.next_frame();
    let logits = live.report_of(frame).prediction.raw.clone();
    for threads in [2, 3, 1] {
        assert_eq!(live.made_for(EngineCommand::Threads(threads)), [0, 0]);
        let report = live.report();
        assert_eq!((report.engine.threads, &report.prediction.raw), (threads, &logits));
    }
}

/// Stands in the place of a board, which would get its program again if this were made again, and counts its frames.
struct Boarded(CpuEngine, Arc<AtomicUsize>);

impl Engine for Boarded {
    fn info(&self) -> EngineInfo {
        EngineInfo { name: "a board".into(), ..self.0.info() }
    }

    fn network(&self) -> &Arc<Network> {
        self.0.network()
    }

    fn edge(&self) -> usize {
        self.0.edge()
    }

    fn planned_bytes(&self) -> usize {
        self.0.planned_bytes()
    }

    fn run(&mut self, input: &InputImage) -> Result<Outcome<'_>, EngineError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.run(input)
    }

    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<Outcome<'_>, EngineError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.run_probed(input, probe)
    }
}

#[test]
fn a_board_keeps_its_program() {
    let network = Arc::new(ModelChoice::Shipped("cards").load().unwrap());
    let runs = Arc::new(AtomicUsize::new(0));
    let engine = CpuEngine::new(Arc::clone(&network), 64, Level::best(), 1).unwrap();
    let engine = Boarded(engine, Arc::clone(&runs));
    let settings = settings("cards", EngineChoice::Fpga(BoardChoice::First));
    let predictor = Predictor::with_engine(&settings, Box::new(engine));
    let mut live = live(settings, predictor);
    for round in 0..5 {
        live.switch_to(&format!("demo:{round}"));
        live.obey(EngineCommand::Threads(1 + round % 3));
        live.obey(EngineCommand::Compare(round % 2 == 0));
        live.obey(EngineCommand::Edge(Some(64)));
        live.obey(EngineCommand::Model(ModelChoice::Shipped("cards")));
        let before = runs.load(Ordering::Relaxed);
        let frame = live.next_frame();
        assert_eq!(live.report_of(frame).engine.name, "a board");
        assert_eq!(runs.load(Ordering::Relaxed), before + 1);
    }
}

#[test]
fn the_square_is_zoomed_whatever_else_changes_and_the_whole_one_is_as_before() {
    let mut live = opened("cards");
    let frame = live.next_frame();
    let whole = live.report_of(frame);
    assert_eq!(whole.crop, Crop { x: 80, y: 0, edge: 480 });
    assert_eq!(live.made_for(EngineCommand::Zoom(200)), [0, 0]);
    let zoomed = live.report();
    assert_eq!(zoomed.crop, Crop { x: 200, y: 120, edge: 240 });
    assert_ne!(zoomed.prediction.raw, whole.prediction.raw);
    // What was counted was about another part of the picture.
    assert_eq!((zoomed.counts.predicted, zoomed.comparison.as_ref().map(|twins| twins.frames)), (0, Some(0)));
    for command in [
        EngineCommand::Edge(Some(128)),
        EngineCommand::Engine(EngineChoice::Reference),
        EngineCommand::Model(ModelChoice::Shipped("objects")),
        EngineCommand::Engine(EngineChoice::Cpu(None)),
        EngineCommand::Model(ModelChoice::Shipped("cards")),
    ] {
        live.obey(command);
        assert_eq!(live.report().crop, zoomed.crop);
    }
    // No smaller than the input: 480 pixels are not four times 256.
    live.obey(EngineCommand::Zoom(u16::MAX));
    assert_eq!(live.report().crop, Crop { x: 260, y: 180, edge: 120 });
    live.obey(EngineCommand::Edge(Some(256)));
    assert_eq!(live.report().crop, Crop { x: 192, y: 112, edge: 256 });
    live.obey(EngineCommand::Edge(None));
    live.obey(EngineCommand::Zoom(100));
    let again = live.report();
    assert_eq!((again.crop, &again.prediction.raw), (whole.crop, &whole.prediction.raw));
}

#[test]
fn frames_are_checked_while_a_person_changes_what_runs() {
    if Level::best() == Level::Scalar {
        // There is no second engine that is fast enough for a test.
        return;
    }
    let other = EngineChoice::Cpu(Some(Level::Scalar));
    let mut live = opened("cards");
    let state = |live: &EngineThread| live.check.as_ref().map(Check::state).unwrap();
    let checked = |live: &mut EngineThread| {
        let start = Instant::now();
        while state(live).frames < 2 && state(live).ended.is_none() {
            assert!(start.elapsed() < PATIENCE, "{}", state(live));
            let frame = live.next_frame();
            live.report_of(frame);
        }
        state(live)
    };
    live.obey(EngineCommand::Check(Some(other.clone())));
    assert!(live.shared.latest().check.is_some());
    for command in [
        EngineCommand::Threads(2),
        EngineCommand::Edge(Some(96)),
        EngineCommand::Model(ModelChoice::Shipped("cifar100")),
    ] {
        live.obey(command);
        let state = checked(&mut live);
        assert!(state.frames >= 2 && state.differ == 0 && state.ended.is_none(), "{state}");
    }
    assert!(live.shared.latest().notices.is_empty());
    // Now it would check itself: that is told, and all goes on.
    live.obey(EngineCommand::Engine(other));
    let ended = checked(&mut live).ended.unwrap();
    let frame = live.next_frame();
    live.report_of(frame);
    let told = live.shared.latest().notices.back().map(|notice| notice.text.clone()).unwrap();
    assert!(told.ends_with(&ended) && ended.ends_with("such as reference"), "{told}");
    live.obey(EngineCommand::Check(None));
    assert!(live.check.is_none() && live.shared.latest().check.is_none());
}

#[test]
fn channels_are_followed_while_layers_and_sources_change() {
    let mut live = opened("cards");
    let channels = |live: &mut EngineThread, samples: u64| {
        let start = Instant::now();
        loop {
            let frame = live.next_frame();
            live.report_of(frame);
            let report = live.shared.latest().channels.clone().unwrap();
            if report.life.samples() >= samples {
                return report;
            }
            assert!(start.elapsed() < PATIENCE, "{} samples", report.life.samples());
        }
    };
    let report = channels(&mut live, 3);
    assert_eq!((report.layer, report.marks.len()), (0, report.network.layers().len()));
    live.obey(EngineCommand::Watch(1));
    let report = channels(&mut live, 20);
    assert_eq!((report.layer, report.life.channels().len()), (1, report.moments.len()));
    let detail = live.report().detail.clone();
    for (channel, moments) in report.moments.iter().enumerate() {
        assert!(!moments.is_empty() && moments.is_sorted_by(|a, b| a.value >= b.value));
        // At most one a second.
        assert!(moments.len() as f64 <= report.at.seconds + 1.0, "{} in {} s", moments.len(), report.at.seconds);
        let area = detail.values.codes.len() / report.moments.len();
        let sums = (channel * area..(channel + 1) * area).filter_map(|place| detail.values.sums.get(place));
        assert!(sums.fold(f64::MIN, f64::max) <= moments[0].value, "channel {channel}");
    }
    // Frames that are looked at again are no new ones.
    live.obey(EngineCommand::Limit(50));
    assert_eq!(live.shared.latest().channels.clone().unwrap().life.samples(), report.life.samples());
    live.switch_to("demo:9");
    let source = live.report().frame.source;
    let start = Instant::now();
    while live.report().frame.source == source {
        assert!(start.elapsed() < PATIENCE);
        let frame = live.next_frame();
        live.report_of(frame);
    }
    assert!(live.shared.latest().channels.clone().unwrap().life.samples() <= 1);
}

/// The notice that comes next, and what it is about.
fn next_notice(live: &EngineThread, before: u64) -> (About, String) {
    let start = Instant::now();
    loop {
        if let Some(notice) = live.shared.latest().notices.iter().find(|notice| notice.id >= before) {
            return (notice.about, notice.text.clone());
        }
        assert!(start.elapsed() < PATIENCE, "no notice came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_is_recorded_comes_out_again_on_another_engine() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.ernflight");
    let mut live = opened("cards");
    let recording = |live: &EngineThread| live.shared.latest().recording;
    let frame = live.next_frame();
    live.report_of(frame);
    assert_eq!(recording(&live), None);
    live.obey(EngineCommand::SaveRecord(path.clone()));
    assert_eq!(next_notice(&live, 0).0, About::Refusal);
    live.obey(EngineCommand::Record(Some(1)));
    assert_eq!(recording(&live).map(|state| (state.frames, state.bytes, state.limit)), Some((0, 0, 64_000_000)));
    live.obey(EngineCommand::SaveRecord(path.clone()));
    assert!(next_notice(&live, 1).1.contains("nothing was recorded yet"));
    let sampled = live.samples;
    for count in 1..=8 {
        let frame = live.next_frame();
        live.report_of(frame);
        let state = recording(&live).unwrap();
        assert!(
            state.frames == count && state.bytes > count * 64 * 64 * 3 && state.bytes < count * 14_000,
            "{state:?}"
        );
        match count {
            // What is looked at again counts once.
            3 => live.obey(EngineCommand::Watch(4)),
            5 => live.obey(EngineCommand::Engine(EngineChoice::Cpu(Some(Level::Scalar)))),
            6 => live.obey(EngineCommand::Compare(false)),
            _ => {}
        }
        std::thread::sleep(Duration::from_millis(40));
    }
    assert!(live.samples >= sampled + 4);
    live.obey(EngineCommand::SaveRecord(path.clone()));
    let (about, text) = next_notice(&live, 2);
    assert!(about == About::Saved && text.starts_with("8 frames"), "{text}");
    let reader = crate::flight::open(&path).unwrap();
    let header = reader.header().clone();
    assert_eq!((header.network.name.as_str(), header.edge, header.frames), ("cards", 64, 8));
    assert!(header.engine.starts_with("cpu:") && header.source.starts_with("demo 1, "), "{header:?}");
    assert_eq!(header.events, 1, "the engine changed");
    crate::flight::check_network(&header, live.predictor.network()).unwrap();
    let mut reference = Predictor::open(&settings("cards", EngineChoice::Reference), BoardPolicy::Live).unwrap();
    let replayed = reference.replay(reader);
    assert!(replayed.looked_at >= 1, "{replayed:?}");
    assert_eq!((replayed.frames, replayed.first), (8, None));
    // Another size is another recording.
    live.obey(EngineCommand::Edge(Some(96)));
    let frame = live.next_frame();
    live.report_of(frame);
    assert_eq!(recording(&live).map(|state| state.frames), Some(1));
    live.obey(EngineCommand::Record(None));
    assert_eq!(recording(&live), None);
}

#[test]
fn a_place_where_nothing_can_be_written_is_told() {
    let mut live = opened("cards");
    live.obey(EngineCommand::Record(Some(64)));
    let frame = live.next_frame();
    live.report_of(frame);
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), b"no folder").unwrap();
    for path in [folder.path().to_owned(), folder.path().join("file/a.ernflight"), "/dev/full".into()] {
        let before = live.shared.latest().noticed;
        live.obey(EngineCommand::SaveRecord(path.clone()));
        let (about, text) = next_notice(&live, before);
        assert!(about == About::Refusal && text.contains(path.to_str().unwrap()), "{text}");
        // One is written at a time.
        while live.recording.is_writing() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the file that was there");
    // A folder that is not there yet is made: the window names a file in one of its own.
    let path = folder.path().join("new/a.ernflight");
    let before = live.shared.latest().noticed;
    live.obey(EngineCommand::SaveRecord(path.clone()));
    assert_eq!(next_notice(&live, before).0, About::Saved);
    assert!(path.exists());
}
