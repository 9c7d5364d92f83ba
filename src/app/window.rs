//! All that is drawn, without what lies behind: tests and benches show it as the program does.

use super::arrangement::Panel;
use super::choices;
use super::keys::{self, Deed};
use super::model::Model;
use super::notices::{self, Tone};
use super::state::{Action, DialogAnswer, State, TypedPath};
use super::theme::{self, Tokens};
use super::{
    comparison, layer_detail, network_strip, picture_panel, prediction, square, teach_panel, timeline, toolbar, why,
};
use crate::engines::EngineChoice;
use crate::fpga::BoardChoice;
use crate::network::ModelChoice;
use crate::pipeline::EngineCommand;
use crate::source::SourceChoice;
use egui::{
    Align2, Color32, Frame, Key, Margin, Order, Panel as Side, RichText, Stroke, ThemePreference, Ui, WidgetText,
};
use egui_tiles::{ResizeState, SimplificationOptions, TileId, UiResponse};
use std::path::PathBuf;

/// Width of the line in which a path is typed.
const PATH_WIDTH: f32 = 540.0;

/// Everything that is drawn, and what keys and buttons do.
#[derive(Default)]
pub struct Window {
    /// What stays between frames.
    pub state: State,
}

impl Window {
    /// Draws everything into `ui` and returns what the person asked for.
    pub fn show(&mut self, ui: &mut Ui, model: &Model) -> Vec<Action> {
        let mut actions = Vec::new();
        self.state.meet_source(&model.source);
        if let Some(report) = &model.report {
            self.state.meet(&report.network, &mut actions);
        }
        for deed in keys::pressed(ui.ctx(), self.state.teach.open) {
            self.perform(ui, deed, model, &mut actions);
        }
        self.dropped(ui, &mut actions);
        let tokens = Tokens::of(ui);
        ui.ctx().layer_painter(egui::LayerId::background()).rect_filled(ui.ctx().content_rect(), 0.0, tokens.ground);
        let bar = Frame::new().fill(tokens.ground).inner_margin(Margin::symmetric(theme::GAP as i8, 0));
        let rows = toolbar::rows(ui);
        let height = theme::TOOLBAR * rows as f32;
        let top = Side::top("toolbar").exact_size(height).frame(bar).show_separator_line(false).resizable(false);
        let mirrored = self.state.mirror;
        let deeds = top.show(ui, |ui| toolbar::show(ui, model, mirrored, &mut actions)).inner;
        for deed in deeds {
            self.perform(ui, deed, model, &mut actions);
        }
        teach_panel::show(ui, model, &mut self.state.teach);
        let before = self.state.why.place();
        if let Some(channel) = why::show(ui, model, self.state.channel, &mut self.state.why) {
            self.state.channel = channel;
        }
        if let Some(place) = self.state.why.place().filter(|place| before.is_some_and(|before| before != *place)) {
            self.state.choose_layer(place.layer, &mut actions);
            self.state.channel = place.channel;
        }
        self.panels(ui, model, &mut actions);
        actions.extend(self.state.why.take_commands().map(Action::Send));
        notices::show(ui, model, &mut self.state.toasts);
        if let Some(deed) = keys::help(ui, &mut self.state.help) {
            self.perform(ui, deed, model, &mut actions);
        }
        self.path(ui, &mut actions);
        hovering_files(ui);
        // From the next frame on: within one all panels look alike.
        ui.ctx().set_theme(self.state.theme);
        actions
    }

    /// What the answer of the system's dialog asks for. Where there is no dialog, the path is typed.
    pub fn answered(&mut self, answer: DialogAnswer) -> Option<Action> {
        match answer {
            DialogAnswer::Chosen(path) => return Some(open(path)),
            DialogAnswer::Port(path) => {
                let engine = EngineChoice::Fpga(BoardChoice::Port(path));
                return Some(Action::Send(EngineCommand::Engine(engine)));
            }
            DialogAnswer::Dismissed => {}
            DialogAnswer::Refused(why) => self.state.toasts.push(format!("{why}."), Tone::Bad),
            DialogAnswer::Failed(why) => self.state.path = Some(TypedPath { why: Some(why), ..TypedPath::default() }),
        }
        None
    }

