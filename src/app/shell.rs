//! The window on a screen, in front of a running pipeline.

use super::arrangement;
use super::export::Exporter;
use super::lister::Lister;
use super::model::Model;
use super::notices::Tone;
use super::place::{self, Dialogs, SystemFonts};
use super::settings::{self, Remembered};
use super::settings_file;
use super::state::{Action, DialogKind, State};
use super::teaching::Teaching;
use super::theme;
use super::window::Window;
use crate::engines::{EngineChoice, OpenError};
use crate::fpga::FoundPort;
use crate::fpga::link::ports::serial;
use crate::host::files;
use crate::network::ModelChoice;
use crate::pipeline::{EngineCommand, MOST_THREADS, Pipeline, PredictError, Settings, StartError};
use crate::source::{self, CameraInfo, SourceChoice};
use egui::{Context, Theme, ThemePreference, ViewportCommand};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use thiserror::Error;
use web_time::{Duration, Instant};

/// Least time between two repaints that news asks for, where there is no graphics card.
const REPAINT_IN_SOFTWARE: Duration = Duration::from_millis(100);

/// What the command line names; what it leaves open is as it was last time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
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
    /// The engine that checks the other one.
    pub check: Option<EngineChoice>,
    /// What is wrong with what was asked for before.
    pub complaint: Option<String>,
}

/// Why there is no window.
#[derive(Debug, Error)]
pub(crate) enum WindowError {
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
pub(crate) fn run(options: Options) -> Result<(), WindowError> {
    let file = files::settings();
    let (remembered, complaint) = file.as_deref().map(settings_file::load).unwrap_or_default();
    let waker = Arc::new(Waker::default());
    let (pipeline, settings) = start(&options, &remembered, &waker)?;
    let model = Model::new(settings, pipeline.source_status());
    let mut window = Window::default();
    let size = remembered.size.unwrap_or([1440.0, 900.0]);
    restore(&mut window.state, remembered, &pipeline);
    if options.check.is_some() {
        pipeline.send(EngineCommand::Check(options.check));
    }
    for text in complaint.into_iter().chain(options.complaint) {
        window.state.toasts.push(text, Tone::Bad);
    }
    let make = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        Ok(Box::new(App::new(cc, pipeline, model, window, waker, file)))
    };
    place::show(size, Box::new(make)).map_err(WindowError::Display)
}

/// Has the window, and what runs, as they were last time.
fn restore(state: &mut State, last: Remembered, pipeline: &Pipeline) {
    state.theme = match last.theme.as_deref() {
        Some("light") => ThemePreference::Light,
        Some("dark") => ThemePreference::Dark,
        _ => place::THEME,
    };
    state.compare = !last.compare_off;
    if last.compare_off {
        pipeline.send(EngineCommand::Compare(false));
    }
    state.mirror = !last.mirror_off;
    if let Some(zoom) = last.zoom {
        state.zoom = zoom;
        pipeline.send(EngineCommand::Zoom(zoom));
    }
    if let Some(layout) = last.layout {
        state.layout = layout;
    }
}

/// Starts what the command line names, and else what ran last time. What of that is refused now gives way to the default and is
/// named in a notice; all else stays.
fn start(options: &Options, remembered: &Remembered, waker: &Arc<Waker>) -> Result<(Pipeline, Settings), StartError> {
    let mut last = remembered.clone();
    let mut notices = Vec::new();
    loop {
        let settings = wanted(options, &last);
        let source = options.source.clone().or_else(|| last.source());
        let waker = waker.clone();
        match Pipeline::start(settings.clone(), source, move || waker.wake()) {
            Ok(pipeline) => {
                notices.iter().for_each(|text: &String| pipeline.notify(text));
                return Ok((pipeline, settings));
            }
            Err(refused) => notices.push(forget(&mut last, options, refused)?),
        }
    }
}

