//! What the network says: the largest thing in the window. All its type grows with the panel.

use super::format;
use super::model::Model;
use super::state::Action;
use super::theme::{self, Tokens};
use super::widgets::{self, bar, say, text};
use crate::board::BoardFrame;
use crate::engine::EngineKind;
use crate::pipeline::{EngineCommand, EngineState, Prediction, Report, knows_cards};
use egui::{Align2, Color32, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// The size of the panel's inside that its type is drawn for at scale 1.
const DRAWN_FOR: egui::Vec2 = vec2(376.0, 348.0);

/// The part of a row's width that its name may take.
const NAME: f32 = 0.27;

/// Shows the panel; returns whether the person starts dragging it.
pub(super) fn show(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) -> bool {
    widgets::panel(ui, "Prediction", |ui| match (&model.report, &model.steady) {
        (Some(report), Some(steady)) => content(ui, model, report, steady, actions),
        _ => waiting(ui),
    })
}

fn waiting(ui: &mut Ui) {
    let (rect, tokens) = (ui.max_rect(), Tokens::of(ui));
    let words = "waiting for the first picture";
    let place = text(ui, rect.center(), Align2::CENTER_CENTER, words, theme::plain(theme::BODY + 1.5), tokens.quiet);
    say(ui, place, "waiting", words);
}

fn content(ui: &mut Ui, model: &Model, report: &Report, steady: &Report, actions: &mut Vec<Action>) {
    let rect = ui.max_rect();
    let scale = (rect.size() / DRAWN_FOR).min_elem().clamp(0.3, 4.0);
    let line = |y: f32, height: f32| {
        Rect::from_min_size(pos2(rect.left(), rect.top() + y * scale), vec2(rect.width(), height * scale))
    };
    let past = model.is_past();
    label(ui, line(0.0, 76.0), report, past, scale);
    if past {
        last_seen(ui, line(80.0, 22.0), scale);
    } else {
        verdict(ui, line(80.0, 22.0), report, steady, scale);
    }
    let rows = Prediction::top(&report.prediction.smoothed, 5);
    for (place, &(class, smoothed)) in rows.iter().enumerate() {
        let first = place == 0 && !past && report.prediction.knowing.sure;
        row(ui, line(107.0 + place as f32 * 25.5, 25.5), report, (class, smoothed, first), scale);
    }
    known(ui, line(239.0, 25.5), report, scale, actions);
    figures(ui, line(278.0, 46.0), model, steady, scale);
    remark(ui, line(328.0, 20.0), model, steady, scale);
}

/// The `count` likeliest classes, by their smoothed probability.
fn likeliest(report: &Report, count: usize) -> Vec<(String, f32)> {
    let labels = report.network.labels();
    let named = |(class, p): (usize, f32)| Some((format::label(labels.get(class)?), p));
    Prediction::top(&report.prediction.smoothed, count).into_iter().filter_map(named).collect()
}

fn best(report: &Report) -> Option<(String, f32)> {
    likeliest(report, 1).pop()
}

/// What is said where the network does not know what it sees.
const UNSURE: &str = "not sure";

/// The two likeliest classes with how likely they are.
fn two_likeliest(report: &Report) -> Vec<String> {
    likeliest(report, 2).into_iter().map(|(name, p)| format!("{name} {:.0} %", p * 100.0)).collect()
}

/// The likeliest class in the largest type of the window; quiet words where the network does not know what it sees.
fn label(ui: &Ui, rect: Rect, report: &Report, past: bool, scale: f32) {
    let Some((name, probability)) = best(report) else { return };
    let tokens = Tokens::of(ui);
    if !report.prediction.knowing.sure && !past {
        let font = theme::plain((38.0 * scale).round());
        text(ui, rect.left_center(), Align2::LEFT_CENTER, UNSURE, font, tokens.quiet);
        say(ui, rect, "label", &format!("prediction: {UNSURE}; perhaps {}", two_likeliest(report).join(", or ")));
        return;
    }
    let (what, color) = if past { ("last prediction", tokens.quiet) } else { ("prediction", tokens.text) };
    let size = widgets::fitting(ui, &name, theme::bold, (60.0 * scale).round(), rect.width());
    let height = widgets::layout(ui, &name, theme::bold(size), color).size().y;
    let at = rect.left_center() - vec2(0.0, height / 2.0);
    widgets::elided(ui, at, &name, theme::bold(size), color, rect.width());
    say(ui, rect, "label", &format!("{what}: {name}, {} percent", (probability * 100.0).round()));
}

/// In the verdict's place while no picture comes.
fn last_seen(ui: &Ui, rect: Rect, scale: f32) {
    let words = "seen last; no picture comes now";
    let font = theme::mono((13.5 * scale).round());
    text(ui, rect.left_center(), Align2::LEFT_CENTER, words, font, Tokens::of(ui).quiet);
    say(ui, rect, "last seen", words);
}

/// How sure, whether it is true, and how often it was.
fn verdict(ui: &Ui, rect: Rect, report: &Report, steady: &Report, scale: f32) {
    let tokens = Tokens::of(ui);
    let Some((name, probability)) = best(report) else { return };
    let mut parts = Vec::new();
    let mut write = |words: String, color: Color32| parts.push((words, color));
    let sure = report.prediction.knowing.sure;
    if sure {
        write(format!("{:.0} %", probability * 100.0), tokens.text);
    } else {
        write(format!("perhaps {}", two_likeliest(report).join(" or ")), tokens.quiet);
    }
    if let Some(truth) = report.frame.truth.as_ref().filter(|_| sure && knows_cards(&report.network)) {
        let right = format::label(&truth.label) == name;
        let (sign, color) = if right { ("✓", tokens.embedded) } else { ("✗", tokens.fault) };
        write(format!(" · truth {} ", truth.label), tokens.quiet);
        write(sign.into(), color);
    }
    let counts = steady.counts;
    if counts.with_truth > 0 {
        let of = format::whole(counts.with_truth as f32);
        write(format!(" · right {} of {of}", format::whole(counts.right as f32)), tokens.quiet);
    }
    let all: String = parts.iter().map(|part| part.0.as_str()).collect();
    let font = theme::mono(widgets::fitting(ui, &all, theme::mono, (13.5 * scale).round(), rect.width()));
    let mut at = rect.left_center();
    for (words, color) in parts {
        at.x = text(ui, at, Align2::LEFT_CENTER, words, font.clone(), color).right();
    }
    say(ui, rect, "verdict", &all);
}

/// A row's bar: between its name and its percent.
fn track(row: Rect, scale: f32) -> Rect {
    let left = row.left() + row.width() * NAME + 8.0 * scale;
    Rect::from_x_y_ranges(left..=row.right() - 70.0 * scale, row.y_range()).shrink2(vec2(0.0, 4.5 * scale))
}

/// One class: name, smoothed bar with a mark at the raw value, percent.
fn row(ui: &Ui, rect: Rect, report: &Report, (class, smoothed, first): (usize, f32, bool), scale: f32) {
    let tokens = Tokens::of(ui);
    let labels = report.network.labels();
    let Some(name) = labels.get(class).map(String::as_str).map(format::label) else { return };
    let raw = report.prediction.raw.get(class).copied().unwrap_or(0.0);
    let size = (14.0 * scale).round();
    let (font, color) = if first { (theme::bold(size), tokens.text) } else { (theme::plain(size), tokens.quiet) };
    let top = pos2(rect.left(), rect.center().y - size * 0.62);
    widgets::elided(ui, top, &name, font, color, rect.width() * NAME);
    let figure = theme::mono((13.0 * scale).round());
    text(
        ui,
        rect.right_center(),
        Align2::RIGHT_CENTER,
        format::percent(smoothed),
        figure,
        if first { tokens.text } else { color },
    );
    let track = track(rect, scale);
    let fill = if first { tokens.twin(report.network.has_pixel_embedding()) } else { tokens.code_edge };
    bar(ui, track, smoothed, fill);
    let mark = track.left() + track.width() * raw.clamp(0.0, 1.0);
    let stroke = Stroke::new(1.5 * scale, tokens.text);
    ui.painter().vline(mark, (track.top() - 2.0 * scale)..=(track.bottom() + 2.0 * scale), stroke);
    let says = format!("{name}: {} smoothed, {} in this frame", percent(smoothed), percent(raw));
    say(ui, rect, ("class", class), &says).on_hover_text(&says);
}

/// How well the network knows what it sees, and from where on it names it: that mark can be moved.
fn known(ui: &Ui, rect: Rect, report: &Report, scale: f32, actions: &mut Vec<Action>) {
    let tokens = Tokens::of(ui);
    let Prediction { knowing, limit, .. } = &report.prediction;
    let color = if knowing.sure { tokens.text } else { tokens.quiet };
    let (plain, mono) = (theme::plain((14.0 * scale).round()), theme::mono((13.0 * scale).round()));
    text(ui, rect.left_center(), Align2::LEFT_CENTER, "known", plain, color);
    text(ui, rect.right_center(), Align2::RIGHT_CENTER, format::percent(knowing.known), mono, color);
    let track = track(rect, scale);
    bar(ui, track, knowing.known, tokens.chosen);
    let response = ui.interact(rect, ui.scope_id().with("limit"), Sense::click_and_drag());
    let at = track.left() + track.width() * limit;
    let stroke = Stroke::new(if response.hovered() { 3.0 } else { 2.0 } * scale, tokens.text);
    ui.painter().vline(at, (track.top() - 4.0 * scale)..=(track.bottom() + 4.0 * scale), stroke);
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.clicked() || response.dragged()) {
        let part = (pointer.x - track.left()) / track.width();
        actions.push(Action::Send(EngineCommand::Limit(moved(part, 0))));
    }
    let says = format!("known: {}, named from {} on", percent(knowing.known), percent(*limit));
    response.widget_info(|| WidgetInfo::slider(true, f64::from(*limit), &says));
    response.on_hover_text(format!("{says}; drag the mark, or press [ and ]"));
}

