//! The window as a person sees and uses it, without a display: pictures of its states, and what clicks and keys ask for.

mod scenes;
#[path = "common/window_text.rs"]
mod window_text;

use egui::{Key, Modifiers, ThemePreference, vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, SnapshotResults};
use ernscope::app::{self, Action, DialogAnswer, DialogKind, Model, Window};
use ernscope::board::{BoardFrame, BoardState, LayerCycles};
use ernscope::engine::{EngineInfo, EngineKind};
use ernscope::engines::EngineChoice;
use ernscope::fpga::BoardChoice;
use ernscope::fpga::FoundPort;
use ernscope::frame::Crop;
use ernscope::network::ModelChoice;
use ernscope::pipeline::{
    About, Comparison, Counts, EngineCommand, EngineState, FrameTiming, Measured, Notice, Rates, Report, TwinFigures,
};
use ernscope::source::{CameraFault, CameraInfo, SourceChoice, SourceError, SourceState};
use std::time::Duration;
use window_text::{compare_text, misplaced, painted, told, untold};

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
    open_scaled(model, size, 1.0, prepare)
}

/// On a screen or in a window of so many pixels, `scaling` of them a point of the system's, as the program fits itself into it.
fn open_on(model: Model, pixels: [f32; 2], scaling: f32, prepare: impl FnOnce(&mut Window)) -> Harness<'static, Scene> {
    let mut window = Window::default();
    prepare(&mut window);
    let points = egui::Vec2::from(pixels) / scaling;
    let zoom = app::zoom(points, scaling, window.state.layout.large);
    open_scaled(model, points / zoom, scaling * zoom, |empty| *empty = window)
}

fn open_scaled(
    model: Model,
    size: egui::Vec2,
    pixels_per_point: f32,
    prepare: impl FnOnce(&mut Window),
) -> Harness<'static, Scene> {
    let mut window = Window::default();
    window.state.theme = ThemePreference::Dark;
    prepare(&mut window);
    let show = |ui: &mut egui::Ui, scene: &mut Scene| {
        let actions = scene.window.show(ui, &scene.model);
        scene.actions.extend(actions);
    };
    let harness = Harness::builder().with_size(size).with_pixels_per_point(pixels_per_point);
    let harness = harness.with_context_setup(app::apply).with_max_steps(8);
    let mut harness = harness.build_ui_state(show, Scene { window, model, actions: Vec::new() });
    harness.run_steps(4);
    harness
}

/// Compares with the picture and the text in tests/snapshots. The text must be the same; how far pictures may differ, since not
/// every machine draws them alike, says kittest.toml. `UPDATE_SNAPSHOTS=1` writes both anew.
fn compare(harness: &mut Harness<'_, Scene>, name: &str) {
    harness.snapshot(name);
    compare_text(name, &told(harness));
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
        let counted = LayerCycles { cycles, steps, input_stalls: 0, drain_stalls: 0, weight_stalls: 0 };
        sample.counted = (steps > 0).then_some(counted);
        sample.elapsed = Duration::from_nanos(cycles * 1_000_000 / u64::from(CLOCK_KHZ));
    }
    let cycles = layers.iter().filter_map(|sample| sample.counted).map(|counted| counted.cycles).sum();
    let link = Duration::from_millis(412);
    let board = BoardFrame {
        cycles,
        clock_khz: CLOCK_KHZ,
        host: Duration::ZERO,
        link,
        simulated: true,
        extra_bit_plane_cycles: None,
    };
    let infer_ms = board.compute().as_secs_f32() * 1e3;
    let latency_ms = infer_ms + 414.0;
    report.layers = layers.into();
    report.engine = EngineInfo {
        kind: EngineKind::Board,
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
    model.source.choice = Some(SourceChoice::Camera { index: Some(0) });
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
    let mut harness = open_on(scenes::model(card()), [1920.0, 1080.0], 1.0, |window| {
        window.state.fullscreen = true;
        window.state.layout.large = true;
    });
    compare(&mut harness, "full_screen");
}

#[test]
fn small() {
    compare(&mut open_on(scenes::model(card()), [1280.0, 800.0], 1.0, |_| ()), "small");
}

