//! The stage: the window as strangers see it at a booth. It plays by itself; nobody is asked anything.

mod act;
mod bars;
mod layers;
mod leave;
mod logo;
mod view;

pub(crate) use leave::Chord;

use super::place::{self, SystemFonts};
use super::shell::{Waker, WindowError, draws_in_software};
use super::theme;
use crate::board::BoardState;
use crate::booth::motion::Motion;
use crate::booth::play::{Play, Scene, Sight};
use crate::booth::staging::{StageDeed, Staging};
use crate::booth::words::{Language, Words};
use crate::engines::EngineChoice;
use crate::fpga::BoardChoice;
use crate::pipeline::{Prediction, Report, Settings};
use crate::source::{DEFAULT_SEED, SourceChoice, SourceState};
use act::Act;
use egui::{Context, CursorIcon, Key, Theme, ThemePreference, ViewportCommand};
use leave::Leaving;
use logo::Logo;
use std::sync::Arc;
use view::Show;
use web_time::{Duration, Instant};

/// The window before it fills the screen.
const SIZE: [f32; 2] = [1280.0, 720.0];
/// Without news the stage is painted so often.
const PACE: Duration = Duration::from_millis(250);
/// The pointer goes after so long.
const POINTER: Duration = Duration::from_secs(3);
/// So long the system's fonts are looked through for a language's letters.
const FONTS: Duration = Duration::from_secs(5);

/// What the stage hears and says beside what it shows.
pub(crate) trait Prompter: 'static {
    /// What changed in what it is told, once; or why that cannot be read.
    fn change(&mut self) -> Option<Result<Staging, String>>;
    /// It was painted, with this of the camera, in this scene.
    fn painted(&mut self, scene: Scene, report: Option<&Report>, fault: Option<&str>);
    /// Nobody answered, and all is as at the start.
    fn began_anew(&mut self);
}

/// Opens the stage and stays until it is left.
///
/// # Errors
/// [`WindowError`], where what it is told is refused, or there is no display.
pub(crate) fn run(staging: Staging, prompter: impl Prompter) -> Result<(), WindowError> {
    let waker = Arc::new(Waker::default());
    let wake = |waker: &Arc<Waker>| {
        let waker = waker.clone();
        move || waker.wake()
    };
    let live = Act::start(staging.settings.clone(), staging.source.clone(), wake(&waker))?;
    let demo = Act::start(beside(&staging.settings), Some(SourceChoice::Demo { seed: DEFAULT_SEED }), wake(&waker))?;
    let prompter = Box::new(prompter);
    let make = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        Ok(Box::new(Stage::new(cc, &waker, staging, prompter, [live, demo])))
    };
    place::show(SIZE, Box::new(make)).map_err(WindowError::Display)
}

/// What the demo runs: the same, but a board is the camera's alone.
fn beside(settings: &Settings) -> Settings {
    let engine = match &settings.engine {
        EngineChoice::Fpga(BoardChoice::First | BoardChoice::Port(_)) => EngineChoice::Cpu(None),
        other => other.clone(),
    };
    Settings { engine, ..settings.clone() }
}

struct Stage {
    staging: Staging,
    prompter: Box<dyn Prompter>,
    live: Act,
    demo: Act,
    play: Play,
    motion: Motion,
    leaving: Leaving,
    logo: Logo,
    fonts: SystemFonts,
    begun: Instant,
    /// Whether the language's letters are there; `None` while they are looked for.
    readable: Option<bool>,
    /// What is wrong with what it is told.
    complaint: bool,
    pointer_moved: Instant,
}

