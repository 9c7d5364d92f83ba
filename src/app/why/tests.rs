//! Why, from the key to the answer: the real pipeline on the demo, the window's own widgets.

use crate::app::{self, Action, Model, Window};
use crate::engines::EngineChoice;
use crate::network::ModelChoice;
use crate::pipeline::{Pipeline, Settings};
use crate::source::SourceChoice;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use web_time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    window: Window,
    model: Model,
    pipeline: Pipeline,
}

impl Scene {
    /// Brings the model to the present, as the shell does.
    fn refresh(&mut self) {
        self.model.follow(&self.pipeline);
    }

    fn show(&mut self, ui: &mut egui::Ui) {
        self.refresh();
        for action in self.window.show(ui, &self.model) {
            match action {
                Action::Send(command) => self.pipeline.send(command),
                Action::Pause(paused) => self.pipeline.source().set_paused(paused),
                _ => {}
            }
        }
    }
}

fn open() -> Harness<'static, Scene> {
    let model: ModelChoice = "cards".parse().expect("any text names a network");
    let settings = Settings { model, engine: EngineChoice::Cpu(None), edge: None, threads: 1 };
    let pipeline = Pipeline::start(settings.clone(), Some(SourceChoice::Demo { seed: 1 }), || ()).expect("it starts");
    let model = Model::new(settings, pipeline.source_status());
    let scene = Scene { window: Window::default(), model, pipeline };
    let harness = Harness::builder().with_size(vec2(1440.0, 900.0)).with_context_setup(app::apply).with_max_steps(8);
    let mut harness = harness.build_ui_state(|ui, scene: &mut Scene| scene.show(ui), scene);
    wait(&mut harness, "the first frame", |scene| scene.model.steady.is_some());
    harness
}

/// Draws until it is as it should be.
fn wait(harness: &mut Harness<'_, Scene>, what: &str, is_there: impl Fn(&Scene) -> bool) {
    let start = Instant::now();
    while !is_there(harness.state()) {
        assert!(start.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
        harness.step();
    }
    harness.run_steps(2);
}

fn press(harness: &mut Harness<'_, Scene>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(2);
}

#[test]
fn evidence_and_covering_lie_over_the_picture_while_they_are_open() {
    let mut harness = open();
    press(&mut harness, Modifiers::NONE, Key::W);
    wait(&mut harness, "evidence", |scene| scene.model.answers.classifier_input.is_some());
    assert!(harness.query_by_label_contains("evidence for ").is_some());
    assert!(harness.query_by_label("logit").is_some());
    press(&mut harness, Modifiers::SHIFT, Key::W);
    wait(&mut harness, "a covered picture", |scene| matches!(scene.model.answers.occlusion, Some(Ok(_))));
    assert!(harness.query_by_label("falls at most by").is_some());
    assert!(harness.state().model.answers.classifier_input.is_none(), "nobody looks at evidence now");
    press(&mut harness, Modifiers::SHIFT, Key::W);
    wait(&mut harness, "the end of covering", |scene| scene.model.answers.occlusion.is_none());
    assert!(harness.query_by_label("falls at most by").is_none());
}

#[test]
fn a_click_on_a_channel_takes_a_value_apart_and_its_inputs_can_be_walked_to() {
    let mut harness = open();
    harness.get_by_label("channel 0 large").click();
    harness.run_steps(2);
    let explained = |scene: &Scene| matches!(scene.model.answers.neuron, Some(Ok(_)));
    wait(&mut harness, "an explanation", explained);
    let explanation = match &harness.state().model.answers.neuron {
        Some(Ok(explanation)) => explanation.clone(),
        other => panic!("{other:?}"),
    };
    let sum: f64 = explanation.terms().map(|term| term.contribution()).sum();
    assert_eq!(sum, explanation.sum);
    assert!(harness.query_by_label("Back").is_none());
    let place = explanation.neuron();
    assert!(harness.state().window.state.why.place() == Some(place));
}

#[test]
fn a_held_frame_is_compared_with_the_ones_that_go_on() {
    let mut harness = open();
    press(&mut harness, Modifiers::NONE, Key::A);
    wait(&mut harness, "a held frame", |scene| scene.model.answers.held.is_some());
    press(&mut harness, Modifiers::SHIFT, Key::A);
    let differs = |scene: &Scene| {
        let held = scene.model.answers.held.as_ref();
        held.is_some_and(|held| held.differing.iter().flatten().any(|&count| count > 0))
    };
    wait(&mut harness, "another frame", differs);
    assert!(harness.query_by_label("codes that differ").is_some());
    assert!(harness.query_by_label_contains("codes differ from the held frame").is_some() || differs(harness.state()));
    press(&mut harness, Modifiers::NONE, Key::A);
    wait(&mut harness, "the end of it", |scene| scene.model.answers.held.is_none());
}

#[test]
fn channels_are_followed_and_the_recorder_says_that_it_records() {
    let mut harness = open();
    press(&mut harness, Modifiers::NONE, Key::K);
    wait(&mut harness, "channels", |scene| {
        scene.model.channels.as_ref().is_some_and(|channels| channels.life.samples() > 2)
    });
    assert!(harness.query_by_label_contains("what excited channel 0 most").is_some());
    press(&mut harness, Modifiers::NONE, Key::F);
    harness.get_by_label("Start recording").click();
    wait(&mut harness, "a recording", |scene| scene.model.recording.is_some_and(|recording| recording.frames > 2));
    assert!(harness.query_by_label_contains("● rec").is_some());
    harness.get_by_label_contains("Stop, and forget").click();
    wait(&mut harness, "the end of it", |scene| scene.model.recording.is_none());
    assert!(harness.query_by_label_contains("● rec").is_none());
}

#[test]
fn another_engine_checks_the_one_that_runs() {
    let mut harness = open();
    press(&mut harness, Modifiers::SHIFT, Key::A);
    harness.get_by_label_contains("check the engine against").click();
    wait(&mut harness, "a checked frame", |scene| scene.model.check.as_ref().is_some_and(|check| check.frames > 0));
    let check = harness.state().model.check.clone().expect("it runs");
    assert_eq!((check.differ, check.ended), (0, None));
}