/// As a phone is held.
#[test]
fn tall() {
    compare(&mut open_on(scenes::model(card()), [780.0, 1688.0], 2.0, |_| ()), "tall");
}

#[test]
fn no_camera() {
    let mut model = scenes::model(card());
    model.source.state = SourceState::Fallback { reason: SourceError::NoCamera, width: 640, height: 480 };
    model.source.choice = None;
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
    report.engine = EngineInfo { name: "reference".into(), kind: EngineKind::Reference, ..report.engine };
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
    // In a low window the list scrolls.
    let report = harness.state().model.report.as_deref().expect("a report").clone();
    let mut low = open_on(scenes::model(report), [640.0, 400.0], 1.0, |window| window.state.help = true);
    low.run_steps(2);
    let screen = low.ctx.content_rect();
    assert!(screen.contains_rect(low.get_by_label_contains("Drag panels by their titles").rect()));
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
    assert_eq!(harness.state().actions, [Action::Send(EngineCommand::Watch(0))]);
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
    let watched = [start + 1, start + 2, start + 1].map(|layer| Action::Send(EngineCommand::Watch(layer)));
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
    assert_eq!(asked(Key::C, Modifiers::NONE), [Action::Send(EngineCommand::Compare(false))]);
    assert_eq!(asked(Key::Num1, Modifiers::NONE), [Action::Source(Some(SourceChoice::Demo { seed: 1 }))]);
    assert_eq!(asked(Key::Num3, Modifiers::NONE), [Action::Source(Some(SourceChoice::Camera { index: Some(2) }))]);
    assert_eq!(asked(Key::Num9, Modifiers::NONE), [], "there are two cameras");
    assert_eq!(asked(Key::F11, Modifiers::NONE), [Action::Fullscreen(true)]);
    assert_eq!(asked(Key::Escape, Modifiers::NONE), [Action::Fullscreen(false)]);
    assert!(matches!(asked(Key::G, Modifiers::NONE).as_slice(), [Action::Send(EngineCommand::Engine(_))]));
    assert!(matches!(asked(Key::N, Modifiers::NONE).as_slice(), [Action::Send(EngineCommand::Model(_))]));
}

/// What was asked for besides the list that was open.
fn chosen(harness: &mut Harness<'_, Scene>, list: &Action) -> Vec<Action> {
    let (listed, chosen): (Vec<_>, Vec<_>) = harness.state_mut().actions.drain(..).partition(|action| action == list);
    assert!(!listed.is_empty(), "an open list is kept up to date");
    chosen
}

#[test]
fn an_engine_and_a_source_can_be_chosen() {
    let mut harness = open(scenes::model(card()));
    harness.state_mut().actions.clear();
    harness.get_by_label_contains("Engine: ").click();
    harness.run_steps(3);
    harness.get_by_label("reference: plain loops").click();
    harness.run_steps(2);
    assert_eq!(
        chosen(&mut harness, &Action::ListPorts),
        [Action::Send(EngineCommand::Engine(EngineChoice::Reference))]
    );
    harness.get_by_label_contains("Source: ").click();
    harness.run_steps(3);
    compare(&mut harness, "choosing_a_source");
    harness.get_by_label("first camera that works").click();
    harness.run_steps(2);
    assert_eq!(chosen(&mut harness, &Action::ListCameras), [Action::Source(None)]);
}

#[test]
fn a_path_can_be_typed() {
    let mut harness = open(scenes::model(card()));
    harness.key_press(Key::P);
    harness.run_steps(2);
    assert_eq!(
        typed(&mut harness, "nets/mine.safetensors"),
        [Action::Send(EngineCommand::Model(file("nets/mine.safetensors")))]
    );
}

fn file(path: &str) -> ModelChoice {
    ModelChoice::File(path.into())
}

/// What is asked for when `path` is typed and entered.
fn typed(harness: &mut Harness<'_, Scene>, path: &str) -> Vec<Action> {
    harness.state_mut().actions.clear();
    harness.event(egui::Event::Text(path.into()));
    harness.run_steps(1);
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    std::mem::take(&mut harness.state_mut().actions)
}

