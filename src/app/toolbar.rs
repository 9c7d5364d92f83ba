//! The bar at the top: what runs, the counters, and buttons for what keys do.

use super::choices::{self, Choice};
use super::format;
use super::keys::Deed;
use super::model::Model;
use super::state::{Action, State};
use super::theme::{self, Tokens};
use crate::pipeline::Command;
use egui::containers::menu::MenuButton;
use egui::{Align, Button, Layout, Response, RichText, Role, Ui, WidgetInfo, vec2};

/// Shows the bar. Returns what its buttons ask for; choices go to `actions`.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut State, actions: &mut Vec<Action>) -> Vec<Deed> {
    ui.spacing_mut().interact_size.y = theme::BUTTON;
    let mut deeds = Vec::new();
    ui.horizontal_centered(|ui| {
        ui.label(RichText::new("Ernscope").font(theme::bold(17.0)));
        ui.add_space(6.0);
        sources(ui, model, state, actions);
        networks(ui, model, state, actions);
        engines(ui, model, actions);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            buttons(ui, model, &mut deeds);
            ui.add_space(6.0);
            counters(ui, model);
        });
    });
    deeds
}

/// A button that opens a list: what it chooses, quietly, then what is chosen.
fn chooser(ui: &mut Ui, what: &str, chosen: &str, list: impl FnOnce(&mut Ui)) {
    let tokens = Tokens::of(ui);
    let short = shortened(chosen);
    let name = RichText::new(short).font(theme::bold(theme::BODY)).color(tokens.text);
    let arrow = RichText::new("▾").size(theme::SMALL).color(tokens.quiet);
    let button = Button::new((RichText::new(what).color(tokens.quiet), name, arrow)).min_size(vec2(0.0, theme::BUTTON));
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_min_width(250.0);
        list(ui);
    });
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{what}: {chosen}")));
}

fn shortened(text: &str) -> String {
    const MOST: usize = 30;
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= MOST {
        text.into()
    } else {
        format!("…{}", letters[letters.len() - MOST..].iter().collect::<String>())
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

fn open_entry(ui: &mut Ui, state: &mut State, says: &str) {
    ui.separator();
    if entry(ui, false, says).clicked() {
        state.path = Some(String::new());
        ui.close();
    }
    heading(ui, "or drop a file on the window");
}

fn sources(ui: &mut Ui, model: &Model, state: &mut State, actions: &mut Vec<Action>) {
    let chosen = choices::source_name(model);
    let mut opened = false;
    chooser(ui, "Source", &chosen, |ui| {
        opened = true;
        entries(ui, choices::sources(model), |source| actions.push(Action::Source(source)));
        open_entry(ui, state, "a picture, folder or video …  O");
    });
    let newly = opened && !ui.data(|data| data.get_temp::<bool>(ui.scope_id().with("sources")).unwrap_or(false));
    ui.data_mut(|data| data.insert_temp(ui.scope_id().with("sources"), opened));
    if newly {
        actions.push(Action::ListCameras);
    }
}

fn networks(ui: &mut Ui, model: &Model, state: &mut State, actions: &mut Vec<Action>) {
    let size = model.steady.as_ref().map(|report| format::bytes(report.network.weight_bits() / 8));
    let name = choices::network_name(model);
    let chosen = size.map_or(name.clone(), |size| format!("{name} · {size}"));
    chooser(ui, "Network", &chosen, |ui| {
        let (shipped, random) = choices::networks(model);
        entries(ui, shipped, |network| actions.push(Action::Send(Command::Model(network))));
        heading(ui, "published shapes, random weights");
        entries(ui, random, |network| actions.push(Action::Send(Command::Model(network))));
        heading(ui, "input size in pixels");
        ui.horizontal_wrapped(|ui| {
            ui.set_max_width(250.0);
            for choice in choices::edges(model) {
                let button = ui.add(Button::selectable(choice.chosen, choice.says.as_str()));
                if button.clicked() {
                    actions.push(Action::Send(Command::Edge(choice.value)));
                    ui.close();
                }
            }
        });
        open_entry(ui, state, "a model file …  O");
    });
}

fn engines(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let chosen = choices::engine_name(model);
    chooser(ui, "Engine", &chosen, |ui| {
        entries(ui, choices::engines(model), |engine| actions.push(Action::Send(Command::Engine(engine))));
        heading(ui, "threads");
        ui.horizontal_wrapped(|ui| {
            ui.set_max_width(250.0);
            for choice in choices::threads(model) {
                let button = ui.add(Button::selectable(choice.chosen, choice.says.as_str()));
                if button.clicked() {
                    actions.push(Action::Send(Command::Threads(choice.value)));
                    ui.close();
                }
            }
        });
    });
}

/// The figures of the whole way, in fixed width.
fn counters(ui: &mut Ui, model: &Model) {
    let tokens = Tokens::of(ui);
    let mut parts = Vec::new();
    if let Some(steady) = &model.steady {
        let captured_per_s = if model.is_past() { 0.0 } else { steady.rates.captured_per_s };
        parts.push(format!("captured {:>3}/s", format::rate(captured_per_s)));
        parts.push(format!("dropped {:>3}", format::whole(steady.counts.dropped as f32)));
        if model.source.left_out.count > 0 {
            parts.push(model.source.left_out.to_string());
        }
        if !model.is_past() {
            parts.push(format!("latency {} ms", format::ms(steady.rates.latency_ms)));
        }
    }
    let says = parts.join(" · ");
    let width = |ui: &Ui, words: &str| {
        ui.painter().layout_no_wrap(words.into(), theme::mono(theme::TINY + 0.5), tokens.quiet).size().x
    };
    if !says.is_empty() && width(ui, &says) <= ui.available_width() {
        ui.label(RichText::new(&says).font(theme::mono(theme::TINY + 0.5)).color(tokens.quiet));
    }
    let software = "software rendering, 10/s";
    if model.software_rendering && width(ui, software) + 16.0 <= ui.available_width() {
        let label = RichText::new(software).font(theme::mono(theme::TINY + 0.5)).color(tokens.float_input);
        ui.label(label).on_hover_text(
            "No graphics card: the window repaints 10 times a second and leaves the processor to the network.",
        );
    }
}

fn buttons(ui: &mut Ui, model: &Model, deeds: &mut Vec<Deed>) {
    let paused = model.source.paused;
    let rows = [
        (Deed::Help, "?", "", "Keys (F1)"),
        (Deed::Fullscreen, "□", "F11", "Full screen with large type (F11)"),
        (Deed::Theme, if ui.visuals().dark_mode { "☀" } else { "☾" }, "", "Dark or light (T)"),
        (Deed::Figures, "⇩", "E", "Save the figures as CSV and JSON (E); the frame and all layers (Shift E)"),
        (Deed::Screenshot, "◉", "S", "Save a screenshot (S)"),
        (Deed::Step, "▸|", "", "One frame, then pause (.)"),
        if paused {
            (Deed::Pause, "▶", "Space", "Go on (Space)")
        } else {
            (Deed::Pause, "❚❚", "Space", "Pause (Space)")
        },
    ];
    for (deed, sign, key, says) in rows {
        if button(ui, sign, key, says).clicked() {
            deeds.push(deed);
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
