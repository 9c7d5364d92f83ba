//! Teaching from the first click to a network, through the window's own widgets.

// What the tests outside need of it besides is not needed here.
#[allow(dead_code)]
#[path = "../../../tests/scenes/mod.rs"]
mod scenes;

use crate::app::{self, Model, Window};
use crate::engine::Engine;
use crate::engine::cpu::{CpuEngine, Level};
use crate::frame::{Crop, Frame, InputImage};
use crate::network::{NOTHING, Network};
use crate::pipeline::Report;
use crate::preprocess::Preprocessor;
use crate::source::demo::{DemoRenderer, HEIGHT, WIDTH};
use crate::teach::{Progress, Teacher};
use egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::sync::Arc;
use web_time::{Duration, Instant};

/// Cards that `objects` never saw, and the place without one.
const THINGS: [&str; 4] = [NOTHING, "anchor", "cactus", "penguin"];
const SHOWN: usize = 10;
const FRESH: usize = 20;
/// Between frames that are looked at: a shot has several of them.
const STRIDE: u64 = 23;

/// So many frames of each thing, from the film of a seed.
fn film(seed: u64, count: usize) -> [Vec<Frame>; 4] {
    let mut renderer = DemoRenderer::new(seed);
    let mut frames: [Vec<Frame>; 4] = Default::default();
    let mut rgb = vec![0; (WIDTH * HEIGHT * 3) as usize];
    for index in (0..).map(|step| step * STRIDE) {
        let truth = renderer.render(index, &mut rgb);
        let thing = THINGS.iter().position(|thing| *thing == truth.label);
        if let Some(thing) = thing.filter(|&thing| frames[thing].len() < count) {
            frames[thing].push(Frame { index, rgb: rgb.clone().into(), ..scenes::frame(0) });
        }
        if frames.iter().all(|frames| frames.len() == count) {
            break;
        }
    }
    frames
}

struct Scene {
    window: Window,
    model: Model,
    teacher: Teacher,
}

fn open(draft: Option<std::path::PathBuf>, report: &Report) -> Harness<'static, Scene> {
    let teacher = Teacher::start(draft, || ()).expect("a thread");
    let scene = Scene { window: Window::default(), model: scenes::model(report.clone()), teacher };
    let show = |ui: &mut egui::Ui, scene: &mut Scene| {
        scene.model.teaching = Some(scene.teacher.progress());
        scene.window.show(ui, &scene.model);
        std::mem::take(&mut scene.window.state.teach.requests)
            .into_iter()
            .for_each(|request| scene.teacher.send(request));
    };
    let harness = Harness::builder().with_size(vec2(1440.0, 900.0)).with_context_setup(app::apply).with_max_steps(8);
    let mut harness = harness.build_ui_state(show, scene);
    harness.run_steps(2);
    harness
}

/// Draws until the lesson is as it should be.
fn wait(harness: &mut Harness<'_, Scene>, what: &str, is_there: impl Fn(&Progress) -> bool) {
    let start = Instant::now();
    while !is_there(&harness.state().teacher.progress()) {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: {:?}", harness.state().teacher.progress().problem);
        std::thread::sleep(Duration::from_millis(5));
        harness.step();
    }
    harness.run_steps(2);
}

/// Shows frames to the chosen class while Space is held.
fn hold(harness: &mut Harness<'_, Scene>, frames: &[Frame]) {
    harness.key_down(Key::Space);
    for frame in frames {
        let model = &mut harness.state_mut().model;
        let report = model.report.as_deref().expect("one").clone();
        model.report = Some(Arc::new(Report { frame: frame.clone(), ..report }));
        harness.step();
    }
    harness.key_up(Key::Space);
    harness.step();
}

fn add(harness: &mut Harness<'_, Scene>, name: &str) {
    let field = harness.get_by_label("name of the next thing");
    field.focus();
    field.type_text(name);
    harness.run_steps(2);
    harness.get_by_label("Add").click();
    wait(harness, name, |progress| progress.classes.iter().any(|class| class.name == name));
}

fn recognised(network: &Arc<Network>, things: &[Vec<Frame>; 4]) -> usize {
    let mut engine = CpuEngine::new(network.clone(), network.edge(), Level::best(), 1).expect("it runs");
    let mut square = InputImage::black(network.edge());
    let mut right = 0;
    for (frames, thing) in things.iter().zip(THINGS) {
        for frame in frames {
            Preprocessor::new(1).run(&frame.rgb, frame.width, frame.height, &mut square).expect("a good frame");
            let class = engine.run(&square).expect("it fits").class();
            right += usize::from(network.labels()[class] == thing);
        }
    }
    right
}