#[test]
fn without_a_dialog_of_the_system_the_path_is_typed() {
    let mut all = SnapshotResults::new();
    let mut harness = open(scenes::model(card()));
    harness.state_mut().actions.clear();
    harness.key_press(Key::O);
    harness.run_steps(1);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::O);
    harness.run_steps(1);
    let asked = std::mem::take(&mut harness.state_mut().actions);
    assert_eq!(asked, [Action::Choose(DialogKind::File), Action::Choose(DialogKind::Folder)]);
    harness.get_by_label_contains("Source: ").click();
    harness.run_steps(3);
    harness.state_mut().actions.clear();
    harness.get_by_label_contains("a folder of pictures").click();
    harness.run_steps(2);
    assert!(harness.state().actions.contains(&Action::Choose(DialogKind::Folder)));

    let failed = DialogAnswer::Failed("this desktop has no portal that shows dialogs for files".into());
    assert_eq!(harness.state_mut().window.answered(failed), None);
    harness.run_steps(3);
    harness.get_by_label_contains("Typed here because this desktop has no portal");
    compare(&mut harness, "typed_path");
    gather(&mut all, &mut harness);
    assert_eq!(typed(&mut harness, "walk.y4m"), [Action::Source(Some(SourceChoice::File("walk.y4m".into())))]);
    assert!(harness.query_by_label_contains("Typed here").is_none());

    let window = &mut harness.state_mut().window;
    assert_eq!(window.answered(DialogAnswer::Dismissed), None);
    let chosen = DialogAnswer::Chosen("nets/mine.safetensors".into());
    assert_eq!(window.answered(chosen), Some(Action::Send(EngineCommand::Model(file("nets/mine.safetensors")))));
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Typed here").is_none());
}

/// What a press of `key` asks for, and what the window says to it.
fn pressed(harness: &mut Harness<'_, Scene>, key: Key) -> Vec<Action> {
    harness.state_mut().actions.clear();
    harness.key_press(key);
    harness.run_steps(3);
    std::mem::take(&mut harness.state_mut().actions)
}

#[test]
fn the_keys_of_threads_say_why_they_do_nothing() {
    let most = std::thread::available_parallelism().map_or(1, usize::from);
    // Too small a network: one thread, whatever is asked.
    let mut harness = open(scenes::model(card()));
    for key in [Key::Plus, Key::Minus] {
        assert_eq!(pressed(&mut harness, key), []);
        harness.get_by_label_contains("cards is so small that one thread computes it");
    }
    harness.get_by_label_contains("Engine: ").click();
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("so small that one thread").count() >= 2, "the list says it too");

    let mut report = card();
    report.engine = EngineInfo { name: "reference".into(), kind: EngineKind::Reference, ..report.engine };
    let mut harness = open(scenes::model(report));
    assert_eq!(pressed(&mut harness, Key::Plus), []);
    harness.get_by_label_contains("The reference engine always computes with one thread");

    let mut harness = open(scenes::model(on_board(card())));
    assert_eq!(pressed(&mut harness, Key::Minus), []);
    harness.get_by_label_contains("The board computes");

    // A large one: as many as there are, and no fewer than one.
    let network = scenes::network("random:erns18");
    let mut large = scenes::report(&network, scenes::frame(scenes::FRAME), 1);
    large.edge = network.edge();
    let mut model = scenes::model(large);
    model.settings.threads = 1;
    let mut harness = open(model);
    assert_eq!(pressed(&mut harness, Key::Minus), []);
    harness.get_by_label_contains("One thread computes already");
    let one_more = if most > 1 { vec![Action::Send(EngineCommand::Threads(2))] } else { vec![] };
    assert_eq!(pressed(&mut harness, Key::Plus), one_more);
    harness.state_mut().model.settings.threads = most;
    assert_eq!(pressed(&mut harness, Key::Equals), []);
    harness.get_by_label_contains(if most > 1 { "compute already" } else { "runs one thread at a time" });
}

/// A camera, seen through its own picture: its frames do not know what they show.
fn live_camera(mut report: Report) -> Model {
    report.frame.truth = None;
    let mut model = scenes::model(report);
    model.source.state = SourceState::Live { name: "camera 0".into(), width: 640, height: 480 };
    model.source.choice = Some(SourceChoice::Camera { index: Some(0) });
    model
}

