//! The window as a person sees and uses it, without a display: pictures of its states, and what clicks and keys ask for.

#![cfg(feature = "app")]

mod scenes;

use egui::{Key, Modifiers, ThemePreference, vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};
use ernscope::app::keys::{Deed, TABLE};
use ernscope::app::model::Model;
use ernscope::app::state::Action;
use ernscope::app::theme;
use ernscope::app::window::Window;
use ernscope::engine::{BoardChoice, BoardFrame, BoardState, EngineChoice, EngineInfo, LayerCycles};
use ernscope::pipeline::{About, Command, Comparison, EngineState, FrameTiming, Measured, Notice, Rates, Report};
use ernscope::source::{CameraFault, CameraInfo, SourceChoice, SourceError, SourceState};
use std::time::Duration;

/// The window, what it is shown, and what was asked for.
struct Scene {
    window: Window,
    model: Model,
    actions: Vec<Action>,
}

fn open(model: Model) -> Harness<'static, Scene> {
    open_with(model, vec2(1440.0, 900.0), |_| ())
}

fn open_with(model: Model, size: egui::Vec2, prepare: impl FnOnce(&mut Window)) -> Harness<'static, Scene> {
    let mut window = Window::default();
    window.state.theme = ThemePreference::Dark;
    prepare(&mut window);
    let show = |ui: &mut egui::Ui, scene: &mut Scene| {
        let actions = scene.window.show(ui, &scene.model);
        scene.actions.extend(actions);
    };
    let harness = Harness::builder().with_size(size).with_context_setup(theme::apply).with_max_steps(8);
    let mut harness = harness.build_ui_state(show, Scene { window, model, actions: Vec::new() });
    harness.run_steps(4);
    harness
}

/// Compares with the picture in tests/snapshots. Anti-aliased edges may differ a little from one renderer to another.
fn compare(harness: &mut Harness<'_, Scene>, name: &str) {
    let options = SnapshotOptions::new().threshold(2.0).max_failed_pixels(400);
    harness.snapshot_options(name, &options);
}

/// One outcome of all pictures of a test.
fn gather(all: &mut SnapshotResults, harness: &mut Harness<'_, Scene>) {
    all.extend_harness(harness);
}

const CONV: &str = "act1";

/// The cards network on a card, with its twin beside it, a convolution watched.
fn card() -> Report {
    let network = scenes::network("cards");
    let watch = network.layers().iter().position(|layer| layer.name.contains(CONV)).expect("a convolution");
    let mut report = scenes::report(&network, scenes::frame(scenes::FRAME), watch);
    report.comparison = Some(scenes::comparison(0.43, 0.62));
    report
}

/// What the pipeline would report of `report`'s frame from a simulated board of the default size. Cycles are made up from
/// the layers' work, as the times of scenes are.
fn on_board(mut report: Report) -> Report {
    const MACS_A_CYCLE: u64 = 32 * 32 * 2;
    const CLOCK_KHZ: u32 = 60_000;
    let mut layers = report.layers.to_vec();
    for (sample, shape) in layers.iter_mut().zip(report.network.shapes(report.edge)) {
        let steps = shape.macs.div_ceil(MACS_A_CYCLE);
        let cycles = if steps > 0 { steps + 21 } else { 0 };
        let counted = LayerCycles { cycles, steps, input_stalls: 0, drain_stalls: 0 };
        sample.counted = (steps > 0).then_some(counted);
        sample.elapsed = Duration::from_nanos(cycles * 1_000_000 / u64::from(CLOCK_KHZ));
    }
    let cycles = layers.iter().filter_map(|sample| sample.counted).map(|counted| counted.cycles).sum();
    let link = Duration::from_millis(412);
    let board = BoardFrame { cycles, clock_khz: CLOCK_KHZ, host: Duration::ZERO, link, simulated: true };
    let infer_ms = board.compute().as_secs_f32() * 1e3;
    let latency_ms = infer_ms + 414.0;
    report.layers = layers.into();
    report.engine = EngineInfo {
        name: "fpga:sim".into(),
        threads: 0,
        kernels: vec!["array"; report.network.layers().len()],
        most_macs_a_cycle: None,
        board: Some(BoardState::Ready { board: "fpga:sim".into() }),
    };
    report.timing = FrameTiming { infer_ms, latency_ms, board: Some(board), ..report.timing };
    report.rates = Rates {
        predicted_per_s: 2.4,
        engine_per_s: 1e3 / infer_ms,
        infer_ms,
        infer_p95_ms: infer_ms,
        link_ms: 412.0,
        latency_ms,
        ..report.rates
    };
    report
}

