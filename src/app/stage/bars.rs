//! What pixel embedding buys, as two large bars, and what runs it.

use super::super::comparison::EQUAL;
use super::super::format;
use super::super::model::Model;
use super::super::theme::{self, Tokens};
use super::super::widgets::{self, fitting, text};
use crate::booth::words::Words;
use crate::pipeline::{Comparison, Measured, Report};
use egui::{Align2, Color32, Rect, Ui, pos2, vec2};

/// Draws the bars, the ratio, and what runs it.
pub(super) fn show(ui: &Ui, rect: Rect, model: &Model, words: &Words, unit: f32) {
    let tokens = Tokens::of(ui);
    ui.painter().rect_filled(rect, unit, tokens.panel);
    let inside = rect.shrink(2.0 * unit);
    let Some(report) = model.steady.as_deref() else { return };
    let comparison = report.comparison.as_ref().filter(|comparison| comparison.speedup().is_some());
    let ratio = ratio(comparison, model, words, tokens);
    let size = fitting(ui, &ratio.0, theme::bold, 6.4 * unit, inside.width());
    let top = text(ui, inside.left_top(), Align2::LEFT_TOP, &ratio.0, theme::bold(size), ratio.1);
    widgets::say(ui, top, "ratio", &ratio.0);
    let below = pos2(inside.left(), inside.bottom());
    let runs = runs_on(report, words);
    let size = fitting(ui, &runs, theme::mono, 2.3 * unit, inside.width());
    let last = text(ui, below, Align2::LEFT_BOTTOM, &runs, theme::mono(size), tokens.quiet);
    widgets::say(ui, last, "engine", &runs);
    let Some(comparison) = comparison else { return };
    let room = Rect::from_min_max(pos2(inside.left(), top.bottom() + unit), pos2(inside.right(), last.top() - unit));
    let most = comparison.embedded.frames_per_s.max(comparison.float_input.frames_per_s).max(f32::MIN_POSITIVE);
    let twins = [
        (&words.with_embedding, comparison.embedded.frames_per_s, tokens.embedded),
        (&words.without_embedding, comparison.float_input.frames_per_s, tokens.float_input),
    ];
    for (place, (name, per_s, color)) in twins.into_iter().enumerate() {
        let top = room.top() + room.height() * 0.5 * place as f32;
        let row = Rect::from_min_size(pos2(room.left(), top), vec2(room.width(), room.height() * 0.46));
        twin(ui, row, (name, &words.frames_per_s), (per_s, per_s / most), color, unit);
    }
}

/// A twin's name, figure and bar.
fn twin(ui: &Ui, row: Rect, (name, per_s_word): (&str, &str), (per_s, share): (f32, f32), color: Color32, unit: f32) {
    let tokens = Tokens::of(ui);
    let figure = format!("{} {per_s_word}", format::whole(per_s).trim());
    let line = pos2(row.right(), row.top());
    let place = text(ui, line, Align2::RIGHT_TOP, &figure, theme::bold(2.9 * unit), color);
    let size = fitting(ui, name, theme::plain, 2.7 * unit, place.left() - unit - row.left());
    text(ui, row.left_top(), Align2::LEFT_TOP, name, theme::plain(size), tokens.text);
    let bar = Rect::from_min_max(pos2(row.left(), row.top() + 4.2 * unit), row.right_bottom());
    widgets::bar(ui, bar, share, color);
    widgets::say(ui, row, name, &format!("{name}: {figure}"));
}

/// Which twin is faster, and by how much: never assumed.
fn ratio(comparison: Option<&Comparison>, model: &Model, words: &Words, tokens: &Tokens) -> (String, Color32) {
    match comparison.and_then(Comparison::speedup) {
        None if !model.settings.engine.allows_two() => (words.one_network.clone(), tokens.quiet),
        None => (words.measuring.clone(), tokens.quiet),
        Some(ratio) if (ratio - 1.0).abs() < EQUAL => (words.alike.clone(), tokens.text),
        Some(ratio) => {
            let color = if ratio > 1.0 { tokens.embedded } else { tokens.float_input };
            (words.faster.replace("{}", &words.number(&format!("{ratio:.2}"))), color)
        }
    }
}

/// `cpu:avx2 · 0.23 ms a frame`, or a board with its cycles; and whether it is simulated.
fn runs_on(report: &Report, words: &Words) -> String {
    let name = &report.engine.name;
    let took = words.number(&format::ms(report.rates.infer_ms));
    let mut says = format!("{} {name} · {} {}", words.runs_on, took.trim(), words.a_frame);
    if let Some(board) = report.timing.board {
        says.push_str(&format!(" · {} {}", format::whole(board.cycles as f32).trim(), words.cycles));
    }
    let measured = report.comparison.as_ref().map(|comparison| comparison.measured);
    if report.timing.board.is_some_and(|board| board.simulated) || measured == Some(Measured::SimulatedBoard) {
        says.push_str(&format!(" · {}", words.simulated));
    }
    says
}