/// Whether a picture is drawn with its right side at the left.
fn draws_mirrored(harness: &Harness<'_, Scene>) -> bool {
    use egui::epaint::Shape;
    harness.output().shapes.iter().any(|clipped| match &clipped.shape {
        Shape::Rect(rect) => rect.brush.as_ref().is_some_and(|brush| brush.uv.min.x > brush.uv.max.x),
        _ => false,
    })
}

#[test]
fn a_camera_is_a_mirror_and_says_so_until_v_is_pressed() {
    let mut harness = open(live_camera(card()));
    assert!(draws_mirrored(&harness));
    harness.get_by_label("mirrored");
    harness.get_by_label("live picture, 640×480, mirrored");
    assert_eq!(pressed(&mut harness, Key::V), [], "the network never knows");
    assert!(!draws_mirrored(&harness) && !harness.state().window.state.mirror);
    assert!(harness.query_by_label_contains("mirrored").is_none());
    harness.state_mut().model.cameras = vec![CameraInfo { index: 0, name: "Front".into() }];
    harness.get_by_label_contains("Source: ").click();
    harness.run_steps(3);
    harness.get_by_label_contains("cameras mirrored").click();
    harness.run_steps(3);
    assert!(draws_mirrored(&harness) && harness.state().window.state.mirror);
    // While another source is opened, the last picture stays as it was; the next source's is its own.
    harness.state_mut().model.source.source = 2;
    harness.state_mut().model.source.choice = Some(SourceChoice::File("walk.y4m".into()));
    harness.run_steps(2);
    assert!(draws_mirrored(&harness));
    let mut next = harness.state().model.report.as_deref().expect("one").clone();
    next.frame.source = 2;
    harness.state_mut().model.report = Some(next.into());
    harness.run_steps(2);
    assert!(!draws_mirrored(&harness));
}

#[test]
fn what_is_no_camera_is_never_mirrored() {
    let mut fallback = scenes::model(card());
    fallback.source.state = SourceState::Fallback { reason: SourceError::NoCamera, width: 640, height: 480 };
    fallback.source.choice = None;
    let mut file = live_camera(card());
    file.source.choice = Some(SourceChoice::File("holiday.jpg".into()));
    for model in [scenes::model(card()), fallback, file] {
        let mut harness = open(model);
        assert!(!draws_mirrored(&harness) && harness.query_by_label_contains("mirrored").is_none());
        pressed(&mut harness, Key::V);
        harness.get_by_label_contains("Pictures of cameras are shown as they are");
        pressed(&mut harness, Key::V);
        assert!(!draws_mirrored(&harness));
    }
}

/// A card's report in which the network sees a square of this edge.
fn zoomed(edge: u32) -> Report {
    let mut report = card();
    report.crop = Crop { x: (640 - edge) / 2, y: (480 - edge) / 2, edge };
    report
}