fn camera(state: SourceState) -> Model {
    let mut model = scenes::model(card());
    model.source.state = state;
    model.choice = Some(SourceChoice::Camera { index: Some(0) });
    model
}

fn lost() -> SourceState {
    let fault = CameraFault::Lost;
    let error = SourceError::Camera { name: "camera 0".into(), fault, detail: "No such device".into() };
    SourceState::Lost { error, retry_in: Duration::from_secs(1) }
}

#[test]
fn dark() {
    compare(&mut open(scenes::model(card())), "dark");
}

#[test]
fn light() {
    let mut harness = open_with(scenes::model(card()), vec2(1440.0, 900.0), |window| {
        window.state.theme = ThemePreference::Light;
    });
    compare(&mut harness, "light");
}

#[test]
fn full_screen() {
    let mut harness = open_with(scenes::model(card()), vec2(1920.0, 1080.0), |window| {
        window.state.fullscreen = true;
        window.state.layout.large = true;
    });
    compare(&mut harness, "full_screen");
}

#[test]
fn small() {
    compare(&mut open_with(scenes::model(card()), vec2(1376.0, 866.0), |_| ()), "small");
}

#[test]
fn no_camera() {
    let mut model = scenes::model(card());
    model.source.state = SourceState::Fallback { reason: SourceError::NoCamera, width: 640, height: 480 };
    model.choice = None;
    compare(&mut open(model), "no_camera");
}

#[test]
fn camera_lost() {
    compare(&mut open(camera(lost())), "camera_lost");
}

#[test]
fn camera_waiting_for_permission() {
    let fault = CameraFault::Denied;
    let error = SourceError::Camera { name: "camera 0".into(), fault, detail: String::new() };
    let state = SourceState::Waiting { error, retry_in: Duration::from_secs(1) };
    let mut model = scenes::bare(state, Some(SourceChoice::Camera { index: Some(0) }));
    model.engine = EngineState::Running(model.settings.clone());
    compare(&mut open(model), "camera_waiting");
}

#[test]
fn loading() {
    let state = SourceState::Starting { name: "demo".into() };
    let mut model = scenes::bare(state, Some(SourceChoice::Demo { seed: 1 }));
    model.source.state = SourceState::Live { name: "demo".into(), width: 640, height: 480 };
    compare(&mut open(model), "loading");
}

#[test]
fn refused_file() {
    let mut model = scenes::model(card());
    let text = "model file broken.safetensors: the header is cut off; cards keeps running";
    model.notices.push(Notice { id: 7, about: About::Refusal, text: text.into() });
    model.source.refusal = Some(SourceError::Damaged { path: "holiday.jpg".into(), why: "the JPEG ends early".into() });
    compare(&mut open(model), "refused_file");
}

#[test]
fn paused_and_ended() {
    let mut all = SnapshotResults::new();
    let mut model = scenes::model(card());
    model.source.paused = true;
    let mut paused = open(model.clone());
    compare(&mut paused, "paused");
    gather(&mut all, &mut paused);
    model.source.paused = false;
    model.source.state = SourceState::Ended { name: "walk.y4m".into(), frames: 250, error: None };
    let mut ended = open(model);
    compare(&mut ended, "ended");
    gather(&mut all, &mut ended);
}