fn wanted(options: &Options, last: &Remembered) -> Settings {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // One core stays free for the window and the camera.
    let default_threads = cores.saturating_sub(1).max(1);
    let model = || last.model.as_ref()?.parse().ok();
    let engine = || last.engine.as_ref()?.parse().ok();
    Settings {
        model: options.model.clone().or_else(model).unwrap_or_default(),
        engine: options.engine.clone().or_else(engine).unwrap_or(EngineChoice::Cpu(None)),
        edge: options.edge,
        threads: options.threads.or(last.threads).unwrap_or(default_threads).min(MOST_THREADS),
    }
}

/// Forgets what is refused, where it is of last time, and says so in a sentence; what the command line names is an error.
fn forget(last: &mut Remembered, options: &Options, refused: StartError) -> Result<String, StartError> {
    let forgotten = match &refused {
        StartError::Source(_) if options.source.is_none() => last.source.take().map(|_| "source"),
        StartError::Predict(PredictError::Load(_) | PredictError::Open(OpenError::Size(_)))
            if options.model.is_none() =>
        {
            last.model.take().map(|_| "network")
        }
        StartError::Predict(PredictError::Open(_)) if options.engine.is_none() => last.engine.take().map(|_| "engine"),
        _ => None,
    };
    let Some(what) = forgotten else { return Err(refused) };
    Ok(format!("The {what} of last time cannot be had now, and the default takes its place: {refused}."))
}

/// Asks for a repaint when there is news, as often as the screen can use it and no more.
#[derive(Default)]
pub(super) struct Waker {
    context: Mutex<Option<Context>>,
    every_ms: AtomicU64,
    painted: Mutex<Option<Instant>>,
}

impl Waker {
    /// Wakes this window from now on.
    pub(super) fn attach(&self, context: &Context, draws_in_software: bool) {
        let every = if draws_in_software { REPAINT_IN_SOFTWARE } else { place::REPAINT };
        self.every_ms.store(every.as_millis() as u64, Ordering::Relaxed);
        if let Ok(mut own) = self.context.lock() {
            *own = Some(context.clone());
        }
    }

    /// Called by the pipeline's threads; never waits for the window.
    pub(super) fn wake(&self) {
        let context = self.context.lock().ok().and_then(|own| own.clone());
        let painted = self.painted.lock().ok().and_then(|painted| *painted);
        let every = Duration::from_millis(self.every_ms.load(Ordering::Relaxed));
        if let Some(context) = context {
            let since = painted.map_or(every, |painted| painted.elapsed());
            context.request_repaint_after(every.saturating_sub(since));
        }
    }

    /// A repaint begins.
    pub(super) fn painting(&self) {
        if let Ok(mut painted) = self.painted.lock() {
            *painted = Some(Instant::now());
        }
    }
}

/// Scales all type with the window.
fn fit(ctx: &Context, large: bool) {
    let zoom = ctx.zoom_factor();
    let wanted = arrangement::zoom(ctx.content_rect().size() * zoom, ctx.pixels_per_point() / zoom, large);
    if (wanted - zoom).abs() > 0.01 {
        ctx.set_zoom_factor(wanted);
    }
}

/// Whether a window is drawn without a graphics card.
pub(super) fn draws_in_software(cc: &eframe::CreationContext<'_>) -> bool {
    cc.wgpu_render_state.as_ref().is_some_and(|state| {
        let info = state.adapter.get_info();
        // A browser does not tell what kind of device it draws with, but what it is called.
        info.device_type == eframe::wgpu::DeviceType::Cpu || info.name.contains("SwiftShader")
    })
}

