//! The window on a screen, in front of a running pipeline.

use super::export::Exporter;
use super::model::Model;
use super::notices::Tone;
use super::settings::{self, Remembered};
use super::state::Action;
use super::theme;
use super::window::Window;
use crate::engine::EngineChoice;
use crate::network::shipped::ModelChoice;
use crate::pipeline::{Command, EngineState, Pipeline, Settings, StartError};
use crate::source::{self, CameraInfo, SourceChoice};
use crossbeam_channel::{Receiver, bounded};
use egui::{Context, Theme, ThemePreference, ViewportBuilder, ViewportCommand};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Least time between two repaints that news asks for, with a graphics card and without.
const REPAINT_EVERY: [Duration; 2] = [Duration::from_millis(16), Duration::from_millis(100)];

/// What the command line names; what it leaves open is as it was last time.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where frames come from.
    pub source: Option<SourceChoice>,
    /// Which network.
    pub model: Option<ModelChoice>,
    /// Which engine.
    pub engine: Option<EngineChoice>,
    /// The input edge in pixels.
    pub edge: Option<usize>,
    /// Threads that compute.
    pub threads: Option<usize>,
}

/// Why there is no window.
#[derive(Debug, Error)]
pub enum WindowError {
    /// The pipeline does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system gives no window.
    #[error("no window can be opened ({0}): use --headless, or start it where there is a display")]
    Display(eframe::Error),
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// [`WindowError`], where what the command line names is refused, or there is no display.
pub fn run(options: Options) -> Result<(), WindowError> {
    let file = settings::path();
    let (remembered, complaint) = file.as_deref().map(settings::load).unwrap_or_default();
    let waker = Arc::new(Waker::default());
    let (pipeline, settings, source) = start(&options, &remembered, &waker)?;
    let model = Model::new(settings, source, pipeline.source_status());
    let mut window = Window::default();
    window.state.theme = match remembered.theme.as_deref() {
        Some("light") => ThemePreference::Light,
        _ => ThemePreference::Dark,
    };
    window.state.compare = !remembered.compare_off;
    if remembered.compare_off {
        pipeline.send(Command::Compare(false));
    }
    if let Some(layout) = remembered.layout {
        window.state.layout = layout;
    }
    if let Some(text) = complaint {
        window.state.toasts.push(text, Tone::Bad);
    }
    let size = remembered.size.unwrap_or([1440.0, 900.0]);
    let viewport = ViewportBuilder::default()
        .with_title("Ernscope")
        .with_app_id("ernscope")
        .with_inner_size(size)
        .with_min_inner_size([960.0, 620.0]);
    let native = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let make = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        Ok(Box::new(App::new(cc, pipeline, model, window, waker, file)))
    };
    eframe::run_native("Ernscope", native, Box::new(make)).map_err(WindowError::Display)
}

/// Starts what the command line names, and else what ran last time; where that is refused now, what runs by default.
fn start(
    options: &Options,
    remembered: &Remembered,
    waker: &Arc<Waker>,
) -> Result<(Pipeline, Settings, Option<SourceChoice>), StartError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // One core stays free for the window and the camera.
    let default_threads = cores.saturating_sub(1).max(1);
    let parsed = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<ModelChoice>().ok());
    let named = |last: &Remembered| Settings {
        model: options.model.clone().or_else(|| parsed(&last.model)).unwrap_or_else(default_model),
        engine: options
            .engine
            .clone()
            .or_else(|| last.engine.as_ref()?.parse().ok())
            .unwrap_or(EngineChoice::Cpu(None)),
        edge: options.edge,
        threads: options.threads.or(last.threads).unwrap_or(default_threads).min(1024),
    };
    let begin = |settings: Settings, source: Option<SourceChoice>| {
        let waker = waker.clone();
        let pipeline = Pipeline::start(settings.clone(), source.clone(), move || waker.wake())?;
        Ok((pipeline, settings, source))
    };
    let source = options.source.clone().or_else(|| remembered.source());
    begin(named(remembered), source).or_else(|refused: StartError| {
        let (settings, source) = (named(&Remembered::default()), options.source.clone());
        let (pipeline, settings, source) = begin(settings, source)?;
        pipeline.notify(&format!("What ran last time cannot run now: {refused}."));
        Ok((pipeline, settings, source))
    })
}

fn default_model() -> ModelChoice {
    crate::network::shipped::SHIPPED.first().map_or_else(
        || ModelChoice::UnknownRandom("no network is inside this program".into()),
        |shipped| ModelChoice::Shipped(shipped.name),
    )
}

/// Asks for a repaint when there is news, as often as the screen can use it and no more.
#[derive(Default)]
struct Waker {
    context: Mutex<Option<Context>>,
    every_ms: AtomicU64,
    painted: Mutex<Option<Instant>>,
}

impl Waker {
    fn attach(&self, context: &Context, every: Duration) {
        self.every_ms.store(every.as_millis() as u64, Ordering::Relaxed);
        if let Ok(mut own) = self.context.lock() {
            *own = Some(context.clone());
        }
    }

    /// Called by the pipeline's threads; never waits for the window.
    fn wake(&self) {
        let context = self.context.lock().ok().and_then(|own| own.clone());
        let painted = self.painted.lock().ok().and_then(|painted| *painted);
        let every = Duration::from_millis(self.every_ms.load(Ordering::Relaxed));
        if let Some(context) = context {
            let since = painted.map_or(every, |painted| painted.elapsed());
            context.request_repaint_after(every.saturating_sub(since));
        }
    }