#[test]
fn slow_frame_without_a_graphics_card() {
    let mut report = card();
    report.rates.infer_ms = 812.0;
    report.rates.engine_per_s = 1.23;
    report.engine.name = "reference".into();
    let mut model = scenes::model(report);
    model.software_rendering = true;
    compare(&mut open(model), "slow_frame");
}

#[test]
fn detail_of_one_channel() {
    let mut harness = open_with(scenes::model(card()), vec2(1440.0, 900.0), |window| {
        window.state.one_channel = true;
    });
    harness.state_mut().window.state.channel = 11;
    harness.run_steps(2);
    compare(&mut harness, "detail_one_channel");
}

#[test]
fn detail_of_every_kind_of_layer() {
    let network = scenes::network("cards");
    let frame = scenes::frame(scenes::FRAME);
    let mut all = SnapshotResults::new();
    for (name, part) in
        [("detail_embedding", "pixel_embedding"), ("detail_trunk", "downsample"), ("detail_classifier", "conv")]
    {
        let last = network.layers().len() - 1;
        let watch = if name == "detail_classifier" {
            last
        } else {
            network.layers().iter().rposition(|layer| layer.name.contains(part)).expect("such a layer")
        };
        let mut report = scenes::report(&network, frame.clone(), watch);
        report.comparison = Some(scenes::comparison(0.43, 0.62));
        let mut harness = open(scenes::model(report));
        harness.state_mut().window.state.layer = watch;
        harness.state_mut().window.state.follow_layer = true;
        harness.run_steps(3);
        compare(&mut harness, name);
        gather(&mut all, &mut harness);
    }
}

#[test]
fn comparison_says_slower_and_says_what_is_missing() {
    let mut all = SnapshotResults::new();
    let mut report = card();
    report.comparison = Some(scenes::comparison(0.71, 0.62));
    let mut harness = open(scenes::model(report));
    harness.get_by_label_contains("1.15× slower with pixel embedding");
    compare(&mut harness, "comparison_slower");
    gather(&mut all, &mut harness);
    let mut alone = card();
    alone.comparison = None;
    let mut harness = open(scenes::model(alone));
    harness.get_by_label_contains("has no twin with a float first layer here");
    compare(&mut harness, "comparison_without_twin");
    gather(&mut all, &mut harness);
}

#[test]
fn large_network_and_keys() {
    let network = scenes::network("random:erns18");
    let watch = network.layers().iter().position(|layer| layer.name.contains("layer3.1.act1")).expect("there");
    let mut harness = open_with(
        scenes::model(scenes::report(&network, scenes::frame(scenes::FRAME), watch)),
        vec2(1440.0, 900.0),
        |_| (),
    );
    compare(&mut harness, "erns18");
    harness.key_press(Key::F1);
    harness.run_steps(3);
    compare(&mut harness, "keys");
}

#[test]
fn a_click_on_a_tile_opens_its_detail() {
    let report = card();
    let first = report.network.layers()[0].name.clone();
    assert!(first.contains("embedding"));
    let mut harness = open(scenes::model(report));
    harness.state_mut().actions.clear();
    harness.get_by_label_contains("layer embedding, ").click();
    harness.run_steps(2);
    assert_eq!(harness.state().window.state.layer, 0);
    assert_eq!(harness.state().actions, [Action::Send(Command::Watch(0))]);
}

