//! The stage: the window as strangers see it at a booth. It plays by itself; nobody is asked anything.

mod act;
mod bars;
mod layers;
mod leave;
mod logo;
mod opening;
#[cfg(test)]
mod tests;
mod view;

use super::place::{self, SystemFonts};
use super::shell::{Waker, WindowError, draws_in_software};
use super::theme;
use crate::booth::config::{BoothConfig, BoothKey, BoothLanguage, BoothTheme};
use crate::booth::heartbeat::{Pulse, StageMode};
use crate::booth::motion::Motion;
use crate::booth::orders::Orders;
use crate::booth::play::{Play, Sight, StageScene};
use crate::booth::words::Words;
use crate::engine::likeliest;
use crate::engines::EngineChoice;
use crate::fpga::BoardChoice;
use crate::host::files;
use crate::network::ModelChoice;
use crate::pipeline::{Report, Settings};
use crate::selftest::SelfTest;
use crate::source::{DEFAULT_SEED, SourceChoice, SourceState};
use act::Act;
use egui::{Context, CursorIcon, Key, Theme, ThemePreference, ViewportCommand};
use leave::Leaving;
use logo::Logo;
use opening::Opening;
use std::sync::Arc;
use view::Show;
use web_time::{Duration, Instant};

/// How long it waits for its first order; the supervisor gives it at once.
const FIRST_ORDER: Duration = Duration::from_secs(2);
/// The window before it fills the screen.
const SIZE: [f32; 2] = [1280.0, 720.0];
/// Without news the stage is painted so often.
const PACE: Duration = Duration::from_millis(100);
/// The pointer goes after so long.
const POINTER: Duration = Duration::from_secs(3);
/// Whether the stage fills the screen is looked at so often.
const FILL_EVERY: Duration = Duration::from_secs(1);
/// How long the morning check may take.
const CHECK: Duration = Duration::from_secs(5);
/// So long the system's fonts are looked through for a language's letters.
const FONTS: Duration = Duration::from_secs(5);

/// What the command line names, before what `booth.toml` says.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageOptions {
    /// Where visitors are seen.
    pub source: Option<SourceChoice>,
    /// Which network.
    pub model: Option<ModelChoice>,
    /// Which engine.
    pub engine: Option<EngineChoice>,
}

impl StageOptions {
    fn source(&self, config: &BoothConfig) -> Option<SourceChoice> {
        self.source.clone().or_else(|| config.source.clone())
    }

    /// The morning check of what is to run here.
    fn check(&self, config: &BoothConfig) -> SelfTest {
        let Settings { model, engine, .. } = self.settings(config);
        let logs = config.log.folder.iter().cloned();
        SelfTest {
            model: Some(model),
            engine: Some(engine),
            source: self.source(config),
            keep_in: logs.chain(files::booth_state()).collect(),
            display: false,
            within: CHECK,
        }
    }

    fn settings(&self, config: &BoothConfig) -> Settings {
        // Small networks gain nothing of more, and the window needs its own.
        let threads = config.threads.unwrap_or(1);
        Settings {
            model: self.model.clone().or_else(|| config.model.clone()).unwrap_or_default(),
            engine: self.engine.clone().or_else(|| config.engine.clone()).unwrap_or(EngineChoice::Cpu(None)),
            edge: None,
            threads,
        }
    }
}

/// Opens the stage and stays until it is left, or the supervisor is gone.
///
/// # Errors
/// [`WindowError`], where what it is told is refused, or there is no display.
pub(crate) fn run(options: StageOptions, orders: Orders, pulse: Pulse) -> Result<(), WindowError> {
    let config = orders.config(FIRST_ORDER);
    let waker = Arc::new(Waker::default());
    let wake = || {
        let waker = waker.clone();
        move || waker.wake()
    };
    let settings = options.settings(&config);
    let opening = orders.is_opening().then(|| Opening::begin(options.check(&config))).flatten();
    let demo = || Act::start(beside(&settings), Some(SourceChoice::Demo { seed: DEFAULT_SEED }), wake());
    // Camera and board are the check's, until it is over.
    let live = if opening.is_some() { demo()? } else { Act::start(settings.clone(), options.source(&config), wake())? };
    let acts = [live, demo()?];
    let make = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        Ok(Box::new(Stage::new(cc, &waker, (options, config), (orders, pulse), acts, opening)))
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
    options: StageOptions,
    config: Arc<BoothConfig>,
    orders: Orders,
    pulse: Pulse,
    waker: Arc<Waker>,
    live: Act,
    demo: Act,
    /// `None` once it is over.
    opening: Option<Opening>,
    play: Play,
    motion: Motion,
    leaving: Leaving,
    logo: Logo,
    fonts: SystemFonts,
    begun: Instant,
    /// Whether the language's letters are there; `None` while they are looked for.
    readable: Option<bool>,
    pointer_moved: Instant,
    filled: Instant,
}