#[test]
fn what_is_taught_is_what_the_dashed_square_shows() {
    let frame = scenes::frame(scenes::FRAME);
    let mut report = scenes::report(&scenes::network("objects"), frame.clone(), 1);
    report.crop = Crop { x: 260, y: 180, edge: 120 };
    let crop = report.crop;
    let mut harness = open(None, &report);
    harness.get_by_label("Teach it new things (M)").click();
    wait(&mut harness, "the empty place", |progress| progress.classes.len() == 1);
    hold(&mut harness, std::slice::from_ref(&frame));
    wait(&mut harness, "a frame", |progress| progress.frames() == 1);
    let mut square = InputImage::black(report.edge);
    Preprocessor::new(1).run_crop(&frame.rgb, [frame.width, frame.height], crop, &mut square).expect("a good frame");
    assert!(*harness.state().teacher.progress().classes[0].newest[0].1 == square);
}

#[test]
fn three_things_are_taught_through_the_window_and_survive_a_crash() {
    let report = scenes::report(&scenes::network("objects"), scenes::frame(scenes::FRAME), 1);
    let folder = tempfile::tempdir().expect("a folder");
    let draft = folder.path().join("lesson");
    let mut harness = open(Some(draft.clone()), &report);
    harness.get_by_label("Teach it new things (M)").click();
    wait(&mut harness, "the empty place", |progress| progress.classes.len() == 1);
    let shown = film(11, SHOWN);
    for (thing, frames) in THINGS.iter().zip(&shown) {
        if *thing != NOTHING {
            add(&mut harness, thing);
        }
        hold(&mut harness, frames);
        wait(&mut harness, thing, |progress| {
            progress.classes.iter().any(|class| class.name == *thing && class.frames == SHOWN)
        });
    }
    wait(&mut harness, "held-out frames", |progress| progress.recognised.is_some() && progress.waiting == 0);
    let network = harness.state().teacher.progress().network.clone().expect("learned");
    let right = recognised(&network, &film(12, FRESH));
    assert!(right * 100 >= FRESH * 4 * 75, "{right} of {}", FRESH * 4);

    // A crash: nothing is said to the thread any more, and another program finds what was shown.
    let mut again = open(Some(draft.clone()), &report);
    again.get_by_label("Teach it new things (M)").click();
    wait(&mut again, "what was shown", |progress| progress.frames() == 4 * SHOWN && progress.network.is_some());
    again.get_by_label("Undo 10 frames").click();
    wait(&mut again, "undone", |progress| progress.classes[3].frames == 0 && progress.frames() == 3 * SHOWN);
    again.get_by_label("Throw away").click();
    wait(&mut again, "a new lesson", |progress| progress.frames() == 0 && progress.classes.len() == 1);
    assert!(!std::fs::read(&draft).is_ok_and(|bytes| bytes.len() > 1000), "the frames are gone");
}

#[test]
fn what_is_refused_is_said_and_loses_nothing() {
    let report = scenes::report(&scenes::network("objects"), scenes::frame(scenes::FRAME), 1);
    let mut harness = open(None, &report);
    harness.get_by_label("Teach it new things (M)").click();
    wait(&mut harness, "the empty place", |progress| progress.classes.len() == 1);
    add(&mut harness, "pear");
    for (name, says) in [("PEAR", "already"), ("x".repeat(70).as_str(), "letters")] {
        let field = harness.get_by_label("name of the next thing");
        field.focus();
        field.type_text(name);
        harness.run_steps(2);
        harness.get_by_label("Add").click();
        wait(&mut harness, says, |progress| progress.problem.as_ref().is_some_and(|problem| problem.contains(says)));
        assert_eq!(harness.state().teacher.progress().classes.len(), 2);
    }
    // The same black frame for all: nothing can be told apart, and it is said.
    let black = Frame { rgb: vec![0; (WIDTH * HEIGHT * 3) as usize].into(), ..scenes::frame(0) };
    let frames: Vec<Frame> = (1..4).map(|index| Frame { index, ..black.clone() }).collect();
    hold(&mut harness, &frames);
    wait(&mut harness, "frames", |progress| progress.classes[1].frames == 3);
    assert!(harness.state().teacher.progress().network.is_none());
}