#[test]
fn arrows_walk_layers_and_channels() {
    let report = card();
    let channels = report.network.shapes(report.edge)[report.detail.layer].channels;
    let mut harness = open(scenes::model(report));
    let start = harness.state().window.state.layer;
    harness.state_mut().actions.clear();
    for key in [Key::ArrowRight, Key::ArrowRight, Key::ArrowLeft] {
        harness.key_press(key);
        harness.run_steps(1);
    }
    let watched = [start + 1, start + 2, start + 1].map(|layer| Action::Send(Command::Watch(layer)));
    assert_eq!(harness.state().actions, watched);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    harness.run_steps(1);
    assert_eq!(harness.state().window.state.channel, 1);
    for _ in 0..channels {
        harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
        harness.run_steps(1);
    }
    let shapes = harness.state().model.report.as_ref().map(|r| r.network.shapes(r.edge)).expect("a report");
    let last = shapes[harness.state().window.state.layer].channels - 1;
    assert_eq!(harness.state().window.state.channel, last, "no channel behind the last");
    harness.key_press(Key::End);
    harness.run_steps(1);
    harness.key_press(Key::ArrowRight);
    harness.run_steps(1);
    assert_eq!(harness.state().window.state.layer, shapes.len() - 1, "no layer behind the last");
}

#[test]
fn keys_ask_for_what_the_table_says() {
    let mut model = scenes::model(card());
    model.cameras = vec![CameraInfo { index: 0, name: "Front".into() }, CameraInfo { index: 2, name: "Desk".into() }];
    let mut harness = open(model);
    let mut asked = |key: Key, modifiers: Modifiers| {
        harness.state_mut().actions.clear();
        harness.key_press_modifiers(modifiers, key);
        harness.run_steps(1);
        std::mem::take(&mut harness.state_mut().actions)
    };
    assert_eq!(asked(Key::Space, Modifiers::NONE), [Action::Pause(true)]);
    assert_eq!(asked(Key::Period, Modifiers::NONE), [Action::Step]);
    assert_eq!(asked(Key::S, Modifiers::NONE), [Action::Screenshot]);
    assert_eq!(asked(Key::E, Modifiers::NONE), [Action::ExportFigures]);
    assert_eq!(asked(Key::E, Modifiers::SHIFT), [Action::ExportFrame]);
    assert_eq!(asked(Key::C, Modifiers::NONE), [Action::Send(Command::Compare(false))]);
    assert_eq!(asked(Key::Num1, Modifiers::NONE), [Action::Source(Some(SourceChoice::Demo { seed: 1 }))]);
    assert_eq!(asked(Key::Num3, Modifiers::NONE), [Action::Source(Some(SourceChoice::Camera { index: Some(2) }))]);
    assert_eq!(asked(Key::Num9, Modifiers::NONE), [], "there are two cameras");
    assert_eq!(asked(Key::F11, Modifiers::NONE), [Action::Fullscreen(true)]);
    assert_eq!(asked(Key::Escape, Modifiers::NONE), [Action::Fullscreen(false)]);
    assert!(matches!(asked(Key::G, Modifiers::NONE).as_slice(), [Action::Send(Command::Engine(_))]));
    assert!(matches!(asked(Key::N, Modifiers::NONE).as_slice(), [Action::Send(Command::Model(_))]));
}

#[test]
fn no_key_is_given_twice() {
    for (place, row) in TABLE.iter().enumerate() {
        let twin = TABLE[..place].iter().find(|other| (other.0, other.1) == (row.0, row.1));
        assert!(twin.is_none(), "{:?} does {:?} and {:?}", row.0, row.2, twin.map(|other| other.2));
    }
    assert!(TABLE.iter().any(|row| row.2 == Deed::Help));
}

#[test]
fn an_engine_and_a_source_can_be_chosen() {
    let mut harness = open(scenes::model(card()));
    harness.state_mut().actions.clear();
    harness.get_by_label_contains("Engine: ").click();
    harness.run_steps(3);
    harness.get_by_label("reference: plain loops").click();
    harness.run_steps(2);
    assert_eq!(harness.state().actions, [Action::Send(Command::Engine(EngineChoice::Reference))]);
    harness.state_mut().actions.clear();
    harness.get_by_label_contains("Source: ").click();
    harness.run_steps(3);
    compare(&mut harness, "choosing_a_source");
    harness.get_by_label("first camera that works").click();
    harness.run_steps(2);
    assert_eq!(harness.state().actions, [Action::ListCameras, Action::Source(None)]);
}