    fn panels(&mut self, ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
        let gap = theme::GAP as i8;
        let frame = Frame::new().inner_margin(Margin { left: gap, right: gap, top: 0, bottom: gap });
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            let mut layout = std::mem::take(&mut self.state.layout);
            let mut panels = Panels { model, state: &mut self.state, actions };
            layout.shown(ui.ctx().content_rect().size()).ui(&mut panels, ui);
            self.state.layout = layout;
        });
    }

    /// Does what a key or a button asks for.
    fn perform(&mut self, ui: &Ui, deed: Deed, model: &Model, actions: &mut Vec<Action>) {
        let state = &mut self.state;
        let send = |command| Action::Send(command);
        match deed {
            Deed::Pause => actions.push(Action::Pause(!model.source.paused)),
            Deed::Step => actions.push(Action::Step),
            Deed::Layer(step) => {
                self.walk_layers(model, |layer, last| layer.saturating_add_signed(step).min(last), actions);
            }
            Deed::LayerEnd(end) => self.walk_layers(model, |_, last| if end { last } else { 0 }, actions),
            Deed::Channel(step) => self.walk_channels(model, step),
            Deed::OneChannel => state.one_channel = !state.one_channel,
            Deed::Compare => {
                state.compare = !state.compare;
                actions.push(send(EngineCommand::Compare(state.compare)));
            }
            Deed::Source(place) => {
                let source =
                    choices::sources(model).into_iter().map(|choice| choice.value).filter(Option::is_some).nth(place);
                actions.extend(source.map(Action::Source));
            }
            Deed::Open(wanted) => actions.push(Action::Choose(wanted)),
            Deed::TypePath => state.path = Some(TypedPath::default()),
            Deed::NextNetwork => {
                let next = choices::next(choices::networks(model).0);
                actions.extend(next.map(|network| send(EngineCommand::Model(network))));
            }
            Deed::NextEngine => {
                let next = choices::next(choices::engines(model));
                actions.extend(next.map(|engine| send(EngineCommand::Engine(engine))));
            }
            Deed::Threads(step) => match choices::more_threads(model, step) {
                Ok(threads) => actions.push(send(EngineCommand::Threads(threads))),
                Err(why) => state.toasts.push(why, Tone::Hint),
            },
            Deed::SetThreads(threads) => match choices::fixed_threads(model) {
                None => actions.push(send(EngineCommand::Threads(threads))),
                Some(why) => state.toasts.push(why, Tone::Hint),
            },
            Deed::Limit(step) => {
                let limit = model.report.as_ref().map(|report| report.prediction.limit);
                actions.extend(limit.map(|limit| send(EngineCommand::Limit(prediction::moved(limit, step)))));
            }
            Deed::Zoom(steps) => square::press(model, state, steps, actions),
            Deed::Mirror => state.turn_mirror(model),
            Deed::Teach => state.turn_teaching(),
            Deed::Why(depth) => state.turn_why(depth),
            Deed::Hold => actions.push(send(EngineCommand::Hold(model.answers.held.is_none()))),
            Deed::Screenshot => actions.push(Action::Screenshot),
            Deed::Figures => actions.push(Action::ExportFigures),
            Deed::Frame => actions.push(Action::ExportFrame),
            Deed::Fullscreen => self.fill_screen(!self.state.fullscreen, actions),
            Deed::Large => state.layout.large = !state.layout.large,
            Deed::Theme => {
                let dark = ui.visuals().dark_mode;
                state.theme = if dark { ThemePreference::Light } else { ThemePreference::Dark };
            }
            Deed::ResetLayout => state.layout.reset(),
            Deed::Help => state.help = !state.help,
            Deed::Escape => self.escape(actions),
        }
    }

    /// Esc closes the uppermost thing.
    fn escape(&mut self, actions: &mut Vec<Action>) {
        let state = &mut self.state;
        if state.path.take().is_some() || std::mem::take(&mut state.help) {
            return;
        }
        if !state.toasts.is_empty() {
            return state.toasts.clear();
        }
        if state.fullscreen {
            self.fill_screen(false, actions);
        }
    }

    fn fill_screen(&mut self, fullscreen: bool, actions: &mut Vec<Action>) {
        self.state.fullscreen = fullscreen;
        self.state.layout.large = fullscreen;
        actions.push(Action::Fullscreen(fullscreen));
    }

    fn walk_layers(&mut self, model: &Model, to: impl Fn(usize, usize) -> usize, actions: &mut Vec<Action>) {
        let Some(report) = &model.report else { return };
        let layer = to(self.state.layer, report.network.layers().len() - 1);
        if layer != self.state.layer {
            self.state.choose_layer(layer, actions);
        }
    }

    fn walk_channels(&mut self, model: &Model, step: isize) {
        let Some(report) = &model.report else { return };
        let channels = report.network.shapes(report.edge).get(self.state.layer).map_or(1, |shape| shape.channels);
        self.state.channel = self.state.channel.saturating_add_signed(step).min(channels - 1);
    }

    /// Files dropped on the window: by their name a network, else something to look at.
    fn dropped(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        let files = ui.input(|input| input.raw.dropped_files.clone());
        match files.iter().map(|file| file.path().to_owned()).collect::<Vec<_>>().as_slice() {
            [] => {}
            [path] => actions.push(open(path.clone())),
            [path, ..] => {
                self.state.toasts.push(
                    "Several files were dropped; the first one is opened. A folder shows many pictures.",
                    Tone::Bad,
                );
                actions.push(open(path.clone()));
            }
        }
    }

    /// The line in which a path is typed.
    fn path(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        let Some(TypedPath { text, why }) = &mut self.state.path else { return };
        let mut entered = false;
        let window = egui::Window::new("Open").collapsible(false).resizable(false).title_bar(false);
        window.anchor(Align2::CENTER_CENTER, [0.0, -80.0]).show(ui.ctx(), |ui| {
            ui.set_width(PATH_WIDTH.min(ui.ctx().content_rect().width() - 48.0));
            let quiet = Tokens::of(ui).quiet;
            let label = ui.label(
                RichText::new("Open a picture, a folder, a video or a network's file").font(theme::bold(theme::BODY)),
            );
            let edit = egui::TextEdit::singleline(text)
                .desired_width(f32::INFINITY)
                .hint_text("path")
                .margin(Margin::symmetric(8, 6));
            let edit = ui.add(edit).labelled_by(label.id);
            edit.request_focus();
            entered = ui.input(|input| input.key_pressed(Key::Enter));
            if let Some(why) = why {
                let says = format!("Typed here because {why}.");
                ui.label(RichText::new(says).size(theme::SMALL).color(Tokens::of(ui).float_input));
            }
            ui.label(RichText::new("Enter opens, Esc closes").size(theme::SMALL).color(quiet));
        });
        if entered {
            let path = text.trim().to_owned();
            self.state.path = None;
            if !path.is_empty() {
                actions.push(open(PathBuf::from(path)));
            }
        }
    }
}

