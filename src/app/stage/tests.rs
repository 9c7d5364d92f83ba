//! The stage on the demo's real pipeline: all that must be told is told and stands on the screen, in every size.

use super::act::Act;
use super::view::{self, Show};
use crate::app;
use crate::app::theme::Tokens;
use crate::booth::config::BoothLanguage;
use crate::booth::play::StageScene;
use crate::engines::EngineChoice;
use crate::pipeline::Settings;
use crate::source::SourceChoice;
use egui::{Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::path::Path;
use web_time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const SIZES: [[f32; 2]; 5] = [[1280.0, 720.0], [1920.0, 1080.0], [3840.0, 2160.0], [1080.0, 1920.0], [1024.0, 768.0]];
/// Those that our typeface has the letters of: kittest draws no others.
const LANGUAGES: [BoothLanguage; 2] = [BoothLanguage::English, BoothLanguage::German];

/// What is on.
struct On {
    act: Act,
    scene: StageScene,
    language: BoothLanguage,
    fault: bool,
    leaving: Option<u64>,
}

impl On {
    fn show(&mut self, ui: &mut egui::Ui) {
        // As the window clears itself.
        ui.painter().rect_filled(ui.max_rect(), 0.0, Tokens::of(ui).ground);
        let words = self.language.words();
        let (title, line) = ("A title of some length", "and the line that stands below it");
        let (scene, fault, leaving) = (self.scene, self.fault.then_some(words.no_camera.as_str()), self.leaving);
        let private = &words.private;
        let show = Show { scene, model: &self.act.model, words, title, line, logo: None, private, fault, leaving };
        view::show(ui, &show, &mut self.act.state);
    }
}

/// Until a card is named and the twins are compared.
fn playing() -> Act {
    let settings = Settings {
        model: crate::network::ModelChoice::default(),
        engine: EngineChoice::Cpu(None),
        edge: None,
        threads: 1,
    };
    let mut act = Act::start(settings, Some(SourceChoice::Demo { seed: 7 }), || ()).expect("it starts");
    let begun = Instant::now();
    let is_ready = |act: &Act| {
        let named = act.model.report.as_deref().and_then(super::named).is_some();
        let compared = act.model.steady.as_ref().and_then(|report| report.comparison.as_ref()?.speedup()).is_some();
        named && compared && act.model.answers.classifier_input.is_some()
    };
    while !is_ready(&act) {
        assert!(begun.elapsed() < PATIENCE, "nothing is named");
        std::thread::sleep(Duration::from_millis(5));
        act.refresh(Instant::now());
    }
    act
}

fn on_stage(size: [f32; 2], on: On) -> Harness<'static, On> {
    let harness = Harness::builder().with_size(vec2(size[0], size[1])).with_context_setup(app::apply).with_max_steps(4);
    let mut harness = harness.build_ui_state(|ui, on: &mut On| on.show(ui), on);
    harness.run_steps(2);
    harness
}

/// That a text is told, on the screen.
fn check(harness: &Harness<'_, On>, size: [f32; 2], text: &str) {
    let screen = Rect::from_min_size(egui::Pos2::ZERO, vec2(size[0], size[1])).expand(1.0);
    let places: Vec<Rect> = harness.query_all_by_label_contains(text).map(|node| node.rect()).collect();
    let stands = !places.is_empty() && places.iter().all(|place| screen.contains_rect(*place));
    assert!(stands, "{text} at {places:?} of {size:?}");
}

/// For whoever wants to look: pictures of the stage, where `STAGE_SHOTS` names a folder for them.
fn shoot(harness: &mut Harness<'_, On>, name: &str) {
    let Some(folder) = std::env::var_os("STAGE_SHOTS") else { return };
    let picture = harness.render().expect("a picture");
    picture.save(Path::new(&folder).join(format!("{name}.png"))).expect("written");
}

#[test]
fn all_is_told_on_every_screen() {
    let mut on =
        On { act: playing(), scene: StageScene::Live, language: BoothLanguage::English, fault: true, leaving: None };
    for size in SIZES {
        let mut harness = on_stage(size, on);
        for language in LANGUAGES {
            let words = language.words();
            let name = |what: &str| format!("{}x{}-{language:?}-{what}", size[0], size[1]);
            harness.state_mut().language = language;
            let scenes = (0..7).map(StageScene::Attract).chain([StageScene::Live, StageScene::StillThere(7)]);
            for scene in scenes {
                harness.state_mut().scene = scene;
                harness.run_steps(2);
                let report = harness.state().act.model.report.clone().expect("a report");
                let class = super::named(&report).expect("a card");
                for text in [
                    words.label(&report.network.labels()[class]),
                    &words.with_embedding,
                    &words.without_embedding,
                    &words.private,
                    &words.no_camera,
                    "cpu:",
                ] {
                    check(&harness, size, text);
                }
                match scene {
                    StageScene::Attract(sentence) => check(&harness, size, &words.explain[sentence]),
                    StageScene::Live => check(&harness, size, &words.live),
                    StageScene::StillThere(left) => check(&harness, size, &format!("{} {left}", words.still_there)),
                    StageScene::Opening => {}
                }
                shoot(&mut harness, &name(&format!("{scene:?}").replace(['(', ')'], "")));
            }
        }
        for language in LANGUAGES {
            (harness.state_mut().language, harness.state_mut().scene) = (language, StageScene::Opening);
            harness.run_steps(2);
            for text in [language.words().checking.as_str(), "A title of some length"] {
                check(&harness, size, text);
            }
            shoot(&mut harness, &format!("{}x{}-{language:?}-Opening", size[0], size[1]));
        }
        harness.state_mut().scene = StageScene::Live;
        harness.state_mut().leaving = Some(2);
        harness.run_steps(2);
        check(&harness, size, &format!("{} 2", harness.state().language.words().leaving));
        on = harness.into_state();
        on.leaving = None;
        // They belong to what drew them.
        on.act.state.textures = Default::default();
    }
}