#[test]
fn a_path_can_be_typed() {
    let mut harness = open(scenes::model(card()));
    harness.key_press(Key::O);
    harness.run_steps(2);
    harness.state_mut().actions.clear();
    harness.event(egui::Event::Text("nets/mine.safetensors".into()));
    harness.run_steps(1);
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    let file = ernscope::network::shipped::ModelChoice::File("nets/mine.safetensors".into());
    assert_eq!(harness.state().actions, [Action::Send(Command::Model(file))]);
}

/// The simulated board at work, lost, and back: never without the word that it is simulated, never with the other's figures.
#[test]
fn a_board_at_work_and_lost_and_back() {
    let mut all = SnapshotResults::new();
    let board_model = |report: Report| {
        let mut model = scenes::model(report);
        model.settings.engine = EngineChoice::Fpga(BoardChoice::Simulated);
        model.engine = EngineState::Running(model.settings.clone());
        model
    };
    let mut working = on_board(card());
    let compared = scenes::comparison(0.88, 1.21);
    working.comparison = Some(Comparison { measured: Measured::SimulatedBoard, ..compared });
    let mut harness = open(board_model(working.clone()));
    harness.get_by_label_contains("cycles at 60 MHz; simulating takes 412");
    harness.get_by_label_contains("simulated boards, no line");
    harness.get_by_label_contains("cycles simulated");
    harness.get_by_label("simulated");
    compare(&mut harness, "board");
    gather(&mut all, &mut harness);

    let mut lost = card();
    let (why, remedy) = ("the board does not answer any longer".into(), "see whether it has power".into());
    let state = BoardState::Lost { why, remedy };
    lost.engine.board = Some(state.clone());
    let mut model = board_model(lost);
    model.notices.push(Notice { id: 1, about: About::BoardLost, text: state.to_string() });
    let mut harness = open(model);
    harness.get_by_label_contains("board lost · cpu:");
    harness.get_by_label_contains("this engine, last 10 s");
    assert!(harness.query_by_label("simulated").is_none());
    compare(&mut harness, "board_lost");
    gather(&mut all, &mut harness);

    let mut model = board_model(working);
    let back = BoardState::Ready { board: "fpga:sim".into() };
    model.notices.push(Notice { id: 2, about: About::BoardBack, text: back.to_string() });
    let mut harness = open(model);
    compare(&mut harness, "board_back");
    gather(&mut all, &mut harness);

    // One board runs one network.
    let alone = Report { comparison: None, ..on_board(card()) };
    let mut model = board_model(alone);
    model.settings.engine = EngineChoice::Fpga(BoardChoice::First);
    let mut harness = open(model);
    harness.get_by_label_contains("room for one network at a time");
    gather(&mut all, &mut harness);
}

#[test]
fn a_board_that_is_back_ends_the_message_of_its_loss() {
    let notice = |id, about, text: &str| Notice { id, about, text: text.into() };
    let mut model = scenes::model(card());
    model.notices.push(notice(1, About::Refusal, "something was refused"));
    model.notices.push(notice(2, About::BoardLost, "the board was lost"));
    let mut harness = open(model.clone());
    harness.get_by_label("the board was lost");
    model.notices.push(notice(3, About::BoardBack, "the board runs again"));
    harness.state_mut().model = model;
    harness.run_steps(4);
    harness.get_by_label("the board runs again");
    harness.get_by_label("something was refused");
    assert!(harness.query_by_label("the board was lost").is_none());
}

#[test]
fn messages_are_dismissed() {
    let mut model = scenes::model(card());
    model.notices.push(Notice { id: 1, about: About::Refusal, text: "something was refused".into() });
    let mut harness = open(model);
    harness.get_by_label("something was refused");
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(harness.query_by_label("something was refused").is_none());
}