/// A limit, from 0 to 1, moved by so many percent, in whole percent.
pub(super) fn moved(limit: f32, step: i8) -> u8 {
    (limit * 100.0 + f32::from(step)).round().clamp(0.0, 100.0) as u8
}

fn percent(fraction: f32) -> String {
    format::percent(fraction).trim().to_owned()
}

fn figures(ui: &Ui, rect: Rect, model: &Model, steady: &Report, scale: f32) {
    let rates = steady.rates;
    let (per_s, a_frame) = match steady.timing.board {
        Some(board) if board.simulated => ("frames/s, simulated", "a frame, simulated"),
        Some(_) => ("frames/s of the board", "a frame, computed"),
        None => ("frames/s of the engine", "a frame"),
    };
    let columns = [
        (0.0..0.42, format::whole(rates.engine_per_s), per_s),
        (0.43..0.75, format!("{} ms", format::ms(rates.infer_ms)), a_frame),
        (0.76..1.0, format::rate(model.shown_per_s), "frames/s shown"),
    ];
    let tokens = Tokens::of(ui);
    for (part, figure, says) in columns {
        let (x, width) = (rect.left() + rect.width() * part.start, rect.width() * (part.end - part.start));
        let figure = figure.trim();
        let size = widgets::fitting(ui, figure, theme::mono, (theme::FIGURE * scale).round(), width);
        let top = text(ui, pos2(x, rect.top()), Align2::LEFT_TOP, figure, theme::mono(size), tokens.text);
        let below = pos2(x, top.bottom() + 1.0);
        let size = widgets::fitting(ui, says, theme::plain, (theme::SMALL * scale).round(), width);
        let small = text(ui, below, Align2::LEFT_TOP, says, theme::plain(size), tokens.quiet);
        say(ui, top.union(small), says, &format!("{figure} {says}"));
    }
}