struct App {
    pipeline: Pipeline,
    model: Model,
    window: Window,
    exporter: Exporter,
    waker: Arc<Waker>,
    cameras: Lister<CameraInfo>,
    ports: Lister<FoundPort>,
    dialogs: Dialogs,
    file: Option<PathBuf>,
    size: Option<[f32; 2]>,
    teaching: Teaching,
    fonts: SystemFonts,
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
        model.software_rendering = draws_in_software(cc);
        waker.attach(&cc.egui_ctx, model.software_rendering);
        let exporter = Exporter::new(cc.egui_ctx.clone());
        let mut app = Self {
            pipeline,
            model,
            window,
            exporter,
            waker,
            cameras: Lister::new("cameras", source::reader::cameras),
            ports: Lister::new("ports", serial::ports),
            dialogs: Dialogs::default(),
            teaching: Teaching::new(file.as_deref()),
            fonts: SystemFonts::default(),
            file,
            size: None,
        };
        app.cameras.ask(app.waking());
        app.ports.ask(app.waking());
        app
    }

    /// What wakes the window when a thread of its own has news.
    fn waking(&self) -> impl FnOnce() + Send + 'static {
        let waker = self.waker.clone();
        move || waker.wake()
    }

    /// Brings the model to the present.
    fn refresh(&mut self, ctx: &Context) {
        let model = &mut self.model;
        model.follow(&self.pipeline);
        if let Some(cameras) = self.cameras.news() {
            model.cameras = cameras;
        }
        if let Some(ports) = self.ports.news() {
            model.ports = ports;
        }
        self.model.teaching = self.teaching.progress();
        for (text, tone) in self.exporter.outcomes() {
            self.window.state.toasts.push(text, tone);
        }
        let fullscreen = ctx.input(|input| input.viewport().fullscreen);
        if fullscreen == Some(false) {
            self.size = Some((ctx.content_rect().size() * ctx.zoom_factor()).into());
        }
    }

    fn act(&mut self, ctx: &Context, action: Action, frame: &eframe::Frame) {
        let source = self.pipeline.source();
        match action {
            Action::Send(command) => self.pipeline.send(command),
            Action::Source(choice) => source.switch_to(choice),
            Action::Pause(paused) => source.set_paused(paused),
            Action::Step => source.step(),
            Action::Seek(to) => source.seek(to),
            Action::Screenshot => self.exporter.screenshot(ctx),
            Action::ExportFigures => self.export(Exporter::figures),
            Action::ExportFrame => self.export(Exporter::frame),
            Action::Fullscreen(fullscreen) => ctx.send_viewport_cmd(ViewportCommand::Fullscreen(fullscreen)),
            Action::Choose(wanted) => self.choose(wanted, frame),
            Action::ListCameras => self.cameras.ask(self.waking()),
            Action::ListPorts => self.ports.ask(self.waking()),
            Action::AskForPort => place::ask_for_port(),
        }
    }

    fn export(&mut self, write: fn(&Exporter, Arc<crate::pipeline::Report>)) {
        match &self.model.report {
            Some(report) => write(&self.exporter, report.clone()),
            None => self.window.state.toasts.push("Nothing was saved: there is no picture yet.", Tone::Bad),
        }
    }

    /// Shows the system's dialog, where the last file lies.
    fn choose(&mut self, wanted: DialogKind, frame: &eframe::Frame) {
        let folder = match &self.model.source.choice {
            Some(SourceChoice::File(path)) => std::path::absolute(path).ok(),
            _ => None,
        };
        let folder = folder.as_deref().and_then(Path::parent);
        if !self.dialogs.open(wanted, folder, frame, self.waking()) {
            self.window.state.toasts.push("The dialog for opening is there already.", Tone::Hint);
        }
    }

    fn remember(&self) {
        let Some(file) = &self.file else { return };
        let state = &self.window.state;
        let running = &self.model.settings;
        let remembered = Remembered {
            theme: match state.theme {
                ThemePreference::Light => Some("light".into()),
                ThemePreference::Dark => Some("dark".into()),
                ThemePreference::System => None,
            },
            source: self.model.source.choice.as_ref().and_then(settings::spell_source),
            model: settings::spell_model(&running.model),
            engine: Some(running.engine.to_string()),
            threads: Some(running.threads),
            compare_off: !state.compare,
            mirror_off: !state.mirror,
            zoom: Some(state.zoom),
            size: self.size,
            layout: Some(state.layout.clone()),
        };
        if let Err(error) = settings_file::save(file, &remembered) {
            tracing::warn!("the settings cannot be saved in {}: {error}", file.display());
        }
    }
}