impl Stage {
    fn new(
        cc: &eframe::CreationContext<'_>,
        waker: &Arc<Waker>,
        (options, config): (StageOptions, Arc<BoothConfig>),
        (orders, pulse): (Orders, Pulse),
        [live, demo]: [Act; 2],
        opening: Option<Opening>,
    ) -> Self {
        let ctx = &cc.egui_ctx;
        theme::apply(ctx);
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        waker.attach(ctx, draws_in_software(cc));
        let now = Instant::now();
        let stage = Self {
            options,
            config,
            orders,
            pulse,
            waker: waker.clone(),
            live,
            demo,
            opening,
            play: Play::new(now),
            motion: Motion::default(),
            leaving: Leaving::default(),
            logo: Logo::default(),
            fonts: SystemFonts::default(),
            begun: now,
            readable: None,
            pointer_moved: now,
            filled: now,
        };
        stage.dress(ctx);
        stage
    }

    /// Takes on the theme.
    fn dress(&self, ctx: &Context) {
        ctx.set_theme(match self.config.theme {
            BoothTheme::Dark => ThemePreference::Dark,
            BoothTheme::Light => ThemePreference::Light,
        });
    }

    /// Takes up what changed in `booth.toml`.
    fn hear(&mut self, ctx: &Context) {
        let config = self.orders.config(Duration::ZERO);
        if Arc::ptr_eq(&config, &self.config) {
            return;
        }
        if config.language != self.config.language {
            (self.begun, self.readable) = (Instant::now(), None);
        }
        self.config = config;
        self.demo.change(&beside(&self.options.settings(&self.config)));
        if self.opening.is_none() {
            self.follow_config();
        }
        self.dress(ctx);
    }

    /// Has the camera's act do what is in force.
    fn follow_config(&mut self) {
        self.live.change(&self.options.settings(&self.config));
        self.live.look_at(self.options.source(&self.config).as_ref());
    }

    /// Whether the title is on: until the morning check is over.
    fn opens(&mut self, now: Instant) -> bool {
        let Some(opening) = &mut self.opening else { return false };
        let Some(says) = opening.end() else {
            self.live.refresh(now);
            self.live.pause(true);
            self.demo.refresh(now);
            return true;
        };
        self.pulse.reported(|beat| beat.selftest = says);
        self.opening = None;
        self.follow_config();
        self.live.pause(false);
        self.play = Play::new(now);
        false
    }

    /// Sees what the camera sees, and goes on with the play.
    fn see(&mut self, now: Instant) -> StageScene {
        if self.opens(now) {
            return StageScene::Opening;
        }
        let report = self.live.refresh(now);
        self.demo.refresh(now);
        let config = self.config.clone();
        let pace = &config.play;
        if has_no_picture(&self.live) || !self.live.is_fresh(now) {
            self.play.rest(now);
        } else {
            let motion = report.as_ref().is_some_and(|report| self.motion.see(&report.frame, now));
            let named = self.live.model.report.as_deref().and_then(named);
            if self.play.advance(pace, Sight { named, motion }, now) {
                self.begin_anew();
            }
        }
        let scene = self.play.scene(pace, now);
        self.demo.pause(!matches!(scene, StageScene::Attract(_)));
        scene
    }

    fn begin_anew(&mut self) {
        self.live.pause(false);
        self.live.compare(true);
        self.live.state.mirror = true;
    }

    /// Does what a key may do.
    fn keys(&mut self, ctx: &Context) {
        for (allowed, key) in [
            (BoothKey::Pause, Key::Space),
            (BoothKey::Mirror, Key::V),
            (BoothKey::Comparison, Key::C),
            (BoothKey::Theme, Key::T),
        ] {
            if !self.config.keys.allowed.contains(&allowed) || !ctx.input(|input| input.key_pressed(key)) {
                continue;
            }
            match allowed {
                BoothKey::Pause => self.live.pause(!self.live.model.source.paused),
                BoothKey::Mirror => self.live.state.mirror ^= true,
                BoothKey::Comparison => self.live.compare(!self.live.state.compare),
                BoothKey::Theme => ctx.set_theme(if ctx.theme() == Theme::Dark { Theme::Light } else { Theme::Dark }),
            }
        }
    }