/// The board's cycles, and what the way to it takes: computing is one thing, the line another.
fn board_remark(board: BoardFrame, link_ms: f32) -> String {
    let cycles = format::whole(board.cycles as f32);
    let (mhz, link) = (f64::from(board.clock_khz) / 1e3, format::ms(link_ms));
    let link = link.trim();
    if board.simulated {
        format!("simulated: {cycles} cycles at {mhz} MHz; simulating takes {link} ms")
    } else {
        format!("{cycles} cycles at {mhz} MHz; the line takes {link} ms more")
    }
}

/// What must be known to read the figures rightly.
fn remark(ui: &Ui, rect: Rect, model: &Model, steady: &Report, scale: f32) {
    let words = match &model.engine {
        EngineState::Loading(name) => format!("{name} is being prepared; until then {} runs on", steady.network.name()),
        EngineState::Running(_) if steady.engine.kind == EngineKind::Reference => {
            "plain loops: right, and no measure of speed".into()
        }
        EngineState::Running(_) => match steady.timing.board {
            Some(board) => board_remark(board, steady.rates.link_ms),
            None => return,
        },
    };
    let place = widgets::elided(
        ui,
        rect.min,
        &words,
        theme::plain((theme::SMALL * scale).round()),
        Tokens::of(ui).float_input,
        rect.width(),
    );
    say(ui, place, "remark", &words);
}
