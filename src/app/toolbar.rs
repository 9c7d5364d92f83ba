//! The bar at the top: what runs, the counters, and buttons for what keys do.

use super::arrangement;
use super::choices::{self, Choice};
use super::format;
use super::keys::Deed;
use super::model::Model;
use super::place;
use super::state::{Action, DialogKind};
use super::theme::{self, Tokens};
use super::why::Depth;
use super::widgets;
use crate::pipeline::EngineCommand;
use egui::containers::menu::MenuButton;
use egui::{Align, Button, Color32, FontId, Layout, Response, RichText, Role, Ui, WidgetInfo, vec2};

/// How much the bar says where there is little room.
#[derive(Clone, Copy)]
struct Brevity {
    /// The program's name.
    title: bool,
    /// What a choice is about.
    whats: bool,
    /// The keys of the buttons.
    keys: bool,
    /// The most letters of what is chosen.
    letters: usize,
    /// Frames captured and dropped, and the latency. What was left out is always said.
    counters: bool,
}

const FULL: Brevity = Brevity { title: true, whats: true, keys: true, letters: 30, counters: true };
/// The first one that fits is taken.
const BREVITIES: [Brevity; 8] = [
    FULL,
    Brevity { keys: false, ..FULL },
    Brevity { keys: false, title: false, letters: 24, ..FULL },
    Brevity { keys: false, title: false, counters: false, letters: 24, ..FULL },
    Brevity { keys: false, title: false, counters: false, whats: false, letters: 24 },
    Brevity { keys: false, title: false, counters: false, whats: false, letters: 16 },
    Brevity { keys: false, title: false, counters: false, whats: false, letters: 10 },
    Brevity { keys: false, title: false, counters: false, whats: false, letters: 5 },
];
/// Between parts of the bar, besides the usual spacing.
const SPACE: f32 = 6.0;

/// Shows the bar; `mirrored`: whether cameras are. Returns what its buttons ask for; choices go to `actions`.
pub(super) fn show(ui: &mut Ui, model: &Model, mirrored: bool, actions: &mut Vec<Action>) -> Vec<Deed> {
    ui.spacing_mut().interact_size.y = theme::BUTTON;
    let mut deeds = Vec::new();
    let room = ui.available_width();
    let in_two = rows(ui) > 1;
    let fitting = |width: &dyn Fn([f32; 2]) -> f32| {
        let fits = |brevity: &Brevity| width(widths(ui, model, *brevity)) <= room;
        BREVITIES.into_iter().find(fits).unwrap_or(BREVITIES[BREVITIES.len() - 1])
    };
    // Each row as it fits, or all of it.
    let whole = |[choosers, others]: [f32; 2]| choosers + others;
    let [brevity, others_brevity] =
        if in_two { [fitting(&|widths| widths[0]), fitting(&|widths| widths[1])] } else { [fitting(&whole); 2] };
    let mut choosers = |ui: &mut Ui, deeds: &mut Vec<Deed>| {
        if brevity.title {
            ui.label(title());
            ui.add_space(SPACE);
        }
        sources(ui, model, mirrored, brevity, actions, deeds);
        networks(ui, model, brevity, actions, deeds);
        engines(ui, model, brevity, actions, deeds);
    };
    let others = |ui: &mut Ui, deeds: &mut Vec<Deed>| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            buttons(ui, model, others_brevity, deeds);
            ui.add_space(SPACE);
            counters(ui, model, others_brevity);
        });
    };
    if in_two {
        let size = vec2(room, theme::TOOLBAR);
        let row = Layout::left_to_right(Align::Center);
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.allocate_ui_with_layout(size, row, |ui| choosers(ui, &mut deeds));
        ui.allocate_ui_with_layout(size, row, |ui| others(ui, &mut deeds));
    } else {
        ui.horizontal_centered(|ui| {
            choosers(ui, &mut deeds);
            others(ui, &mut deeds);
        });
    }
    deeds
}

/// In so many rows the bar stands: in two where the window is higher than wide.
pub(super) fn rows(ui: &Ui) -> usize {
    if arrangement::is_tall(ui.ctx().content_rect().size()) { 2 } else { 1 }
}

fn title() -> RichText {
    RichText::new("Ernscope").font(theme::bold(17.0))
}