    /// The words of its language, or the English ones where the system has no letters for it.
    fn words(&mut self, ctx: &Context, now: Instant) -> &'static Words {
        let words = self.config.language.words();
        if self.readable.is_none() {
            let letters: String = words.letters().filter(|letter| !letter.is_ascii()).collect();
            self.fonts.follow(ctx, std::iter::once(letters.as_str()));
            let font = theme::plain(theme::BODY);
            let all = ctx.fonts_mut(|fonts| letters.chars().all(|letter| fonts.has_glyph(&font, letter)));
            if all {
                self.readable = Some(true);
            } else if now.saturating_duration_since(self.begun) > FONTS {
                tracing::warn!(
                    "no font here has all letters of the stage's language, so it speaks English: install one (Debian: fonts-noto-cjk)"
                );
                self.readable = Some(false);
            }
        }
        if self.readable == Some(true) { words } else { BoothLanguage::English.words() }
    }

    /// What is wrong, in a sentence, and in the words of what it is wrong with; the most pressing.
    fn fault<'w>(&self, words: &'w Words) -> Option<(&'w str, String)> {
        if self.opening.is_some() {
            return None;
        }
        if has_no_picture(&self.live) {
            return Some((&words.no_camera, self.live.model.source.state.to_string()));
        }
        let board = self.live.model.report.as_ref()?.engine.board.as_ref()?;
        board.is_fault().then(|| (words.no_board.as_str(), board.to_string()))
    }

    /// All of the screen, whatever becomes of it; without a window manager nobody else sees to that.
    fn fill(&mut self, ctx: &Context, now: Instant) {
        if now < self.filled + FILL_EVERY {
            return;
        }
        self.filled = now;
        let (monitor, fills) = ctx.input(|input| (input.viewport().monitor_size, input.viewport().fullscreen));
        if fills != Some(true) {
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(true));
        }
        if let Some(size) = monitor.filter(|size| (*size - ctx.content_rect().size()).abs().max_elem() > 1.0) {
            ctx.send_viewport_cmd(ViewportCommand::OuterPosition(egui::Pos2::ZERO));
            ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
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

impl Stage {
    /// Draws what is on; which scene that is, and what is wrong, in words for engineers.
    fn show(&mut self, ui: &mut egui::Ui, now: Instant) -> (StageScene, Option<String>) {
        let ctx = ui.ctx().clone();
        let scene = self.see(now);
        let words = self.words(&ctx, now);
        let (fault, told) = self.fault(words).unzip();
        let leaving = ctx.input(|input| self.leaving.left(&self.config.keys.leave, input, now));
        if let Some(why) = self.logo.follow(&ctx, self.config.logo.as_deref()) {
            tracing::warn!("the logo is left out: {why}");
        }
        let act = if matches!(scene, StageScene::Attract(_)) { &mut self.demo } else { &mut self.live };
        let private = if self.config.privacy.picture_on_status_page { &words.picture_shown } else { &words.private };
        let (title, line, logo) = (&self.config.title, &self.config.line, self.logo.texture());
        let show = Show { scene, model: &act.model, words, title, line, logo, private, fault, leaving };
        view::show(ui, &show, &mut act.state);
        if leaving == Some(0) || self.orders.is_over() {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        } else if ctx.input(|input| input.viewport().close_requested()) {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
        (scene, told)
    }

    /// Tells the supervisor.
    fn beat(&self, scene: StageScene, fault: Option<String>) {
        let model = &self.live.model;
        self.pulse.painted();
        self.pulse.reported(|beat| {
            // Without a camera the demo's are the ones that go on.
            let reports = [&self.live, &self.demo].into_iter().filter_map(|act| act.model.report.as_ref());
            beat.predicted = reports.map(|report| report.sequence + 1).sum();
            if let Some(report) = &model.report {
                beat.frames_per_s = report.rates.predicted_per_s;
                beat.latency_ms = report.rates.latency_ms;
                beat.board = report.engine.board.as_ref().map_or_else(String::new, ToString::to_string);
            }
            beat.held = model.source.paused;
            beat.camera = model.source.state.to_string();
            beat.fault = fault.unwrap_or_default();
            beat.mode = match scene {
                StageScene::Attract(_) => StageMode::Attract,
                StageScene::Live => StageMode::Live,
                StageScene::StillThere(_) => StageMode::Countdown,
                StageScene::Opening => StageMode::Opening,
            };
            let report =
                model.report.as_deref().filter(|_| matches!(scene, StageScene::Live | StageScene::StillThere(_)));
            let card = report.and_then(|report| report.network.labels().get(named(report)?));
            beat.card = card.cloned().unwrap_or_default();
        });
        let is_shown =
            self.config.privacy.picture_on_status_page && !has_no_picture(&self.live) && scene != StageScene::Opening;
        let frame = model.report.as_ref().map(|report| &report.frame);
        self.pulse.shows(frame.filter(|_| is_shown));
    }
}

impl eframe::App for Stage {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let now = Instant::now();
        self.waker.painting();
        self.hear(ui.ctx());
        self.keys(ui.ctx());
        let (scene, fault) = self.show(ui, now);
        self.fill(ui.ctx(), now);
        self.pointer(ui.ctx(), now);
        self.beat(scene, fault);
        ui.ctx().request_repaint_after(PACE);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        let theme = if visuals.dark_mode { Theme::Dark } else { Theme::Light };
        theme::Tokens::of_theme(theme).ground.to_normalized_gamma_f32()
    }
}

/// Whether the camera shows nothing that is of now.
fn has_no_picture(act: &Act) -> bool {
    let state = &act.model.source.state;
    let is_elsewhere = matches!(state, SourceState::Ended { .. } | SourceState::Fallback { .. });
    act.model.report.is_none() || state.is_fault() || is_elsewhere
}

/// The class that the network names and is sure of.
fn named(report: &Report) -> Option<usize> {
    let class = likeliest(&report.prediction.smoothed)?;
    (report.prediction.knowing.sure && !report.network.is_nothing(class)).then_some(class)
}

/// Whether the network says that there is nothing of what it knows.
fn shows_nothing(report: &Report) -> bool {
    likeliest(&report.prediction.smoothed).is_some_and(|class| report.network.is_nothing(class))
}