    fn painting(&self) {
        if let Ok(mut painted) = self.painted.lock() {
            *painted = Some(Instant::now());
        }
    }
}

/// Scales all type with the window: a small one keeps its layout, one to be read from afar gets large letters.
fn fit(ctx: &Context, large: bool) {
    let (zoom, size) = (ctx.zoom_factor(), ctx.content_rect().size());
    let most = if large { 4.0 } else { 1.0 };
    let wanted = (size * zoom / egui::vec2(1360.0, 850.0)).min_elem().clamp(0.7, most);
    if (wanted - zoom).abs() > 0.01 {
        ctx.set_zoom_factor(wanted);
    }
}

struct App {
    pipeline: Pipeline,
    model: Model,
    window: Window,
    exporter: Exporter,
    waker: Arc<Waker>,
    cameras: Option<Receiver<Vec<CameraInfo>>>,
    file: Option<PathBuf>,
    size: Option<[f32; 2]>,
}

impl App {
    fn new(
        cc: &eframe::CreationContext<'_>,
        pipeline: Pipeline,
        mut model: Model,
        window: Window,
        waker: Arc<Waker>,
        file: Option<PathBuf>,
    ) -> Self {
        theme::apply(&cc.egui_ctx);
        cc.egui_ctx.set_theme(window.state.theme);
        let software = |state: &eframe::egui_wgpu::RenderState| {
            state.adapter.get_info().device_type == eframe::wgpu::DeviceType::Cpu
        };
        model.software_rendering = cc.wgpu_render_state.as_ref().is_some_and(software);
        waker.attach(&cc.egui_ctx, REPAINT_EVERY[usize::from(model.software_rendering)]);
        let exporter = Exporter::new(cc.egui_ctx.clone());
        let mut app = Self { pipeline, model, window, exporter, waker, cameras: None, file, size: None };
        app.list_cameras();
        app
    }

    /// Brings the model to the present.
    fn refresh(&mut self, ctx: &Context) {
        let model = &mut self.model;
        model.engine = self.pipeline.engine_state();
        if let EngineState::Running(settings) = &model.engine {
            model.settings = settings.clone();
        }
        model.source = self.pipeline.source_status();
        model.notices = self.pipeline.notices();
        if let Some(report) = self.pipeline.report() {
            model.take(report, Instant::now());
        }
        if let Some(cameras) = self.cameras.as_ref().and_then(|found| found.try_recv().ok()) {
            model.cameras = cameras;
            self.cameras = None;
        }
        for (text, tone) in self.exporter.outcomes() {
            self.window.state.toasts.push(text, tone);
        }
        let fullscreen = ctx.input(|input| input.viewport().fullscreen);
        if fullscreen == Some(false) {
            self.size = Some(ctx.content_rect().size().into());
        }
    }

    fn act(&mut self, ctx: &Context, action: Action) {
        let source = self.pipeline.source();
        match action {
            Action::Send(command) => self.pipeline.send(command),
            Action::Source(choice) => {
                source.switch_to(choice.clone());
                self.model.choice = choice;
            }
            Action::Pause(paused) => source.set_paused(paused),
            Action::Step => source.step(),
            Action::Screenshot => self.exporter.screenshot(ctx),
            Action::ExportFigures => self.export(Exporter::figures),
            Action::ExportFrame => self.export(Exporter::frame),
            Action::Fullscreen(fullscreen) => ctx.send_viewport_cmd(ViewportCommand::Fullscreen(fullscreen)),
            Action::ListCameras => self.list_cameras(),
        }
    }

    fn export(&mut self, write: fn(&Exporter, Arc<crate::pipeline::Report>)) {
        match &self.model.report {
            Some(report) => write(&self.exporter, report.clone()),
            None => self.window.state.toasts.push("Nothing was saved: there is no picture yet.", Tone::Bad),
        }
    }

    /// Asking the system for cameras can take a while: on a thread of its own.
    fn list_cameras(&mut self) {
        let (sender, found) = bounded(1);
        let waker = self.waker.clone();
        let started = std::thread::Builder::new().name("cameras".into()).spawn(move || {
            // The window may be gone by now.
            let _ = sender.send(source::cameras());
            waker.wake();
        });
        // Without a thread the list stays as it is.
        self.cameras = started.ok().map(|_| found);
    }

    fn remember(&self) {
        let Some(file) = &self.file else { return };
        let state = &self.window.state;
        let settings = &self.model.settings;
        let remembered = Remembered {
            theme: match state.theme {
                ThemePreference::Light => Some("light".into()),
                ThemePreference::Dark => Some("dark".into()),
                ThemePreference::System => None,
            },
            source: self.model.choice.as_ref().map(ToString::to_string),
            model: Some(settings.model.to_string()),
            engine: Some(settings.engine.to_string()),
            threads: Some(settings.threads),
            compare_off: !state.compare,
            size: self.size,
            layout: Some(state.layout.clone()),
        };
        if let Err(error) = settings::save(file, &remembered) {
            tracing::warn!("the settings cannot be saved in {}: {error}", file.display());
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.waker.painting();
        fit(ui.ctx(), self.window.state.layout.large);
        self.refresh(ui.ctx());
        for action in self.window.show(ui, &self.model) {
            self.act(ui.ctx(), action);
        }
    }

    fn on_exit(&mut self) {
        self.remember();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        let theme = if visuals.dark_mode { Theme::Dark } else { Theme::Light };
        theme::Tokens::of_theme(theme).ground.to_normalized_gamma_f32()
    }
}