/// The widths that what can be chosen takes, and all else in the bar.
fn widths(ui: &Ui, model: &Model, brevity: Brevity) -> [f32; 2] {
    let text = |words: &str, font| widgets::layout(ui, words, font, Color32::PLACEHOLDER).size().x;
    let spacing = ui.spacing();
    let (padding, gap, between) = (2.0 * spacing.button_padding.x, spacing.icon_spacing, spacing.item_spacing.x);
    let title = if brevity.title { text("Ernscope", theme::bold(17.0)) + SPACE + between } else { 0.0 };
    let choosers =
        [("Source", choices::source_name(model)), ("Network", network(model)), ("Engine", choices::engine_name(model))];
    let choosers = choosers.iter().map(|(what, chosen)| {
        let what = if brevity.whats { text(what, theme::plain(theme::BODY)) + gap } else { 0.0 };
        let name = text(&shortened(chosen, brevity.letters), theme::bold(theme::BODY));
        what + name + gap + text("▾", theme::plain(theme::SMALL)) + padding + between
    });
    let buttons = BUTTONS.iter().map(|row| {
        let key =
            if brevity.keys && !row.key.is_empty() { text(row.key, theme::plain(theme::SMALL)) + gap } else { 0.0 };
        (text(row.sign(ui, model).0, theme::plain(theme::BODY)) + key + padding).max(theme::BUTTON) + between
    });
    let says = figures(model, brevity);
    let counters = if says.is_empty() { 0.0 } else { text(&says, counter_font()) + between };
    [title + choosers.sum::<f32>(), buttons.sum::<f32>() + SPACE + counters]
}

/// A button that opens a list: what it chooses, quietly, then what is chosen.
fn chooser(ui: &mut Ui, what: &str, chosen: &str, brevity: Brevity, list: impl FnOnce(&mut Ui)) {
    let tokens = Tokens::of(ui);
    let short = shortened(chosen, brevity.letters);
    let name = RichText::new(short).font(theme::bold(theme::BODY)).color(tokens.text);
    let arrow = RichText::new("▾").size(theme::SMALL).color(tokens.quiet);
    let button = if brevity.whats {
        Button::new((RichText::new(what).color(tokens.quiet), name, arrow))
    } else {
        Button::new((name, arrow))
    };
    let (response, _) = MenuButton::from_button(button.min_size(vec2(0.0, theme::BUTTON))).ui(ui, |ui| {
        ui.set_min_width(250.0);
        list(ui);
    });
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{what}: {chosen}")));
}

/// The end of a long text: of paths it says most.
fn shortened(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        text.into()
    } else {
        format!("…{}", letters[letters.len() - most..].iter().collect::<String>())
    }
}

/// A line of a list; a click closes the list.
fn entry(ui: &mut Ui, chosen: bool, says: &str) -> Response {
    let mark = if chosen { "●" } else { "○" };
    let tokens = Tokens::of(ui);
    let color = if chosen { tokens.chosen } else { tokens.quiet };
    let response = ui.add(Button::new((RichText::new(mark).color(color).size(10.0), says)).min_size(vec2(240.0, 26.0)));
    response.widget_info(|| WidgetInfo::selected(Role::MenuItem, true, chosen, says));
    response
}

/// A line of a list that is on or off; whether it was clicked, which closes the list.
fn tick(ui: &mut Ui, on: bool, says: &str) -> bool {
    ui.separator();
    let mark = if on { "✓" } else { "–" };
    let tokens = Tokens::of(ui);
    let color = if on { tokens.chosen } else { tokens.quiet };
    let line = Button::new((RichText::new(mark).color(color).size(10.0), says)).min_size(vec2(240.0, 26.0));
    let response = ui.add(line);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, says));
    let clicked = response.clicked();
    if clicked {
        ui.close();
    }
    clicked
}

fn heading(ui: &mut Ui, says: &str) {
    ui.add_space(2.0);
    ui.label(RichText::new(says).size(theme::SMALL).color(Tokens::of(ui).quiet));
}

fn entries<T>(ui: &mut Ui, list: Vec<Choice<T>>, mut choose: impl FnMut(T)) {
    for choice in list {
        if entry(ui, choice.chosen, &choice.says).clicked() {
            choose(choice.value);
            ui.close();
        }
    }
}