/// What people named: it may be in any script.
fn names(model: &Model) -> impl Iterator<Item = &str> {
    let labels = model.report.iter().flat_map(|report| report.network.labels()).map(String::as_str);
    let taught = model.teaching.iter().flat_map(|teaching| &teaching.classes).map(|class| class.name.as_str());
    labels.chain(taught)
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.waker.painting();
        fit(ui.ctx(), self.window.state.layout.large);
        self.refresh(ui.ctx());
        self.fonts.follow(ui.ctx(), names(&self.model));
        place::follow(&self.model, frame);
        if let Some(text) = place::news() {
            self.window.state.toasts.push(text, Tone::Hint);
        }
        let answer = self.dialogs.answer().and_then(|answer| self.window.answered(answer));
        for action in self.window.show(ui, &self.model).into_iter().chain(answer) {
            self.act(ui.ctx(), action, frame);
        }
        if let Some(report) = &self.model.report {
            self.window.state.why.take_exports().for_each(|answer| self.exporter.answer(report.clone(), answer));
        }
        let requests = std::mem::take(&mut self.window.state.teach.requests);
        let waker = self.waker.clone();
        let is_open = self.window.state.teach.open;
        let problem = self.teaching.follow(is_open, requests, &self.pipeline, &self.model, move || waker.wake());
        if let Some(problem) = problem {
            self.window.state.toasts.push(problem, Tone::Bad);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What was refused of last time, and what runs.
    fn started(options: &Options, remembered: &Remembered) -> (Vec<String>, Settings, Option<SourceChoice>) {
        let (pipeline, settings) = start(options, remembered, &Arc::default()).expect("something runs");
        let source = pipeline.source_status().choice;
        (pipeline.notices().into_iter().map(|notice| notice.text).collect(), settings, source)
    }

    fn remembered(model: &Path) -> Remembered {
        Remembered {
            model: Some(model.display().to_string()),
            source: Some("demo:7".into()),
            engine: Some("reference".into()),
            threads: Some(3),
            ..Remembered::default()
        }
    }

    #[test]
    fn a_network_that_is_gone_or_damaged_takes_no_other_setting_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let damaged = folder.path().join("damaged.safetensors");
        std::fs::write(&damaged, b"no network").expect("written");
        for model in [folder.path().join("gone.safetensors"), damaged] {
            let (notices, settings, source) = started(&Options::default(), &remembered(&model));
            let name = model.file_name().and_then(|name| name.to_str()).expect("a name");
            assert!(notices.len() == 1 && notices[0].contains(name), "{notices:?}");
            assert_eq!(settings.model, ModelChoice::default());
            assert_eq!((settings.engine, settings.threads), (EngineChoice::Reference, 3));
            assert_eq!(source, Some(SourceChoice::Demo { seed: 7 }));
        }
    }

    #[test]
    fn a_source_that_is_gone_is_named_and_takes_nothing_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let gone = folder.path().join("gone.png").display().to_string();
        let last =
            Remembered { source: Some(gone.clone()), model: Some("objects".into()), ..remembered(Path::new("")) };
        let (notices, settings, source) = started(&Options::default(), &last);
        assert!(notices.len() == 1 && notices[0].contains(&gone), "{notices:?}");
        assert_eq!((settings.model, source), (ModelChoice::Shipped("objects"), None));
    }

    #[test]
    fn the_square_and_the_mirror_are_as_they_were_last_time() {
        let last = Remembered { source: Some("demo:7".into()), ..remembered(Path::new("cards")) };
        let last = Remembered { engine: None, mirror_off: true, zoom: Some(200), ..last };
        let (pipeline, _) = start(&Options::default(), &last, &Arc::default()).expect("something runs");
        let mut state = State::default();
        restore(&mut state, last, &pipeline);
        assert_eq!((state.mirror, state.zoom), (false, 200));
        let begun = Instant::now();
        while pipeline.report().is_none_or(|report| report.crop.edge != 240) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the network sees another square");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_the_command_line_names_is_never_replaced() {
        let options = Options { model: Some("no-such.safetensors".parse().expect("any text")), ..Options::default() };
        let refused = start(&options, &remembered(Path::new("cards")), &Arc::default());
        assert!(refused.is_err_and(|error| error.to_string().contains("no-such.safetensors")));
    }
}