#[test]
fn keys_and_wheel_make_the_square_smaller_down_to_its_limit() {
    let zoom = |percent| vec![Action::Send(EngineCommand::Zoom(percent))];
    let mut harness = open(scenes::model(card()));
    let back = |harness: &mut Harness<'_, Scene>| {
        harness.state_mut().actions.clear();
        harness.key_press_modifiers(Modifiers::SHIFT, Key::Z);
        harness.run_steps(3);
        std::mem::take(&mut harness.state_mut().actions)
    };
    assert_eq!(back(&mut harness), []);
    harness.get_by_label_contains("sees the whole square already");
    for percent in [119, 141, 168, 200, 238, 283, 336, 400] {
        assert_eq!(pressed(&mut harness, Key::Z), zoom(percent));
    }
    assert_eq!(pressed(&mut harness, Key::Z), []);
    harness.get_by_label_contains("no smaller than a quarter");
    assert_eq!(back(&mut harness), zoom(336));
    // No smaller than what the network reads, and from there one step back.
    let mut report = harness.state().model.report.as_deref().expect("one").clone();
    report.edge = 256;
    harness.state_mut().model.report = Some(report.into());
    assert_eq!(pressed(&mut harness, Key::Z), []);
    harness.get_by_label_contains("the network reads, 256×256");
    assert_eq!(back(&mut harness), zoom(168));

    let mut harness = open(scenes::model(card()));
    let turned = |harness: &mut Harness<'_, Scene>, over: &str, lines: f32| {
        let at = harness.get_by_label_contains(over).rect().center();
        harness.state_mut().actions.clear();
        harness.hover_at(at);
        harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Line,
            delta: vec2(0.0, lines),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        harness.run_steps(4);
        harness.state_mut().actions.drain(..).filter(|action| matches!(action, Action::Send(_))).collect::<Vec<_>>()
    };
    let asked = turned(&mut harness, "live picture", 4.0);
    assert_eq!((asked.last(), harness.state().window.state.zoom), (zoom(200).last(), 200));
    let asked = turned(&mut harness, "live picture", -9.0);
    assert_eq!((asked.last(), harness.state().window.state.zoom), (zoom(100).last(), 100));
    assert_eq!(turned(&mut harness, "layer embedding, ", 4.0), [], "elsewhere the wheel does what it did");
}