/// Ways to open what is in no list.
fn open_entries(ui: &mut Ui, ways: &[(Deed, &str)], deeds: &mut Vec<Deed>) {
    ui.separator();
    for &(deed, says) in ways {
        if entry(ui, false, says).clicked() {
            deeds.push(deed);
            ui.close();
        }
    }
    heading(ui, "or drop a file on the window");
}

fn sources(
    ui: &mut Ui,
    model: &Model,
    mirrored: bool,
    brevity: Brevity,
    actions: &mut Vec<Action>,
    deeds: &mut Vec<Deed>,
) {
    chooser(ui, "Source", &choices::source_name(model), brevity, |ui| {
        // Asked with every repaint while the list is open; who lists them keeps a pace of its own.
        actions.push(Action::ListCameras);
        entries(ui, choices::sources(model), |source| actions.push(Action::Source(source)));
        // Without a camera there is nothing to mirror.
        if !model.cameras.is_empty() && tick(ui, mirrored, "cameras mirrored  V") {
            deeds.push(Deed::Mirror);
        }
        let ways = [
            (Deed::Open(DialogKind::File), "a picture or video …  O"),
            (Deed::Open(DialogKind::Folder), "a folder of pictures …  Shift O"),
            (Deed::TypePath, "a typed path …  P"),
        ];
        open_entries(ui, &ways[..if place::HAS_FOLDERS { 3 } else { 1 }], deeds);
    });
}

/// What the network is called, and its size.
fn network(model: &Model) -> String {
    let size = model.steady.as_ref().map(|report| format::bytes(report.network.weight_bits() / 8));
    let name = choices::network_name(model);
    size.map_or(name.clone(), |size| format!("{name} · {size}"))
}

fn networks(ui: &mut Ui, model: &Model, brevity: Brevity, actions: &mut Vec<Action>, deeds: &mut Vec<Deed>) {
    chooser(ui, "Network", &network(model), brevity, |ui| {
        let (shipped, random) = choices::networks(model);
        entries(ui, shipped, |network| actions.push(Action::Send(EngineCommand::Model(network))));
        heading(ui, "published shapes, random weights");
        entries(ui, random, |network| actions.push(Action::Send(EngineCommand::Model(network))));
        heading(ui, "input size in pixels");
        ui.horizontal_wrapped(|ui| {
            ui.set_max_width(250.0);
            for choice in choices::edges(model) {
                let button = ui.add(Button::selectable(choice.chosen, choice.says.as_str()));
                if button.clicked() {
                    actions.push(Action::Send(EngineCommand::Edge(choice.value)));
                    ui.close();
                }
            }
        });
        let ways = [(Deed::Open(DialogKind::File), "a model file …  O"), (Deed::TypePath, "a typed path …  P")];
        open_entries(ui, &ways[..if place::HAS_FOLDERS { 2 } else { 1 }], deeds);
    });
}

fn engines(ui: &mut Ui, model: &Model, brevity: Brevity, actions: &mut Vec<Action>, deeds: &mut Vec<Deed>) {
    chooser(ui, "Engine", &choices::engine_name(model), brevity, |ui| {
        actions.push(Action::ListPorts);
        entries(ui, choices::engines(model), |engine| actions.push(Action::Send(EngineCommand::Engine(engine))));
        if place::ASKS_FOR_PORTS && place::has_boards() && entry(ui, false, "a board on a serial port …").clicked() {
            actions.push(Action::AskForPort);
            ui.close();
        }
        heading(ui, "threads");
        ui.horizontal_wrapped(|ui| {
            ui.set_max_width(250.0);
            for choice in choices::threads(model) {
                let button = ui.add(Button::selectable(choice.chosen, choice.says.as_str()));
                if button.clicked() {
                    deeds.push(Deed::SetThreads(choice.value));
                    ui.close();
                }
            }
        });
        if let Some(why) = choices::fixed_threads(model) {
            ui.set_max_width(300.0);
            heading(ui, &why);
        }
    });
}