/// What a file is asked to be. Whether it can be is found out elsewhere, off this thread.
fn open(path: PathBuf) -> Action {
    let is_model = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"));
    if is_model {
        Action::Send(EngineCommand::Model(ModelChoice::File(path)))
    } else {
        Action::Source(Some(SourceChoice::File(path)))
    }
}

/// While a file hangs over the window: what dropping it will do.
fn hovering_files(ui: &Ui) {
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let tokens = Tokens::of(ui);
    let layer = egui::LayerId::new(Order::Foreground, ui.scope_id().with("hovering files"));
    let (painter, rect) = (ui.ctx().layer_painter(layer), ui.ctx().content_rect());
    painter.rect_filled(rect, 0.0, tokens.scrim);
    let words = "Drop it: a picture, a folder or a video to look at, or a network to run";
    painter.text(rect.center(), Align2::CENTER_CENTER, words, theme::bold(22.0), tokens.on_picture);
}

/// Shows a panel wherever the person put it.
struct Panels<'a> {
    model: &'a Model,
    state: &'a mut State,
    actions: &'a mut Vec<Action>,
}

impl egui_tiles::Behavior<Panel> for Panels<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, panel: &mut Panel) -> UiResponse {
        let dragged = match panel {
            Panel::Picture => picture_panel::show(ui, self.model, self.state, self.actions),
            Panel::Prediction => prediction::show(ui, self.model, self.actions),
            Panel::Detail => layer_detail::show(ui, self.model, self.state),
            Panel::Strip => network_strip::show(ui, self.model, self.state, self.actions),
            Panel::Comparison => comparison::show(ui, self.model, self.state),
            Panel::Timeline => timeline::show(ui, self.model),
        };
        if dragged { UiResponse::DragStarted } else { UiResponse::None }
    }

    fn tab_title_for_pane(&mut self, panel: &Panel) -> WidgetText {
        panel.title().into()
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        theme::GAP
    }

    fn min_size(&self) -> f32 {
        96.0
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: false, ..SimplificationOptions::default() }
    }

    fn resize_stroke(&self, style: &egui::Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => Stroke::NONE,
            ResizeState::Hovering => Stroke::new(2.0, style.visuals.widgets.hovered.bg_stroke.color),
            ResizeState::Dragging => Stroke::new(2.0, style.visuals.selection.stroke.color),
        }
    }

    fn drag_preview_color(&self, visuals: &egui::Visuals) -> Color32 {
        visuals.selection.bg_fill
    }
}