impl Stage {
    fn new(
        cc: &eframe::CreationContext<'_>,
        waker: &Waker,
        staging: Staging,
        prompter: Box<dyn Prompter>,
        [live, demo]: [Act; 2],
    ) -> Self {
        let ctx = &cc.egui_ctx;
        theme::apply(ctx);
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(true));
        waker.attach(ctx, draws_in_software(cc));
        let now = Instant::now();
        let mut stage = Self {
            prompter,
            live,
            demo,
            play: Play::new(now),
            motion: Motion::default(),
            leaving: Leaving::default(),
            logo: Logo::default(),
            fonts: SystemFonts::default(),
            begun: now,
            readable: None,
            complaint: false,
            pointer_moved: now,
            staging,
        };
        stage.dress(ctx);
        stage
    }

    /// Takes on the theme.
    fn dress(&mut self, ctx: &Context) {
        ctx.set_theme(if self.staging.dark { ThemePreference::Dark } else { ThemePreference::Light });
    }

    /// Takes up what changed in what it is told.
    fn hear(&mut self, ctx: &Context) {
        match self.prompter.change() {
            None => return,
            Some(Err(why)) => {
                tracing::warn!("{why}");
                self.complaint = true;
                return;
            }
            Some(Ok(staging)) => {
                if staging.language != self.staging.language {
                    (self.begun, self.readable) = (Instant::now(), None);
                }
                self.staging = staging;
            }
        }
        self.complaint = false;
        self.live.change(&self.staging.settings);
        self.live.look_at(self.staging.source.as_ref());
        self.demo.change(&beside(&self.staging.settings));
        self.dress(ctx);
    }

    /// Sees what the camera sees, and goes on with the play.
    fn see(&mut self, now: Instant) -> Scene {
        let report = self.live.refresh();
        self.demo.refresh();
        let pace = self.staging.pace;
        if has_no_picture(&self.live) {
            self.play.rest(now);
        } else {
            let motion = report.as_ref().is_some_and(|report| self.motion.see(&report.frame, now));
            let named = self.live.model.report.as_deref().and_then(named);
            if self.play.advance(pace, Sight { named, motion }, now) {
                self.begin_anew();
            }
        }
        let scene = self.play.scene(pace, now);
        self.demo.pause(!matches!(scene, Scene::Attract(_)));
        scene
    }

    fn begin_anew(&mut self) {
        self.live.pause(false);
        self.live.compare(true);
        self.live.state.mirror = true;
        self.prompter.began_anew();
    }

    /// Does what a key may do.
    fn keys(&mut self, ctx: &Context) {
        let allowed = |deed, key| self.staging.allowed.contains(&deed) && ctx.input(|input| input.key_pressed(key));
        let [pause, mirror, compare] =
            [(StageDeed::Pause, Key::Space), (StageDeed::Mirror, Key::V), (StageDeed::Compare, Key::C)]
                .map(|(deed, key)| allowed(deed, key));
        if pause {
            self.live.pause(!self.live.model.source.paused);
        }
        if compare {
            self.live.compare(!self.live.state.compare);
        }
        self.live.state.mirror ^= mirror;
    }

    /// The words of its language, or the English ones where the system has no letters for it.
    fn words(&mut self, ctx: &Context, now: Instant) -> &'static Words {
        let words = self.staging.language.words();
        if self.readable.is_none() {
            let letters: String = words.letters().filter(|letter| !letter.is_ascii()).collect();
            self.fonts.follow(ctx, std::iter::once(letters.as_str()));
            let font = theme::plain(theme::BODY);
            let all = ctx.fonts_mut(|fonts| letters.chars().all(|letter| fonts.has_glyph(&font, letter)));
            if all {
                self.readable = Some(true);
            } else if now.saturating_duration_since(self.begun) > FONTS {
                tracing::warn!(
                    "no font here has all letters of the language '{}', so the stage speaks English: install one (Debian: \
                     fonts-noto-cjk)",
                    self.staging.language
                );
                self.readable = Some(false);
            }
        }
        if self.readable == Some(true) { words } else { Language::English.words() }
    }

    /// What is wrong, in a sentence; the most pressing.
    fn fault<'w>(&self, words: &'w Words) -> Option<&'w str> {
        let board = self.live.model.report.as_ref().and_then(|report| report.engine.board.as_ref());
        if has_no_picture(&self.live) {
            Some(&words.no_camera)
        } else if board.is_some_and(BoardState::is_fault) {
            Some(&words.no_board)
        } else {
            self.complaint.then_some(words.configuration.as_str())
        }
    }

    /// The pointer goes where nobody moves it.
    fn pointer(&mut self, ctx: &Context, now: Instant) {
        if ctx.input(|input| input.pointer.is_moving() || input.pointer.any_down()) {
            self.pointer_moved = now;
        }
        if now.saturating_duration_since(self.pointer_moved) > POINTER {
            ctx.set_cursor_icon(CursorIcon::None);
        }
    }
}

impl eframe::App for Stage {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let (ctx, now) = (ui.ctx().clone(), Instant::now());
        self.hear(&ctx);
        let scene = self.see(now);
        self.keys(&ctx);
        let words = self.words(&ctx, now);
        let fault = self.fault(words);
        let leaving = ctx.input(|input| self.leaving.left(self.staging.leave, input, now));
        if let Some(why) = self.logo.follow(&ctx, self.staging.logo.as_deref()) {
            tracing::warn!("the logo is left out: {why}");
        }
        let act = if matches!(scene, Scene::Attract(_)) { &mut self.demo } else { &mut self.live };
        let privacy = match (self.staging.pictures_on_status, self.staging.pictures_kept) {
            (true, _) => &words.pictures_on_status,
            (false, true) => &words.pictures_kept,
            (false, false) => &words.private,
        };
        let (title, line) = (&self.staging.title, &self.staging.line);
        let show =
            Show { scene, model: &act.model, words, title, line, logo: self.logo.texture(), fault, privacy, leaving };
        view::show(ui, &show, &mut act.state);
        self.prompter.painted(scene, self.live.model.report.as_deref(), fault);
        self.pointer(&ctx, now);
        if leaving == Some(0) {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        } else if ctx.input(|input| input.viewport().close_requested()) {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
        ctx.request_repaint_after(PACE);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        let theme = if visuals.dark_mode { Theme::Dark } else { Theme::Light };
        theme::Tokens::of_theme(theme).ground.to_normalized_gamma_f32()
    }
}

/// Whether the camera shows nothing that is of now.
fn has_no_picture(act: &Act) -> bool {
    act.model.report.is_none() || act.model.is_past() || matches!(act.model.source.state, SourceState::Ended { .. })
}

/// The class that the network names and is sure of.
fn named(report: &Report) -> Option<usize> {
    let (class, _) = *Prediction::top(&report.prediction.smoothed, 1).first()?;
    (report.prediction.knowing.sure && !report.network.is_nothing(class)).then_some(class)
}

/// Whether the network says that there is nothing of what it knows.
fn shows_nothing(report: &Report) -> bool {
    let top = Prediction::top(&report.prediction.smoothed, 1);
    top.first().is_some_and(|&(class, _)| report.network.is_nothing(class))
}