/// The figures of the whole way, in fixed width.
fn figures(model: &Model, brevity: Brevity) -> String {
    let mut parts = Vec::new();
    let steady = model.steady.as_ref().filter(|_| brevity.counters);
    if let Some(steady) = steady {
        let captured_per_s = if model.is_past() { 0.0 } else { steady.rates.captured_per_s };
        parts.push(format!("captured {:>3}/s", format::rate(captured_per_s)));
        parts.push(format!("dropped {:>3}", format::whole(steady.counts.dropped as f32)));
    }
    if let Some(recording) = model.recording {
        parts.push(format!("● rec {:.0} MB", recording.bytes as f32 / 1e6));
    }
    if model.source.left_out.count > 0 {
        parts.push(model.source.left_out.to_string());
    }
    if let Some(steady) = steady.filter(|_| !model.is_past()) {
        parts.push(format!("latency {} ms", format::ms(steady.rates.latency_ms)));
    }
    parts.join(" · ")
}

fn counter_font() -> FontId {
    theme::mono(theme::TINY + 0.5)
}

fn counters(ui: &mut Ui, model: &Model, brevity: Brevity) {
    let tokens = Tokens::of(ui);
    let says = figures(model, brevity);
    if !says.is_empty() {
        ui.label(RichText::new(&says).font(counter_font()).color(tokens.quiet));
    }
    let software = "software rendering, 10/s";
    let width = widgets::layout(ui, software, counter_font(), tokens.quiet).size().x;
    if brevity.counters && model.software_rendering && width + 16.0 <= ui.available_width() {
        let label = RichText::new(software).font(counter_font()).color(tokens.float_input);
        ui.label(label).on_hover_text(
            "No graphics card: the window repaints 10 times a second and leaves the processor to the network.",
        );
    }
}

/// A button: what it does, the key that is shown on it, its sign and what it says.
struct ButtonRow {
    deed: Deed,
    key: &'static str,
    sign: &'static str,
    says: &'static str,
}

/// The buttons from the right.
const BUTTONS: [ButtonRow; 9] = [
    ButtonRow { deed: Deed::Help, key: "", sign: "?", says: "Keys (F1)" },
    ButtonRow { deed: Deed::Fullscreen, key: "F11", sign: "□", says: "Full screen with large type (F11)" },
    ButtonRow { deed: Deed::Theme, key: "", sign: "☀", says: "Dark or light (T)" },
    ButtonRow {
        deed: Deed::Figures,
        key: "E",
        sign: "⇩",
        says: "Save the figures as CSV and JSON (E); the frame and all layers (Shift E)",
    },
    ButtonRow {
        deed: Deed::Why(Depth::Evidence),
        key: "W",
        sign: "Why",
        says: "Why it answers so: evidence, one neuron, a held frame (W)",
    },
    ButtonRow { deed: Deed::Teach, key: "M", sign: "Teach", says: "Teach it new things (M)" },
    ButtonRow { deed: Deed::Screenshot, key: "S", sign: "◉", says: "Save a screenshot (S)" },
    ButtonRow { deed: Deed::Step, key: "", sign: "▸|", says: "One frame, then pause (.)" },
    ButtonRow { deed: Deed::Pause, key: "Space", sign: "❚❚", says: "Pause (Space)" },
];

impl ButtonRow {
    /// Sign and words as things stand.
    fn sign(&self, ui: &Ui, model: &Model) -> (&'static str, &'static str) {
        match self.deed {
            Deed::Theme if !ui.visuals().dark_mode => ("☾", self.says),
            Deed::Pause if model.source.paused => ("▶", "Go on (Space)"),
            _ => (self.sign, self.says),
        }
    }
}

fn buttons(ui: &mut Ui, model: &Model, brevity: Brevity, deeds: &mut Vec<Deed>) {
    for row in &BUTTONS {
        let (sign, says) = row.sign(ui, model);
        let key = if brevity.keys { row.key } else { "" };
        if button(ui, sign, key, says).clicked() {
            deeds.push(row.deed);
        }
    }
}

fn button(ui: &mut Ui, sign: &str, key: &str, says: &str) -> Response {
    let tokens = Tokens::of(ui);
    let sign = RichText::new(sign).size(theme::BODY).color(tokens.text);
    let size = vec2(theme::BUTTON, theme::BUTTON);
    let button = match key {
        "" => Button::new(sign),
        key => Button::new((sign, RichText::new(key).size(theme::SMALL).color(tokens.quiet))),
    };
    let response = ui.add(button.min_size(size));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, says));
    response.on_hover_text(says)
}
