//! The two twins on the same frames: what pixel embedding buys on this engine, measured.

use super::format;
use super::lines::{self, Series};
use super::model::Model;
use super::state::State;
use super::theme::{self, Tokens};
use super::widgets::{self, say, text};
use crate::pipeline::{Comparison, Measured, Report, TwinFigures};
use egui::{Align2, Color32, FontId, Rect, RichText, Ui, pos2, vec2};

/// How far back the lines go, in seconds.
const SPAN: f64 = 10.0;
/// Closer than this the twins count as equally fast.
const EQUAL: f32 = 0.01;

/// Shows the panel; returns whether the person starts dragging it.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &State) -> bool {
    widgets::panel(ui, super::layout::Panel::Comparison.title(), |ui| {
        let Some((report, steady)) = model.report.as_deref().zip(model.steady.as_deref()) else { return };
        match (&steady.comparison, state.compare) {
            (Some(comparison), true) if comparison.frames > 0 => content(ui, model, comparison),
            (_, false) => hint(ui, "The comparison rests.", "Press C: the twin then runs on the same frames."),
            (Some(_), true) => hint(ui, "The twin is starting.", "Its figures follow with the next frames."),
            (None, true) if !model.settings.engine.allows_two() => hint(
                ui,
                "A board has room for one network at a time.",
                "With fpga:sim, or on the CPU, its twin runs on the same frames.",
            ),
            (None, true) => no_twin(ui, report),
        }
    })
}

fn no_twin(ui: &mut Ui, report: &Report) {
    let name = report.network.name();
    let missing = if report.network.has_pixel_embedding() { "a float first layer" } else { "pixel embedding" };
    let first = format!("{name} has no twin with {missing} here.");
    let then = "Twins lie side by side as NAME.safetensors and NAME-float-input.safetensors, of one family.";
    hint(ui, &first, then);
}

fn hint(ui: &mut Ui, first: &str, then: &str) {
    let tokens = Tokens::of(ui);
    ui.add_space(ui.available_height() * 0.22);
    ui.vertical_centered(|ui| {
        ui.label(RichText::new(first).font(theme::bold(theme::BODY + 2.0)));
        ui.label(RichText::new(then).color(tokens.quiet));
    });
}

fn content(ui: &mut Ui, model: &Model, comparison: &Comparison) {
    let rect = ui.max_rect();
    let column = |from: f32, to: f32| {
        let x = |at: f32| rect.left() + rect.width() * at;
        Rect::from_min_max(pos2(x(from), rect.top()), pos2(x(to), rect.bottom()))
    };
    chart(ui, column(0.0, 0.36), model);
    table(ui, column(0.39, 0.79), comparison);
    verdict(ui, column(0.825, 1.0), comparison);
}

fn chart(ui: &mut Ui, rect: Rect, model: &Model) {
    let tokens = Tokens::of(ui);
    let line = |which: usize| {
        let points = model.history.points().filter(|(age, _)| f64::from(*age) <= SPAN);
        points.filter_map(|(age, point)| Some([f64::from(-age), f64::from(point.twins_per_s?[which])])).collect()
    };
    let series = vec![
        Series { name: "with pixel embedding", color: tokens.embedded, points: line(0) },
        Series { name: "float first layer", color: tokens.float_input, points: line(1) },
    ];
    lines::show(ui, rect, "twins over time", SPAN, "frames/s", series);
}

/// The right ends of the columns, as parts of the table's width.
const COLUMNS: [(f32, &str); 5] =
    [(0.23, ""), (0.45, "frames/s"), (0.64, "a frame"), (0.84, "first layer"), (1.0, "right")];

fn table(ui: &Ui, rect: Rect, comparison: &Comparison) {
    let tokens = Tokens::of(ui);
    if comparison.measured == Measured::SimulatedBoard {
        let place = pos2(rect.left() + rect.width() * COLUMNS[0].0, rect.top() + rect.height().min(150.0) * 0.1);
        let says = text(ui, place, Align2::RIGHT_CENTER, "simulated", theme::bold(theme::SMALL), tokens.float_input);
        say(ui, says, "simulated", "simulated").on_hover_text("computed by a simulation; times are those of its clock");
    }
    let row = |y: f32| rect.top() + rect.height().min(150.0) * y;
    for (at, name) in COLUMNS {
        let place = pos2(rect.left() + rect.width() * at, row(0.1));
        text(ui, place, Align2::RIGHT_CENTER, name, theme::plain(theme::SMALL), tokens.quiet);
    }
    twin(ui, rect, row(0.42), "embedding", tokens.embedded, &comparison.embedded);
    twin(ui, rect, row(0.8), "float input", tokens.float_input, &comparison.float_input);
}

fn twin(ui: &Ui, rect: Rect, y: f32, name: &str, color: Color32, figures: &TwinFigures) {
    let cells: [(String, FontId); 5] = [
        (name.into(), theme::bold(theme::BODY)),
        (format::whole(figures.frames_per_s), theme::mono(21.0)),
        (format!("{} ms", format::ms(figures.frame_ms)), theme::mono(theme::BODY)),
        (format!("{} ms", format::ms(figures.first_layer_ms)), theme::mono(theme::BODY)),
        (figures.accuracy.map_or("–".into(), format::percent), theme::mono(theme::BODY)),
    ];
    let mut says = String::from(&figures.name);
    for ((at, column), (cell, font)) in COLUMNS.iter().zip(cells) {
        says.push_str(&format!(" {column} {}", cell.trim()));
        text(ui, pos2(rect.left() + rect.width() * at, y), Align2::RIGHT_CENTER, cell, font, color);
    }
    let place = Rect::from_x_y_ranges(rect.x_range(), (y - 14.0)..=(y + 14.0));
    say(ui, place, name, &says).on_hover_text(&figures.name);
}

/// Which one is faster, and by how much: never assumed.
fn verdict(ui: &Ui, rect: Rect, comparison: &Comparison) {
    let Some(speedup) = comparison.speedup() else { return };
    let tokens = Tokens::of(ui);
    let (figure, says, color) = match speedup {
        s if (s - 1.0).abs() < EQUAL => ("1.00×".into(), "equally fast either way", tokens.text),
        s if s > 1.0 => (format!("{s:.2}×"), "faster with pixel embedding", tokens.embedded),
        s => (format!("{:.2}×", 1.0 / s.max(1e-6)), "slower with pixel embedding", tokens.float_input),
    };
    let size = widgets::fitting(ui, &figure, 42.0, rect.width());
    let big = text(ui, rect.min - vec2(0.0, 6.0), Align2::LEFT_TOP, &figure, theme::bold(size), color);
    let lines = [
        says.to_owned(),
        match comparison.measured {
            Measured::SimulatedBoard => "simulated boards, no line".into(),
            Measured::Board => "on boards, without the line".into(),
            Measured::Here => "on this engine, last 10 s".into(),
        },
        format!("same answer on {} of", format::percent(comparison.agreement).trim()),
        format!("{} frames", format::whole(comparison.frames as f32)),
    ];
    let mut at = pos2(rect.left(), big.bottom() + 2.0);
    for line in &lines {
        at.y = text(ui, at, Align2::LEFT_TOP, line, theme::plain(theme::SMALL), tokens.quiet).bottom() + 1.5;
    }
    say(ui, rect, "verdict", &format!("{figure} {}", lines.join(" ")));
}