#[test]
fn a_zoomed_or_mirrored_picture_says_so_in_every_window() {
    let mut wrong = Vec::new();
    for (which, report) in [card(), zoomed(240), zoomed(120), zoomed(400)].into_iter().enumerate() {
        let model = live_camera(report);
        for (pixels, scaling, large) in SIZES {
            let harness = open_on(model.clone(), pixels, scaling, |window| window.state.layout.large = large);
            let all = at_odds(&harness);
            wrong.extend(all.into_iter().map(|text| format!("{which}, {pixels:?} at {scaling}, {large}: {text}")));
            harness.get_by_label("mirrored");
            let says = ["network sees 64×64", "network sees 64×64 · 2.0×", "network sees 64×64 · 4.0×"];
            assert!(says.get(which).is_none_or(|says| harness.query_by_label(says).is_some()), "{which}, {pixels:?}");
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every repaint of an open list asks for the ports; what is found stands in the list.
#[test]
fn ports_are_listed_while_the_list_is_open() {
    let mut harness = open(scenes::model(card()));
    harness.get_by_label_contains("Engine: ").click();
    for _ in 0..20 {
        harness.run_steps(1);
    }
    let asked = harness.state_mut().actions.drain(..).filter(|action| *action == Action::ListPorts).count();
    assert!(asked > 10, "asked with every repaint: {asked}");
    harness.state_mut().model.ports =
        vec![FoundPort { path: "/dev/ttyUSB7".into(), name: "a board".into(), is_board: true }];
    harness.run_steps(2);
    harness.get_by_label("fpga:/dev/ttyUSB7: a board");
}

/// The windows in which nothing may meet or be cut off: pixels, pixels a point, large type.
const SIZES: [([f32; 2], f32, bool); 14] = [
    ([1440.0, 900.0], 1.0, false),
    ([1280.0, 800.0], 1.0, false),
    ([1280.0, 800.0], 1.5, false),
    ([1280.0, 800.0], 2.0, false),
    ([1920.0, 1200.0], 1.5, false),
    ([2560.0, 1600.0], 2.0, false),
    ([1280.0, 800.0], 1.0, true),
    ([1280.0, 800.0], 2.0, true),
    ([1920.0, 1080.0], 1.0, true),
    ([1920.0, 1080.0], 1.0, false),
    ([3840.0, 2160.0], 2.0, true),
    // Tiled beside another window, and as small as it gets.
    ([700.0, 900.0], 1.0, false),
    ([960.0, 1080.0], 1.0, false),
    ([640.0, 400.0], 1.0, false),
];

/// Figures of two twins on a simulated board, and of what bit planes would take there.
fn comparison_on_a_board() -> Comparison {
    let compared = scenes::comparison(0.88, 1.21);
    let bit_planes = TwinFigures {
        frame_ms: 1.79,
        frames_per_s: 1e3 / 1.79,
        first_layer_ms: 0.99,
        accuracy: None,
        ..compared.embedded.clone()
    };
    Comparison { bit_planes: Some(bit_planes), measured: Measured::SimulatedBoard, ..compared }
}

/// Figures as wide as they get: a fast engine on a long run, a slow one, and a board.
fn wide_figures() -> [Report; 3] {
    let mut fast = card();
    fast.rates.engine_per_s = 123_456.0;
    fast.counts =
        Counts { captured: 9_876_543, dropped: 12_345, with_truth: 1_234_567, right: 1_234_000, ..fast.counts };
    let mut compared = scenes::comparison(0.01, 0.02);
    compared.frames = 1000;
    compared.agreement = 1.0;
    compared.embedded.accuracy = Some(1.0);
    fast.comparison = Some(compared);
    let mut slow = card();
    slow.rates.infer_ms = 12_345.0;
    slow.rates.engine_per_s = 0.08;
    slow.comparison = Some(scenes::comparison(12_345.0, 123.4));
    let mut board = on_board(card());
    board.comparison = Some(comparison_on_a_board());
    [fast, slow, board]
}

/// The texts that meet or are cut off, but for the tiles of layers, which scroll.
fn at_odds(harness: &Harness<'_, Scene>) -> Vec<String> {
    let texts = painted(harness);
    let tiles = harness.query_all_by_label_contains("layer ").map(|tile| tile.rect().y_range());
    let scrolling = tiles.reduce(|a, b| egui::Rangef::new(a.min.min(b.min), a.max.max(b.max)));
    assert!(texts.len() > 30, "the window is full of text");
    misplaced(&texts, 2.5, scrolling)
}

#[test]
fn no_text_meets_another_or_is_cut_off_and_every_figure_is_told() {
    let mut wrong = Vec::new();
    let reports = std::iter::once(card()).chain(wide_figures());
    for (which, report) in reports.enumerate() {
        let model = scenes::model(report);
        for (pixels, scaling, large) in SIZES {
            let harness = open_on(model.clone(), pixels, scaling, |window| window.state.layout.large = large);
            let mut all = at_odds(&harness);
            all.extend(untold(&harness).into_iter().map(|text| format!("{text} is not told")));
            let note = |text| format!("report {which}, {pixels:?} at {scaling}, large {large}: {text}");
            wrong.extend(all.into_iter().map(note));
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

/// All five columns of both twins, and the verdict, at every size that shows the comparison.
#[test]
fn the_comparison_keeps_its_figures_apart() {
    for report in std::iter::once(card()).chain(wide_figures()) {
        let compared = report.comparison.clone().expect("compared");
        let model = scenes::model(report);
        for (pixels, scaling, _) in SIZES.into_iter().filter(|size| !size.2) {
            let harness = open_on(model.clone(), pixels, scaling, |_| ());
            let texts = painted(&harness);
            let planes = compared.bit_planes.iter().map(|_| "bit planes, cards");
            for twin in ["embedding, cards", "float input, cards-float-input"].into_iter().chain(planes) {
                let row = harness.get_by_label_contains(&format!("{twin}: frames/s")).rect();
                let mut figures: Vec<_> = texts.iter().filter(|text| row.contains(text.ink.center())).collect();
                assert_eq!(figures.len(), 5, "{twin}, {pixels:?} at {scaling}: {figures:?}");
                figures.sort_by(|a, b| a.ink.left().total_cmp(&b.ink.left()));
                for pair in figures.windows(2) {
                    let gap = pair[1].ink.left() - pair[0].ink.right();
                    assert!(
                        gap >= 7.0,
                        "{pixels:?} at {scaling}: {} and {} are {gap} apart",
                        pair[0].text,
                        pair[1].text
                    );
                }
            }
        }
    }
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
    working.comparison = Some(comparison_on_a_board());
    let mut harness = open(board_model(working.clone()));
    harness.get_by_label_contains("cycles at 60 MHz; simulating takes 412");
    harness.get_by_label_contains("simulated boards, no line");
    harness.get_by_label_contains("cycles simulated");
    harness.get_by_label("simulated");
    harness.get_by_label_contains("bit planes, cards: frames/s 559");
    harness.get_by_label_contains("bit planes: by model, not run");
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
